//! One installation with one organization, ready to run a plan.

use std::path::Path;
use std::time::Duration;

use domain::{
    Clock, Content, CredentialId, CredentialKind, ForgeKind, Host, Place, PlanId, Retention, Role,
    RunId, Schedule, Secret, Selection, StorageId,
};
use forge_sim::{Limits, Options, Recipe, UserRecipe};
use scheduler::{Config, Handle};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use store::{
    Account, Db, NewCredential, NewOrganization, NewPlan, NewStorage, Organization, RunView,
    Scoped, Sealer, Snapshot, SnapshotFilter, TokenSource, Trigger,
};
use tempfile::TempDir;
use tracing_subscriber::EnvFilter;

/// No test waits longer than this for anything.
const DEADLINE: Duration = Duration::from_mins(2);

/// The account that the organization covers.
pub(crate) const LOGIN: &str = "acme";

pub(crate) struct World {
    pub(crate) simulator: forge_sim::Handle,
    pub(crate) clock: Clock,
    pub(crate) db: Db,
    pub(crate) scoped: Scoped,
    pub(crate) organization: Organization,
    pub(crate) storage: StorageId,
    pub(crate) folder: TempDir,
}

/// What differs from world to world.
pub(crate) struct Setting {
    pub(crate) recipe: Recipe,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    /// Whether the host also speaks TLS, with a certificate of a private authority.
    pub(crate) tls: bool,
}

impl Setting {
    /// A world with one user, `main`, and the usual limits.
    pub(crate) fn of(recipe: Recipe) -> Self {
        Self {
            recipe: recipe.with_user(UserRecipe::member("main")),
            limits: Limits::default(),
            clock: Clock::system(),
            tls: false,
        }
    }
}

