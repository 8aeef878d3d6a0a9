use domain::check::Field;
use domain::{CheckId, CheckState, Errand, Health, Refusal, Resource, RunState, Secret, Step};
use forge_sim::{Effect, Fault, Mutation, Profile, Recipe, UserRecipe};
use sqlx::PgPool;
use store::{Check, NewCheck, TokenSource};

use crate::world::{LOGIN, Setting, World, sealer};

pub(crate) fn recipe() -> Recipe {
    Recipe::organization(LOGIN, 2, Profile::Tiny)
        .with_user(UserRecipe {
            more_tokens: 1,
            ..UserRecipe::member("bot")
        })
        .with_user(UserRecipe {
            scopes: Some(vec!["public_repo".to_owned()]),
            expires_in: Some(9 * 24 * 3600 + 60),
            outsider: true,
            ..UserRecipe::member("poor")
        })
}

impl World {
    pub(crate) async fn ask(&self, errand: Errand, token: Option<&str>) -> CheckId {
        let new = NewCheck {
            errand,
            token: token.map(|token| TokenSource::New(Secret::new(token))),
            once: None,
        };
        let sealer = sealer(self.folder.path());
        self.scoped.request_check(&sealer, new).await.unwrap()
    }

    async fn ask_to_add(&self, user: &str, token: &str) -> Check {
        let errand = Errand::Add {
            organization: self.organization.id,
            user: user.parse().unwrap(),
            reserve_percent: 10,
        };
        let id = self.ask(errand, Some(token)).await;
        self.ended(id).await
    }

    pub(crate) async fn ask_to_register(&self, name: &str, host: &str, accounts: &[&str]) -> Check {
        let errand = Errand::Register {
            forge: domain::ForgeKind::GitHub,
            name: name.parse().unwrap(),
            host: host.to_owned(),
            user: "bot".parse().unwrap(),
            accounts: accounts.iter().map(|one| one.parse().unwrap()).collect(),
        };
        let id = self.ask(errand, Some(&self.token("bot"))).await;
        self.ended(id).await
    }

    pub(crate) async fn ended(&self, id: CheckId) -> Check {
        let view = async || self.scoped.check(id).await.unwrap().unwrap();
        self.eventually("the check ends", async || view().await.state.is_final())
            .await;
        view().await
    }

    fn token(&self, login: &str) -> String {
        self.simulator.control().token(login).unwrap()
    }

    async fn entries(&self) -> usize {
        self.scoped.token_entries(100).await.unwrap().len()
    }
}

