//! Where budget meets work: turns intents into runs, runs into fetches, and fetches into snapshots.
//!
//! Refuses work that the queue does not know, pages and HTTP, SQL, and any say in what a snapshot holds or which credential is
//! chosen: that is [`backup`]'s and [`forge`]'s.
//! Start reading at [`start`], then `discover` (a run becomes fetches), `worker` (a fetch becomes a snapshot) and `verdict` (what
//! becomes of one that does not).
//!
//! Invariants:
//! - a claim is worked on outside any transaction and settled against its fence, or not at all;
//! - a worker that cannot say that it lives stops its work before anybody may think that it is dead;
//! - waiting for quota or for a window is never a failure, and survives a restart;
//! - what was spent is written down before the result is, whatever the result;
//! - a repository is called gone only after a whole listing, and keeps its snapshots;
//! - nothing deletes from a storage but retention, under the exclusive lease, and never a repository's newest snapshot.
#![warn(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Clock;
use serde::Serialize;
use store::{Db, Fleet, Sealer};
use tokio::task::{JoinError, JoinSet};
use tracing::{error, info, warn};

mod alerts;
mod apart;
mod applications;
mod backoff;
mod bell;
mod checks;
mod config;
mod discover;
mod engine;
mod error;
mod forecast;
mod gauges;
mod heartbeat;
mod history;
mod members;
mod persist;
mod planner;
mod quota;
mod report;
mod retention;
mod running;
mod seat;
mod storages;
mod sweep;
mod task;
mod tokens;
mod trial;
mod trials;
mod verdict;
mod worker;

pub use config::Config;
pub use error::Error;
pub use storages::open_storage;
pub use task::TaskStatus;
pub use trial::{Stopped, Trial, Tried};

use engine::Engine;
use running::Stop;
use seat::Seat;

/// Credentials are compared with the store at least this often.
const MEMBERS_EVERY: Duration = Duration::from_secs(15);

/// Dead workers, schedules and windows are looked at this often.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Retention rules are applied at least this often, and after each run.
const RETENTION_EVERY: Duration = Duration::from_hours(1);

/// Storages that somebody has asked about are looked for at least this often.
const TRIALS_EVERY: Duration = Duration::from_mins(1);

/// Applications are looked after at least this often.
const APPLICATIONS_EVERY: Duration = Duration::from_secs(15);

/// What is wrong is compared with the open alerts this often.
const ALERTS_EVERY: Duration = Duration::from_secs(15);

/// What is to be told is looked for at least this often.
const TELLING_EVERY: Duration = Duration::from_secs(15);

/// Gauges are measured this often.
const GAUGES_EVERY: Duration = Duration::from_secs(15);

/// While draining, work that was begun in the last moment is looked for this often.
const DRAIN_AGAIN: Duration = Duration::from_millis(200);

/// How long the worker's last word to the store may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// How a scheduler is doing.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Whether it begins new work: it neither drains nor may be thought dead.
    pub claiming: bool,
    /// Fetches in hand.
    pub fetches: usize,
    /// Its background tasks, by name.
    pub tasks: BTreeMap<&'static str, TaskStatus>,
}

/// A scheduler at work. Dropping it ends its tasks where they stand, as a kill would; [`Handle::drain`] ends them in good order.
#[derive(Debug)]
pub struct Handle {
    engine: Arc<Engine>,
    /// Tasks that claim work.
    claiming: Mutex<JoinSet<()>>,
    /// Tasks that the work needs until its end.
    supporting: Mutex<JoinSet<()>>,
}

/// Starts a scheduler on a database whose schema is up to date.
pub async fn start(config: Config, db: Db, sealer: Sealer, clock: Clock) -> Result<Handle, Error> {
    let worker = config.worker;
    let seat = take_seat(&config, &db.fleet()).await?;
    let engine = Engine::assemble(config, db, Arc::new(sealer), clock, seat)?;
    engine
        .fleet
        .register_worker(worker, &engine.config.hostname)
        .await?;
    quota::restore(&engine).await?;
    let mut supporting = JoinSet::new();
    supporting.spawn(members::run_events(engine.clone(), engine.pool.events()));
    supporting.spawn(quota::run(engine.clone()));
    supporting.spawn(heartbeat::run(engine.clone()));
    supporting.spawn(bell::run(engine.clone()));
    members::load(&engine).await?;
    background(&engine, &mut supporting);
    let mut claiming = JoinSet::new();
    claiming.spawn(discover::run(engine.clone()));
    claiming.spawn(worker::run(engine.clone()));
    claiming.spawn(checks::run(engine.clone()));
    info!(%worker, concurrency = engine.config.concurrency, "The scheduler has started.");
    Ok(Handle {
        engine,
        claiming: Mutex::new(claiming),
        supporting: Mutex::new(supporting),
    })
}

