//! What people grant: renewed while it is spent, and given back where it served only as a proof.

use domain::{
    ApplicationId, Arrival, CheckState, Clock, CredentialKind, Errand, Grant, Health, Purpose,
    Role, RunState, Secret, Slot,
};
use forge::{Forge, Options, Pool, Sharing, oauth};
use forge_sim::world::TokenFormat;
use forge_sim::{AppKeys, AppRecipe, Effect, Fault, Mutation, Profile, Quota, Recipe, UserRecipe};
use serde_json::json;
use sqlx::PgPool;
use store::{NewApplication, NewCredential, TokenSource};

use crate::applications::{SLUG, Stage, stored};
use crate::checks::refusal;
use crate::world::{LOGIN, Setting, World, sealer};

const SCOPES: [&str; 3] = ["repo", "read:org", "read:user"];

/// Whoever has granted access.
const GRANTER: &str = "granter";

/// An OAuth app whose users' tokens end.
fn sign_in(world: &World) -> AppKeys {
    let recipe = AppRecipe {
        name: "Sign in".to_owned(),
        owner: LOGIN.to_owned(),
        oauth: true,
        expiring_user_tokens: true,
        ..AppRecipe::default()
    };
    world.simulator.control().create_app(&recipe).unwrap()
}

async fn registered(world: &World, keys: &AppKeys) -> ApplicationId {
    let new = NewApplication {
        host: world.organization.host.clone(),
        slot: Slot::OAuth,
        owner: None,
    };
    let mut keys = stored(keys, "");
    keys.private_key = None;
    let master = sealer(world.folder.path());
    let added = world.db.fleet().add_application(&master, &new, &keys).await;
    added.unwrap()
}

/// What the host gives for a person's code.
async fn granted(world: &World, keys: &AppKeys) -> Grant {
    let control = world.simulator.control();
    let code = control.authorize(&keys.slug, GRANTER, &SCOPES).unwrap();
    let clock = Clock::system();
    let pool = Pool::new(clock.clone(), Sharing::Alone);
    let forge = Forge::new(pool, clock, Options::default()).unwrap();
    let client = oauth::Client {
        id: keys.client_id.clone(),
        secret: Secret::new(keys.client_secret.reveal()),
    };
    let arrived = oauth::Arrived {
        code: &Secret::new(code),
        verifier: &Secret::new(""),
        returns_to: None,
    };
    let grant = forge
        .oauth(&world.organization.host)
        .exchange(&client, arrived)
        .await
        .unwrap();
    assert!(grant.expires_at.is_some() && grant.refresh_token().is_some());
    grant
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_run_outlives_the_token_that_a_person_has_granted(pool: PgPool) {
    let recipe =
        Recipe::organization(LOGIN, 8, Profile::Small).with_user(UserRecipe::member(GRANTER));
    let world = World::make(&pool, Setting::of(recipe)).await;
    let control = world.simulator.control();
    let keys = sign_in(&world);
    let application = registered(&world, &keys).await;
    let grant = granted(&world, &keys).await;
    let first = grant.access_token().expose().to_owned();
    let user = control.with_world(|one| one.account(GRANTER).unwrap().id);
    let authority = world.organization.host.authority();
    let new = NewCredential {
        name: GRANTER.parse().unwrap(),
        login: GRANTER.to_owned(),
        role: Role::Additional,
        kind: CredentialKind::Oauth,
        bucket: format!("{authority}/user:{user}").parse().unwrap(),
        reserve_percent: 0,
        token: TokenSource::Grant { application, grant },
        scopes: Some(SCOPES.map(str::to_owned).into()),
        expires_at: None,
    };
    let master = sealer(world.folder.path());
    let credential = world
        .scoped
        .add_credential(&master, world.organization.id, new)
        .await
        .unwrap();
    // The person who has granted access has the most left, and so is chosen.
    control.set_quota("main", Quota::both(500)).unwrap();
    let ends = Effect::Mutate {
        mutation: Mutation::EndGrantedTokens {
            app: keys.slug.clone(),
        },
    };
    control.fault(Fault::new("/*", ends).of(GRANTER).after(5).times(1));
    let plan = world.add_plan(&[credential]).await;
    let scheduler = world.start("a", 4).await;
    let ended = world.run(plan).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    assert_eq!(ended.tally.failed, 0);
    let all = world.scoped.credentials(world.organization.id).await;
    let kept = all.unwrap().into_iter().find(|one| one.id == credential);
    let kept = kept.unwrap();
    assert_eq!(kept.health, Health::Healthy);

    let secret = kept.source.entry().unwrap();
    let renewed = world.scoped.open_grant(&master, secret).await.unwrap();
    let now = renewed.access_token().expose().to_owned();
    assert_ne!(now, first, "another token was had");
    let works = control.tokens(GRANTER).contains(&now);
    assert!(works, "and it is the one that is kept");
    assert_eq!(control.statistics().faults, 1, "the first ended in mid-run");
    scheduler.drain().await;
}

/// Somebody comes back from the host with a code and says that something was installed.
async fn comes_back(stage: &Stage, login: &str, installation: i64) -> store::Check {
    let world = &stage.world;
    let code = world
        .simulator
        .control()
        .authorize(SLUG, login, &[])
        .unwrap();
    let brought = json!({ "code": code, "verifier": "" }).to_string();
    let errand = Errand::Return {
        application: stage.application,
        slot: Slot::Additional(3),
        host: world.organization.host.to_string(),
        forge: world.organization.host.kind(),
        purpose: Purpose::Add {
            organization: world.organization.id,
        },
        arrival: Arrival::Installed { installation },
    };
    let check = world.ask(errand, Some(&brought)).await;
    world.ended(check).await
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_installs_is_asked_once_and_her_token_is_given_back_whatever_comes_of_it(pool: PgPool) {
    let owner = UserRecipe {
        role: forge_sim::world::Role::Admin,
        ..UserRecipe::member("owner")
    };
    let recipe = Recipe::organization(LOGIN, 1, Profile::Tiny).with_user(owner);
    let world = World::make(&pool, Setting::of(recipe)).await;
    let stage = Stage::in_world(world, TokenFormat::Opaque, None).await;
    let control = stage.world.simulator.control();
    let scheduler = stage.world.start("a", 1).await;
    let number = control.with_world(|world| {
        let app = world.apps.by_slug(SLUG).unwrap().id;
        let account = world.account(LOGIN).unwrap().id;
        world.apps.installation(app, account).unwrap().id
    });
    let number = i64::try_from(number).unwrap();
    let good = comes_back(&stage, "owner", number).await;
    assert_eq!(good.state, CheckState::Accepted, "{good:?}");
    let forged = refusal(comes_back(&stage, "owner", number + 1).await);
    assert!(forged.sentence.contains("does not list"), "{forged:?}");
    // A member sees the installation, which is not enough.
    let member = refusal(comes_back(&stage, "main", number).await);
    assert!(member.sentence.contains("An owner of acme"), "{member:?}");

    let granted = control.with_world(|world| {
        let app = world.apps.by_slug(SLUG).unwrap().id;
        let its = world.tokens.iter().filter(|one| one.app_id == Some(app));
        its.map(|one| one.revoked).collect::<Vec<_>>()
    });
    assert_eq!(granted, [true, true, true], "nobody's token is left");
    scheduler.drain().await;
}