pub(crate) fn refusal(check: Check) -> Refusal {
    assert_eq!(check.state, CheckState::Refused, "{check:?}");
    check.refusal.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_token_is_tried_and_joins_the_pool_with_what_the_host_says_of_it(pool: PgPool) {
    let world = World::make(&pool, Setting::of(recipe())).await;
    let scheduler = world.start("a", 1).await;
    let tokens = world.simulator.control().tokens("bot");
    let first = world.ask_to_add("BOT", &tokens[0]).await;
    assert_eq!(first.state, CheckState::Accepted, "{first:?}");
    assert_eq!(
        first.steps,
        [Step::Owner, Step::Rights, Step::Quota, Step::Keep]
    );
    let findings = first.findings.unwrap();
    assert_eq!(findings.user, "bot");
    assert_eq!(findings.member_of, Some(vec![LOGIN.to_owned()]));
    assert_eq!(findings.sso_missing, Some(false));
    assert_eq!(findings.same_user_as, None);
    let core = findings
        .quota
        .iter()
        .find(|(resource, _)| *resource == Resource::core());
    assert_eq!(core.unwrap().1.limit, 5_000);

    let second = world.ask_to_add("bot", &tokens[1]).await.findings.unwrap();
    assert_eq!(second.same_user_as, Some("bot".parse().unwrap()));
    let poor = world.ask_to_add("poor", &world.token("poor")).await;
    let poor = poor.findings.unwrap();
    assert_eq!(poor.scopes, Some(vec!["public_repo".to_owned()]));
    assert!(poor.expires_at.is_some());
    assert_eq!(poor.member_of, Some(Vec::new()));

    let credentials = world
        .scoped
        .credentials(world.organization.id)
        .await
        .unwrap();
    let names: Vec<_> = credentials.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["main", "bot", "bot-2", "poor"]);
    let bucket = credentials[1].bucket.clone();
    world
        .eventually("the pages know what the bucket has left", async || {
            let buckets = world.db.fleet().load_buckets().await.unwrap();
            buckets
                .iter()
                .any(|row| row.key == bucket && row.reading.is_some())
        })
        .await;
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_token_that_is_not_good_is_refused_beside_its_field_and_not_kept(pool: PgPool) {
    let world = World::make(&pool, Setting::of(recipe())).await;
    let scheduler = world.start("a", 1).await;
    let bot = world.token("bot");
    let wrong = refusal(world.ask_to_add("main", &bot).await);
    assert_eq!(wrong.field, Field::User);
    assert_eq!(
        wrong.sentence,
        "The token belongs to bot, not to main: enter bot, or give a token of main."
    );
    let unknown = refusal(world.ask_to_add("bot", "ghp_nobody").await);
    assert_eq!(unknown.field, Field::Token);
    assert!(unknown.sentence.contains("Bad credentials"), "{unknown:?}");
    world
        .simulator
        .control()
        .fault(Fault::new("/user", Effect::SsoRequired).times(1));
    let sso = refusal(world.ask_to_add("bot", &bot).await);
    assert!(sso.sentence.contains("single sign-on"), "{sso:?}");

    let host = world.organization.host.to_string();
    let taken = refusal(world.ask_to_register(LOGIN, &host, &[]).await);
    assert_eq!(taken.field, Field::Name);
    let nowhere = refusal(world.ask_to_register("x", "http://127.0.0.1:9", &[]).await);
    assert_eq!(nowhere.field, Field::Host);
    let nobody = refusal(world.ask_to_register("y", &host, &[LOGIN, "nobody"]).await);
    assert_eq!(nobody.field, Field::Accounts);
    assert!(
        nobody.sentence.contains("\"nobody\"") && nobody.sentence.contains("a member of acme"),
        "{nobody:?}"
    );
    assert_eq!(world.entries().await, 1, "only the main token is kept");
    assert_eq!(world.scoped.organizations().await.unwrap().len(), 1);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_organization_is_registered_with_its_accounts(pool: PgPool) {
    let world = World::make(&pool, Setting::of(recipe())).await;
    let scheduler = world.start("a", 1).await;
    let host = world.organization.host.to_string();
    let named = world
        .ask_to_register("second", &host, &["ACME", "acme", "bot"])
        .await;
    assert_eq!(named.state, CheckState::Accepted, "{named:?}");
    assert_eq!(named.findings.unwrap().accounts, ["acme", "bot"]);
    let (id, name) = named.organization.unwrap();
    assert_eq!(name.as_str(), "second");
    let found = world.scoped.organization(id).await.unwrap().unwrap();
    assert_eq!(found.accounts.len(), 2);
    let main = &world.scoped.credentials(id).await.unwrap()[0];
    assert_eq!((main.name.as_str(), main.reserve_percent), ("bot", 10));
    let by_name = world.ask_to_register("bot", &host, &[]).await;
    assert_eq!(by_name.findings.unwrap().accounts, ["bot"]);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_check_outlives_the_process_that_began_it(pool: PgPool) {
    let world = World::make(&pool, Setting::of(recipe())).await;
    let late = Effect::Latency {
        milliseconds: 3_600_000,
    };
    world.simulator.control().fault(Fault::new("/user", late));
    let killed = world.start("a", 1).await;
    let errand = Errand::Add {
        organization: world.organization.id,
        user: "bot".parse().unwrap(),
        reserve_percent: 10,
    };
    let id = world.ask(errand, Some(&world.token("bot"))).await;
    let state = async || world.scoped.check(id).await.unwrap().unwrap().state;
    world
        .eventually("the host is being asked", async || {
            state().await == CheckState::Running
        })
        .await;
    drop(killed);
    world.simulator.control().clear_faults();
    let scheduler = world.start("a", 1).await;
    assert_eq!(world.ended(id).await.state, CheckState::Accepted);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_replaced_token_brings_a_dead_credential_back_to_work(pool: PgPool) {
    let recipe = recipe().with_user(UserRecipe {
        more_tokens: 1,
        ..UserRecipe::member("main")
    });
    let setting = Setting {
        recipe,
        ..Setting::of(Recipe::organization(LOGIN, 0, Profile::Tiny))
    };
    let world = World::make(&pool, setting).await;
    let plan = world.add_plan(&[]).await;
    let control = world.simulator.control();
    control.fault(Fault::new("*", Effect::BadCredentials).of("main").times(1));
    let scheduler = world.start("a", 1).await;
    assert_eq!(world.run(plan).await.state, RunState::Failed);
    let main = async || {
        let all = world.scoped.credentials(world.organization.id).await;
        all.unwrap().remove(0)
    };
    world
        .eventually("the main credential is set aside", async || {
            matches!(main().await.health, Health::Dead { .. })
        })
        .await;

    let secret = main().await.source.entry().unwrap();
    let replace = async |token: &str| {
        let id = world.ask(Errand::Replace { secret }, Some(token)).await;
        world.ended(id).await
    };
    let wrong = refusal(replace(&world.token("bot")).await);
    assert_eq!(wrong.field, Field::Token);
    assert!(
        wrong.sentence.contains("belongs to bot, not to main"),
        "{wrong:?}"
    );
    let newer = control.tokens("main").remove(1);
    assert_eq!(replace(&newer).await.state, CheckState::Accepted);
    assert_eq!(main().await.health, Health::Healthy);
    // No more than a notification lies between the answer and the pool.
    world
        .eventually("a run completes with it", async || {
            world.run(plan).await.state == RunState::Complete
        })
        .await;
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_revoked_token_is_found_out_when_somebody_asks(pool: PgPool) {
    let world = World::make(&pool, Setting::of(recipe())).await;
    let credential = world.add_credential("bot").await;
    let login = "bot".to_owned();
    world
        .simulator
        .control()
        .mutate(&Mutation::RevokeTokens { login })
        .unwrap();
    let scheduler = world.start("a", 1).await;
    let id = world.ask(Errand::Recheck { credential }, None).await;
    let refused = refusal(world.ended(id).await);
    assert_eq!(refused.field, Field::Token);
    let all = world.scoped.credentials(world.organization.id).await;
    assert!(matches!(all.unwrap()[1].health, Health::Dead { .. }));
    scheduler.drain().await;
}