/// Takes the place of the process that worked on the data folder before, and gives what that one held to others.
async fn take_seat(config: &Config, fleet: &Fleet) -> Result<Seat, Error> {
    let mut seat = Seat::take(&config.data)?;
    if let Some(predecessor) = seat.predecessor()? {
        let released = fleet.retire_worker(predecessor).await?;
        if released > 0 {
            info!(%predecessor, released, "Work of the process that was here before goes on.");
        }
    }
    seat.sign(config.worker)?;
    Ok(seat)
}

/// Starts the periodic tasks.
fn background(engine: &Arc<Engine>, tasks: &mut JoinSet<()>) {
    let rings = &engine.rings;
    let members = engine.task("members", MEMBERS_EVERY, &rings.members);
    let sweep = engine.task("sweep", SWEEP_EVERY, &rings.sweep);
    let retention = engine.task("retention", RETENTION_EVERY, &rings.retention);
    let gauges = engine.task("gauges", GAUGES_EVERY, &rings.gauges);
    let history = engine.task("history", history::WRITE_EVERY, &rings.history);
    let foretelling = engine.task("forecast", forecast::EVERY, &rings.forecast);
    let standings = engine.task("standings", history::LOOK_EVERY, &rings.standings);
    let tending = engine.task("tending", history::TEND_EVERY, &rings.tending);
    let trials = engine.task("trials", TRIALS_EVERY, &rings.trials);
    let applications = engine.task("applications", APPLICATIONS_EVERY, &rings.applications);
    let alerting = engine.task("alerts", ALERTS_EVERY, &rings.alerts);
    let telling = engine.task("telling", TELLING_EVERY, &rings.telling);
    let of = || engine.clone();
    let engine = of();
    tasks.spawn(async move { members.run(|| tokens::load(&engine)).await });
    let engine = of();
    tasks.spawn(async move { sweep.run(|| sweep::round(&engine)).await });
    let engine = of();
    tasks.spawn(async move { retention.run(|| retention::round(&engine)).await });
    let engine = of();
    tasks.spawn(async move { gauges.run(|| gauges::measure(&engine)).await });
    let engine = of();
    tasks.spawn(async move {
        history.run(|| history::write(&engine)).await;
        // What the last requests spent; the process ends whether that can be written or not.
        drop(history::write(&engine).await);
    });
    let engine = of();
    tasks.spawn(async move { foretelling.run(|| forecast::round(&engine)).await });
    let engine = of();
    tasks.spawn(async move { standings.run(|| history::look(&engine)).await });
    let engine = of();
    tasks.spawn(async move { tending.run(|| history::tend(&engine)).await });
    let engine = of();
    tasks.spawn(async move { applications.run(|| applications::round(&engine)).await });
    let engine = of();
    tasks.spawn(async move { alerting.run(|| alerts::raise(&engine)).await });
    let engine = of();
    tasks.spawn(async move { telling.run(|| alerts::tell(&engine)).await });
    let engine = of();
    tasks.spawn(async move { trials.run(|| trials::round(&engine)).await });
}

impl Handle {
    /// How the scheduler is doing.
    pub fn status(&self) -> Status {
        Status {
            claiming: !self.engine.is_fenced() && !self.engine.draining.is_cancelled(),
            fetches: self.engine.running.fetches().len(),
            tasks: self.engine.board.rows(),
        }
    }

    /// Looks at once for work, due schedules and ended windows, without waiting for the next time to do so.
    pub fn ring(&self) {
        self.engine.rings.sweep.notify_one();
        self.engine.rings.alerts.notify_one();
        self.engine.rings.all();
    }

    /// Begins nothing any more, puts what is in hand back at the next safe point, gives back unspent quota, and takes the worker
    /// off the list. Calling it again does nothing.
    pub async fn drain(&self) {
        info!("The scheduler drains: what is in hand goes back to the queue.");
        self.engine.draining.cancel();
        self.engine.running.stop_all(Stop::Drain);
        let mut claiming = take(&self.claiming);
        // What was claimed in the moment of the signal is told to stop as well.
        while !claiming.is_empty() {
            tokio::select! {
                Some(ended) = claiming.join_next() => note_panic(ended),
                () = tokio::time::sleep(DRAIN_AGAIN) => self.engine.running.stop_all(Stop::Drain),
            }
        }
        self.engine.ended.cancel();
        let mut supporting = take(&self.supporting);
        while let Some(ended) = supporting.join_next().await {
            note_panic(ended);
        }
        let worker = self.engine.config.worker;
        match tokio::time::timeout(FAREWELL, self.engine.fleet.retire_worker(worker)).await {
            Ok(Ok(_)) => info!(%worker, "The scheduler has ended."),
            Ok(Err(error)) => {
                warn!(%error, "The worker was not taken off the list; it will count as lost in a while.");
            }
            Err(_) => warn!(
                "The worker was not taken off the list in time; it will count as lost in a while."
            ),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.engine.draining.cancel();
        self.engine.running.stop_all(Stop::Fenced);
    }
}

fn take(tasks: &Mutex<JoinSet<()>>) -> JoinSet<()> {
    std::mem::take(&mut *tasks.lock().unwrap_or_else(PoisonError::into_inner))
}

fn note_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        error!(%error, "A task of the scheduler ended in an unexpected way.");
    }
}
