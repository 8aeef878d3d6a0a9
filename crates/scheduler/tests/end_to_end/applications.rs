//! Applications in a run that is on: tokens end, installations are suspended, keys change, and the run says what happened.

use domain::{CredentialId, CredentialKind, Health, Role, RunState, Secret, Slot};
use forge_sim::world::TokenFormat;
use forge_sim::{AppKeys, AppRecipe, Effect, Fault, Mutation, Profile, Quota, Recipe};
use sqlx::PgPool;
use store::{ApplicationKeys, Installation, NewApplication, NewCredential, RunView, TokenSource};

use crate::world::{LOGIN, Setting, World, sealer};

pub(crate) const SLUG: &str = "backup";
const BOT: &str = "backup[bot]";

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) application: domain::ApplicationId,
    keys: AppKeys,
    pub(crate) credential: CredentialId,
}

pub(crate) fn stored(keys: &AppKeys, pem: &str) -> ApplicationKeys {
    ApplicationKeys {
        app_id: i64::try_from(keys.id).ok(),
        client_id: keys.client_id.clone(),
        slug: Some(keys.slug.clone()),
        client_secret: Secret::new(keys.client_secret.reveal()),
        private_key: Some(Secret::new(pem)),
        webhook_secret: None,
    }
}

impl Stage {
    /// A world whose pool has a user and an application that is installed on the same account.
    async fn set(pool: &PgPool, format: TokenFormat) -> Self {
        let recipe = Recipe::organization(LOGIN, 8, Profile::Small);
        Self::in_world(World::make(pool, Setting::of(recipe)).await, format, None).await
    }

    /// The same in a world that is there, with an application that is told of events at an address.
    pub(crate) async fn in_world(world: World, format: TokenFormat, hook: Option<&str>) -> Self {
        let control = world.simulator.control();
        let read = |name: &str| (name.to_owned(), "read".to_owned());
        let keys = control
            .create_app(&AppRecipe {
                name: SLUG.to_owned(),
                owner: LOGIN.to_owned(),
                public: true,
                permissions: ["metadata", "contents", "issues", "pull_requests"]
                    .map(read)
                    .into(),
                hook_url: hook.map(str::to_owned),
                ..AppRecipe::default()
            })
            .unwrap();
        control
            .mutate(&Mutation::SetTokenFormat { format })
            .unwrap();
        let number = control
            .mutate(&Mutation::Install {
                app: SLUG.to_owned(),
                account: LOGIN.to_owned(),
                repositories: None,
                sender: None,
            })
            .unwrap()
            .id
            .unwrap();
        // The application has the most left, so that it is chosen.
        control.set_quota("main", Quota::both(500)).unwrap();
        let master = sealer(world.folder.path());
        let new = NewApplication {
            host: world.organization.host.clone(),
            slot: Slot::Additional(3),
            owner: None,
        };
        let pem = keys.pem.as_ref().unwrap().reveal().to_owned();
        let application = world
            .db
            .fleet()
            .add_application(&master, &new, &stored(&keys, &pem))
            .await
            .unwrap();
        let authority = world.organization.host.authority();
        let credential = world
            .scoped
            .add_credential(
                &master,
                world.organization.id,
                NewCredential {
                    name: "app-3-acme".parse().unwrap(),
                    login: LOGIN.to_owned(),
                    role: Role::Additional,
                    kind: CredentialKind::AppInstallation,
                    bucket: format!("{authority}/installation:{number}")
                        .parse()
                        .unwrap(),
                    reserve_percent: 0,
                    token: TokenSource::Installation(Installation {
                        application,
                        account: world.organization.accounts.first().unwrap().forge_id,
                        number: i64::try_from(number).unwrap(),
                    }),
                    scopes: Some(vec![
                        "contents:read".into(),
                        "metadata:read".into(),
                        "issues:read".into(),
                        "pull_requests:read".into(),
                    ]),
                    expires_at: None,
                },
            )
            .await
            .unwrap();
        Self {
            world,
            application,
            keys,
            credential,
        }
    }

    /// Runs a plan that may use both, with something that happens after the application's fifth request.
    async fn run_with(&self, mutation: Option<Mutation>) -> RunView {
        let control = self.world.simulator.control();
        if let Some(mutation) = mutation {
            let effect = Effect::Mutate { mutation };
            control.fault(Fault::new("/*", effect).of(BOT).after(5).times(1));
        }
        let plan = self.world.add_plan(&[self.credential]).await;
        self.world.run(plan).await
    }

    fn spent(&self, user: &str) -> u64 {
        let statistics = self.world.simulator.control().statistics();
        statistics.by_user.get(user).map_or(0, |one| one.requests)
    }

    fn minted(&self) -> u64 {
        let route = "POST /app/installations/{installation_id}/access_tokens";
        let statistics = self.world.simulator.control().statistics();
        statistics.by_route.get(route).copied().unwrap_or(0)
    }

