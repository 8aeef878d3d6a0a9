//! Puts the parts together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use scheduler::Handle;
use store::{Db, Sealer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use web::{Console, Settings};

use crate::config::{Config, MasterKey};
use crate::error::Error;
use crate::shelves::Shelves;
use crate::{telemetry, vitals};

/// How long answers that have begun may take to end when the process does.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// A server at work.
#[derive(Debug)]
pub struct Running {
    /// Where the web part listens.
    pub addr: SocketAddr,
    scheduler: Arc<Handle>,
    stop: CancellationToken,
    web: JoinHandle<()>,
}

impl Running {
    /// Begins no new work, puts down what runs at the next safe point, and ends.
    pub async fn drain(self) {
        self.scheduler.drain().await;
        self.stop.cancel();
        let mut web = self.web;
        match tokio::time::timeout(LAST_ANSWERS, &mut web).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => error!(%error, "The web part did not end in good order."),
            Err(_elapsed) => {
                warn!("Some answers, downloads perhaps, took too long to end and were broken off.");
                web.abort();
            }
        }
    }
}

/// Starts web and scheduler, after bringing the schema up to date.
pub async fn start(config: Config) -> Result<Running, Error> {
    let counters = telemetry::counters()?;
    let clock = Clock::system();
    let db = connect(&config, &clock).await?;
    db.migrate().await?;
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        Error::input(format!(
            "HOLDFAST_LISTEN is {}, where nothing can listen ({error}): choose another address or port.",
            config.listen
        ))
    })?;
    let addr = listener
        .local_addr()
        .map_err(|error| Error::Failed(format!("The web part has no address: {error}.")))?;
    let scheduler = Arc::new(schedule(&config, db.clone(), clock.clone()).await?);
    let stop = CancellationToken::new();
    let console = console(&config, db.clone(), clock, stop.clone()).await?;
    let parts = vitals::Parts {
        db,
        scheduler: Arc::clone(&scheduler),
        counters,
    };
    let router = web::router(console)
        .merge(vitals::router(parts))
        .into_make_service_with_connect_info::<SocketAddr>();
    let stopped = stop.clone().cancelled_owned();
    let web = tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stopped);
        if let Err(error) = served.await {
            error!(%error, "The web part has ended.");
        }
    });
    Ok(Running {
        addr,
        scheduler,
        stop,
        web,
    })
}

/// The admin console. While nobody may sign in, the log says with which code the first person can.
async fn console(
    config: &Config,
    db: Db,
    clock: Clock,
    stop: CancellationToken,
) -> Result<Console, Error> {
    let mut settings = Settings {
        public_url: config.public_url.clone(),
        proxies: config.proxies.clone(),
        storage_roots: config.storage_roots.clone(),
        http_allowed: config.http_allowed.clone(),
        set_up_code: None,
    };
    if !db.people().is_set_up().await? {
        let code = web::set_up_code()
            .ok_or_else(|| Error::Failed("The system gives no random numbers.".to_owned()))?;
        info!(
            "Nobody is set up yet: open /setup in a browser and enter the code {}.",
            code.expose()
        );
        settings.set_up_code = Some(code);
    }
    let sealer = Arc::new(sealer(config)?);
    let shelves = Shelves::new(db.clone(), Arc::clone(&sealer), config.data.clone());
    Ok(Console::new(db, sealer, clock, settings)
        .with_contents(Arc::new(shelves))
        .until(stop))
}

/// Starts the scheduler alone, on a schema that a server has brought up to date.
pub async fn start_worker(config: &Config, clock: Clock) -> Result<Handle, Error> {
    let db = connect(config, &clock).await?;
    schedule(config, db, clock).await
}

/// What seals and opens secrets. A key that is to be made may need its folder made first.
pub(crate) fn sealer(config: &Config) -> Result<Sealer, Error> {
    let path = match &config.master_key {
        MasterKey::Given(key) => return Ok(Sealer::from_text(key)?),
        MasterKey::File(path) => path,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::Failed(format!(
                "{} cannot be created ({error}): check its rights, or set HOLDFAST_DATA.",
                folder.display()
            ))
        })?;
    }
    Ok(Sealer::open_or_create(path)?)
}

/// The root that lies in the data folder is ours to make; others must be there, for a disk may be missing.
fn make_own_storage_root(config: &Config) -> Result<(), Error> {
    let failed = |error: std::io::Error| {
        Error::Failed(format!(
            "The folder for storages in {} cannot be made ({error}): check its rights, or set HOLDFAST_STORAGE_ROOTS.",
            config.data.display()
        ))
    };
    let data = std::path::absolute(&config.data).map_err(failed)?;
    for root in &config.storage_roots {
        if root.starts_with(&data) {
            std::fs::create_dir_all(root).map_err(failed)?;
        }
    }
    Ok(())
}

async fn connect(config: &Config, clock: &Clock) -> Result<Db, Error> {
    let url = config.database_url()?;
    Ok(Db::connect(url.expose(), clock.clone()).await?)
}

async fn schedule(config: &Config, db: Db, clock: Clock) -> Result<Handle, Error> {
    let sealer = sealer(config)?;
    db.fleet().check_master_key(&sealer).await?;
    make_own_storage_root(config)?;
    let mut settings = scheduler::Config::new(config.data.clone());
    settings.console.clone_from(&config.public_url);
    settings.http_allowed.clone_from(&config.http_allowed);
    if let Some(count) = config.concurrency {
        settings.concurrency = count;
    }
    Ok(scheduler::start(settings, db, sealer, clock).await?)
}