impl World {
    /// Registers the organization, with `main`'s token as its main credential.
    pub(crate) async fn make(pool: &PgPool, setting: Setting) -> Self {
        // With RUST_LOG set, a failed test shows what happened; a second test finds the subscriber in place.
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::from_default_env())
            .with_test_writer()
            .try_init()
            .ok();
        let simulator = forge_sim::start(Options {
            limits: setting.limits,
            tls: setting.tls,
            ..Options::new(setting.recipe)
        })
        .await
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let connections = PgPoolOptions::new()
            .max_connections(12)
            .connect_with((*pool.connect_options()).clone())
            .await
            .unwrap();
        let db = Db::from_pool(connections, setting.clock.clone());
        let sealer = sealer(folder.path());
        let tenant = db
            .fleet()
            .add_tenant(&"customer".parse().unwrap(), &sealer)
            .await
            .unwrap();
        let scoped = db.tenant(tenant.id);
        let host = Host::parse(ForgeKind::GitHub, simulator.web(), &[]).unwrap();
        let account = simulator
            .control()
            .with_world(|world| world.account(LOGIN).map(|account| account.id))
            .unwrap();
        let organization = scoped
            .add_organization(
                &sealer,
                NewOrganization {
                    name: LOGIN.parse().unwrap(),
                    host,
                    accounts: vec![Account {
                        login: LOGIN.to_owned(),
                        forge_id: i64::try_from(account).unwrap(),
                        is_organization: true,
                    }],
                },
                credential(&simulator, "main", Role::Main),
            )
            .await
            .unwrap();
        let place = Place::Local {
            path: folder.path().join("storage"),
        };
        std::fs::create_dir(folder.path().join("storage")).unwrap();
        let storage = scoped
            .add_storage(
                &sealer,
                NewStorage {
                    name: "disk".parse().unwrap(),
                    location: serde_json::to_value(place).unwrap(),
                    secret: None,
                },
            )
            .await
            .unwrap();
        Self {
            simulator,
            clock: setting.clock,
            db,
            scoped,
            organization,
            storage: storage.id,
            folder,
        }
    }

    /// Adds the token of another user.
    pub(crate) async fn add_credential(&self, login: &str) -> CredentialId {
        self.scoped
            .add_credential(
                &sealer(self.folder.path()),
                self.organization.id,
                credential(&self.simulator, login, Role::Additional),
            )
            .await
            .unwrap()
    }

    /// Adds a plan for everything, with these additional credentials.
    pub(crate) async fn add_plan(&self, use_credentials: &[CredentialId]) -> PlanId {
        self.add_plan_for(Selection::All, None, use_credentials)
            .await
    }

    pub(crate) async fn add_plan_for(
        &self,
        selection: Selection,
        schedule: Option<Schedule>,
        use_credentials: &[CredentialId],
    ) -> PlanId {
        self.scoped
            .add_plan(NewPlan {
                name: "nightly".parse().unwrap(),
                organization: self.organization.id,
                selection,
                content: Content::default(),
                storage: self.storage,
                schedule,
                paused: false,
                retention: Retention::default(),
                additional_credentials: !use_credentials.is_empty(),
                pool_part: domain::PoolPart::ALL,
                weight: domain::Weight::USUAL,
                use_credentials: use_credentials.to_vec(),
            })
            .await
            .unwrap()
    }

    /// Moves the host's clock and ours, which must be one that is moved by hand.
    pub(crate) fn pass(&self, by: Duration) {
        self.simulator.control().advance(by);
        self.clock.advance(chrono::TimeDelta::from_std(by).unwrap());
    }

    /// How often the host was asked this.
    pub(crate) fn asked(&self, route: &str) -> u64 {
        let statistics = self.simulator.control().statistics();
        statistics.by_route.get(route).copied().unwrap_or(0)
    }

    /// Starts a scheduler with a data folder of its own.
    pub(crate) async fn start(&self, name: &str, concurrency: usize) -> Handle {
        let mut config = Config::new(self.folder.path().join(name));
        config.concurrency = concurrency;
        config.patience = Duration::ZERO;
        config.poll = Duration::from_millis(200);
        let sealer = sealer(self.folder.path());
        scheduler::start(config, self.db.clone(), sealer, self.clock.clone())
            .await
            .unwrap()
    }

    pub(crate) async fn request(&self, plan: PlanId) -> RunId {
        self.scoped
            .request_run(plan, Trigger::Person)
            .await
            .unwrap()
    }

    pub(crate) async fn view(&self, run: RunId) -> RunView {
        self.scoped.run(run).await.unwrap().unwrap()
    }

    /// Waits until a run is as it should be.
    pub(crate) async fn until(&self, run: RunId, is_so: impl Fn(&RunView) -> bool) -> RunView {
        let mut bell = self.db.listen().await.unwrap();
        let waiting = async {
            loop {
                let view = self.view(run).await;
                if is_so(&view) {
                    return view;
                }
                // What is not announced, such as progress, is looked for.
                tokio::select! {
                    () = bell.ring() => {}
                    () = tokio::time::sleep(Duration::from_millis(100)) => {}
                }
            }
        };
        let came = tokio::time::timeout(DEADLINE, waiting).await.ok();
        let Some(view) = came else {
            panic!("the run stays {:#?}", self.view(run).await);
        };
        view
    }

    /// Waits until something else is so.
    pub(crate) async fn eventually(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let came = tokio::time::timeout(DEADLINE, waiting).await;
        assert!(came.is_ok(), "it never came to be that {what}");
    }

    /// Asks for a run and waits for its end.
    pub(crate) async fn run(&self, plan: PlanId) -> RunView {
        let run = self.request(plan).await;
        self.until_ended(run).await
    }

    pub(crate) async fn until_ended(&self, run: RunId) -> RunView {
        self.until(run, |view| view.state.is_final()).await
    }

    pub(crate) async fn snapshots(&self) -> Vec<Snapshot> {
        self.scoped
            .snapshots(&SnapshotFilter::default())
            .await
            .unwrap()
    }

    pub(crate) fn refused(&self) -> u64 {
        self.simulator.control().statistics().refused
    }
}

/// The installation's master key; every process opens the same file.
pub(crate) fn sealer(folder: &Path) -> Sealer {
    Sealer::open_or_create(&folder.join("master.key")).unwrap()
}

fn credential(simulator: &forge_sim::Handle, login: &str, role: Role) -> NewCredential {
    let control = simulator.control();
    let user = control
        .with_world(|world| world.account(login).map(|account| account.id))
        .unwrap();
    let authority = simulator.web().trim_start_matches("http://");
    NewCredential {
        name: login.parse().unwrap(),
        login: login.to_owned(),
        role,
        kind: CredentialKind::AccessToken,
        bucket: format!("{authority}/user:{user}").parse().unwrap(),
        reserve_percent: 0,
        token: TokenSource::New(Secret::new(control.token(login).unwrap())),
        scopes: None,
        expires_at: None,
    }
}