    pub(crate) async fn health(&self) -> Health {
        let all = self
            .world
            .scoped
            .credentials(self.world.organization.id)
            .await
            .unwrap();
        all.into_iter()
            .find(|one| one.id == self.credential)
            .unwrap()
            .health
    }
}

fn uninstalled() -> Mutation {
    Mutation::Uninstall {
        app: SLUG.to_owned(),
        account: LOGIN.to_owned(),
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_installation_is_spent_with_one_token_of_either_shape(pool: PgPool) {
    let stage = Stage::set(&pool, TokenFormat::Stateless).await;
    let scheduler = stage.world.start("a", 4).await;
    let ended = stage.run_with(None).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    assert!(stage.spent(BOT) > 5, "{}", stage.spent(BOT));
    assert_eq!(stage.minted(), 1);
    assert_eq!(stage.world.refused(), 0);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_token_that_ends_in_mid_run_is_had_anew(pool: PgPool) {
    let stage = Stage::set(&pool, TokenFormat::Opaque).await;
    let scheduler = stage.world.start("a", 4).await;
    let app = SLUG.to_owned();
    let ended = stage
        .run_with(Some(Mutation::EndInstallationTokens { app }))
        .await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    assert_eq!(stage.health().await, Health::Healthy);
    assert!(stage.minted() >= 2, "{}", stage.minted());
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_installation_suspended_in_mid_run_is_parked_and_the_run_completes(pool: PgPool) {
    let stage = Stage::set(&pool, TokenFormat::Opaque).await;
    let scheduler = stage.world.start("a", 4).await;
    let suspended = Mutation::Suspend {
        app: SLUG.to_owned(),
        account: LOGIN.to_owned(),
        suspended: true,
    };
    let ended = stage.run_with(Some(suspended)).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    let reason = "This installation has been suspended by acme".to_owned();
    stage
        .world
        .eventually("the installation is parked", async || {
            stage.health().await
                == Health::Dead {
                    reason: reason.clone(),
                }
        })
        .await;
    assert!(stage.spent("main") > 0);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_application_uninstalled_in_mid_run_is_parked_and_the_run_completes(pool: PgPool) {
    let stage = Stage::set(&pool, TokenFormat::Opaque).await;
    let scheduler = stage.world.start("a", 4).await;
    let ended = stage.run_with(Some(uninstalled())).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    let reason = "The application was uninstalled".to_owned();
    stage
        .world
        .eventually("the installation is parked", async || {
            stage.health().await
                == Health::Dead {
                    reason: reason.clone(),
                }
        })
        .await;
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_that_changes_in_mid_run_parks_it_until_the_new_one_is_entered(pool: PgPool) {
    let stage = Stage::set(&pool, TokenFormat::Opaque).await;
    let control = stage.world.simulator.control();
    let scheduler = stage.world.start("a", 4).await;
    let first = stage.run_with(None).await;
    assert_eq!(first.state, RunState::Complete, "{first:#?}");
    let pem = control.rotate_key(SLUG).unwrap();
    // The token of before goes on, whatever became of the key.
    control.reset_statistics();
    touch_all(&stage);
    let plan = stage.world.scoped.plans().await.unwrap()[0].id;
    let second = stage.world.run(plan).await;
    assert_eq!(second.state, RunState::Complete, "{second:#?}");
    assert_eq!(stage.health().await, Health::Healthy);
    assert!(stage.spent(BOT) > 0);

    control
        .mutate(&Mutation::EndInstallationTokens {
            app: SLUG.to_owned(),
        })
        .unwrap();
    touch_all(&stage);
    let third = stage.world.run(plan).await;
    assert_eq!(third.state, RunState::Complete, "{third:#?}");
    stage
        .world
        .eventually("it is parked for want of a key", async || {
            matches!(stage.health().await, Health::Dead { reason } if reason.contains("could not be decoded"))
        })
        .await;
    let master = sealer(stage.world.folder.path());
    let fleet = stage.world.db.fleet();
    let keys = stored(&stage.keys, pem.reveal());
    fleet
        .replace_application_keys(&master, stage.application, &keys)
        .await
        .unwrap();
    control.reset_statistics();
    // A run that begins at the same moment may be over before the pool has it again.
    stage
        .world
        .eventually("it is spent again", async || {
            touch_all(&stage);
            let next = stage.world.run(plan).await;
            assert_eq!(next.state, RunState::Complete, "{next:#?}");
            stage.spent(BOT) > 0
        })
        .await;
    scheduler.drain().await;
}

fn touch_all(stage: &Stage) {
    let control = stage.world.simulator.control();
    for repository in control.world().repositories() {
        control
            .mutate(&Mutation::AddIssue {
                repository: repository.full_name.clone(),
                title: "One more".to_owned(),
                body: None,
            })
            .unwrap();
    }
}
