//! Alerts from their cause to whoever is told, on each kind of channel.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::alert::{Encryption, Mail};
use domain::{AlertKind, ChannelId, Clock, HookUrl, RunState, Secret, Target};
use forge_sim::{Limits, Mutation, Profile, Quota, Recipe, UserRecipe};
use sqlx::PgPool;
use store::{Alert, Channel, ChannelSecret, NewChannel};

use crate::receivers::{Ears, Post};
use crate::world::{LOGIN, Setting, World, sealer};

/// What no page, no log and no refusal may show.
const PASSWORD: &str = "a password of the post";
const KEY: &str = "a key that signs what is sent";

fn recipe() -> Recipe {
    Recipe::organization(LOGIN, 1, Profile::Tiny).with_user(UserRecipe::member("bot"))
}

/// A world on a clock that is moved by hand.
async fn world(pool: &PgPool) -> World {
    let setting = Setting {
        clock: Clock::manual(Clock::system().now()),
        ..Setting::of(recipe())
    };
    World::make(pool, setting).await
}

impl World {
    async fn add_channel(&self, name: &str, target: Target, secret: &str) -> ChannelId {
        let new = NewChannel {
            name: name.parse().unwrap(),
            target,
            secret: ChannelSecret::Set(Secret::new(secret)),
        };
        let master = sealer(self.folder.path());
        self.scoped.add_channel(&master, &new).await.unwrap()
    }

    async fn webhook(&self, ears: &Ears, path: &str) -> ChannelId {
        let url = HookUrl::parse(&format!("{}{path}", ears.base), &[]).unwrap();
        self.add_channel(path, Target::Webhook { url }, KEY).await
    }

    async fn channel(&self, id: ChannelId) -> Channel {
        self.scoped.channel(id).await.unwrap().unwrap()
    }

    async fn alerts(&self, resolved: bool) -> Vec<Alert> {
        self.scoped.alerts(resolved, None, 50).await.unwrap()
    }

    /// The host refuses a credential from now on, as a worker has found out.
    async fn dies(&self, login: &str) {
        let all = self.scoped.credentials(self.organization.id).await.unwrap();
        let one = all.into_iter().find(|one| one.login == login).unwrap();
        self.scoped
            .park_credential(one.id, one.source.version(), "Bad credentials")
            .await
            .unwrap();
    }
}

fn mail(post: &Post, encryption: Encryption) -> Target {
    Target::Email(Mail {
        server: post.address.parse().unwrap(),
        encryption,
        user: Some("holdfast".to_owned()),
        from: "holdfast@example.com".parse().unwrap(),
        to: vec![
            "ada@example.com".parse().unwrap(),
            "eve@example.com".parse().unwrap(),
        ],
    })
}

/// What a receiver does with what it was sent.
fn is_signed(timestamp: &str, signature: &str, body: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    let digits = signature.strip_prefix("sha256=").unwrap();
    let tag = hex::decode(digits).unwrap();
    hmac::verify(&key, format!("{timestamp}.{body}").as_bytes(), &tag).is_ok()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_dead_credential_is_told_once_on_every_channel_and_resolved_when_it_works(pool: PgPool) {
    let world = world(&pool).await;
    let bot = world.add_credential("bot").await;
    let (post, ears) = (Post::open().await, Ears::open().await);
    world
        .add_channel("post", mail(&post, Encryption::None), PASSWORD)
        .await;
    world.webhook(&ears, "/heard").await;
    let room = format!("{}/services/T0/B0/x", ears.base);
    let host = HookUrl::parse(&room, &[]).unwrap().authority();
    world
        .add_channel("room", Target::Slack { host }, &room)
        .await;
    let scheduler = world.start("a", 1).await;
    world.dies("bot").await;
    scheduler.ring();
    world
        .eventually("all three have heard", async || {
            let open = world.alerts(false).await;
            open.len() == 1 && open[0].sent_count == 3
        })
        .await;
    let alert = world.alerts(false).await.remove(0);
    assert_eq!(alert.kind, AlertKind::CredentialDead);
    assert!(alert.sentence.contains("bot of acme"), "{alert:?}");
    assert!(alert.sentence.contains("Bad credentials"), "{alert:?}");

    let letter = post.letters().remove(0);
    assert_eq!(letter.from, "holdfast@example.com");
    assert_eq!(letter.to, ["ada@example.com", "eve@example.com"]);
    let auth = STANDARD.encode(format!("\0holdfast\0{PASSWORD}"));
    assert_eq!(letter.auth, Some(auth));
    for part in [
        "Subject: Holdfast, customer: Credential refused\n",
        "To: ada@example.com, eve@example.com\n",
        "bot of acme",
    ] {
        assert!(letter.content.contains(part), "{}", letter.content);
    }

    let call = ears.at("/heard").remove(0);
    let header = |name: &str| call.headers[name].as_str();
    assert!(is_signed(
        header("x-holdfast-timestamp"),
        header("x-holdfast-signature-256"),
        &call.body
    ));
    assert!(!is_signed(
        "0",
        header("x-holdfast-signature-256"),
        &call.body
    ));
    let told: serde_json::Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!(told["event"], "alert.raised");
    assert_eq!(told["kind"], "credential_dead");
    assert_eq!(told["alert"], alert.id.to_string());
    assert_eq!(told["delivery"], header("x-holdfast-delivery"));
    let said: serde_json::Value =
        serde_json::from_str(&ears.at("/services/T0/B0/x")[0].body).unwrap();
    let text = said["text"].as_str().unwrap();
    assert!(
        text.starts_with("*Credential refused* in customer"),
        "{text}"
    );

    // It is the same cause still.
    scheduler.ring();
    world
        .scoped
        .set_health(bot, &domain::Health::Healthy)
        .await
        .unwrap();
    scheduler.ring();
    world
        .eventually("the alert is resolved", async || {
            world.alerts(true).await.len() == 1
        })
        .await;
    assert_eq!(world.alerts(false).await, []);
    assert_eq!((post.letters().len(), ears.calls().len()), (1, 2));
    // The next time is another alert.
    world.dies("bot").await;
    scheduler.ring();
    world
        .eventually("it is told again", async || post.letters().len() == 2)
        .await;
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_not_heard_is_sent_again_later_and_given_up_with_a_sentence(pool: PgPool) {
    let world = world(&pool).await;
    world.add_credential("bot").await;
    let (post, ears) = (Post::open().await, Ears::open().await);
    let letters = world
        .add_channel("post", mail(&post, Encryption::None), PASSWORD)
        .await;
    let hook = world.webhook(&ears, "/heard").await;
    let elsewhere = world.webhook(&ears, "/elsewhere").await;
    post.refuse(1);
    ears.fail(1);
    let scheduler = world.start("a", 1).await;
    world.dies("bot").await;
    scheduler.ring();
    let last = async |channel| world.channel(channel).await.last;
    let refused = async |channel| last(channel).await.and_then(|last| last.refusal);
    world
        .eventually("all three attempts have failed", async || {
            refused(letters).await.is_some()
                && refused(hook).await.is_some()
                && refused(elsewhere).await.is_some()
        })
        .await;
    assert_eq!(
        refused(letters).await.unwrap(),
        "127.0.0.1 refused it: 451 4.3.0 Try again later"
    );
    let host = ears.base.trim_start_matches("http://");
    assert_eq!(
        refused(hook).await.unwrap(),
        format!("{host} answered 503 Service Unavailable.")
    );
    let pointed = refused(elsewhere).await.unwrap();
    assert!(pointed.contains("points elsewhere"), "{pointed}");

    world.pass(Duration::from_secs(61));
    scheduler.ring();
    world
        .eventually("two have heard at the second attempt", async || {
            post.letters().len() == 1 && ears.at("/heard").len() == 2
        })
        .await;
    let [first, second] = ears.at("/heard").try_into().unwrap();
    let number = "x-holdfast-delivery";
    assert_eq!(first.headers[number], second.headers[number]);
    world
        .eventually("which is written down", async || {
            let last = last(hook).await.unwrap();
            last.ended_at.is_some() && last.refusal.is_none() && last.attempts == 2
        })
        .await;
    // The third never hears.
    world
        .eventually("it is given up in the end", async || {
            world.pass(Duration::from_hours(13));
            scheduler.ring();
            last(elsewhere).await.unwrap().ended_at.is_some()
        })
        .await;
    let given_up = last(elsewhere).await.unwrap();
    assert_eq!(given_up.attempts, 7);
    assert_eq!(ears.at("/elsewhere").len(), 7);
    assert_eq!(ears.at("/heard").len(), 2, "nobody followed");
    assert_eq!(world.alerts(false).await[0].given_up_count, 1);
    for refusal in [refused(elsewhere).await.unwrap(), pointed] {
        assert!(!refusal.contains(KEY) && !refusal.contains("a word from inside"));
    }
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_test_says_at_once_whether_it_was_heard(pool: PgPool) {
    let world = world(&pool).await;
    let (post, ears) = (Post::open().await, Ears::open().await);
    let letters = world
        .add_channel("post", mail(&post, Encryption::None), PASSWORD)
        .await;
    let hook = world.webhook(&ears, "/heard").await;
    let gone = HookUrl::parse("http://127.0.0.1:9/", &[]).unwrap();
    let gone = world
        .add_channel("gone", Target::Webhook { url: gone }, KEY)
        .await;
    let strict = mail(&post, Encryption::StartTls);
    let strict = world.add_channel("strict", strict, PASSWORD).await;
    let scheduler = world.start("a", 1).await;
    for channel in [letters, hook, gone, strict] {
        world.scoped.test_channel(channel).await.unwrap();
    }
    // The announcement alone brings it on its way.
    let last = async |channel| world.channel(channel).await.last.unwrap();
    world
        .eventually("all have ended", async || {
            let all = world.scoped.channels().await.unwrap();
            all.iter()
                .all(|one| one.last.as_ref().unwrap().ended_at.is_some())
        })
        .await;
    assert_eq!(
        (last(letters).await.refusal, last(hook).await.refusal),
        (None, None)
    );
    assert!(post.letters()[0].content.contains("This is a test"));
    let told: serde_json::Value = serde_json::from_str(&ears.calls()[0].body).unwrap();
    assert_eq!(told["event"], "test");
    let refused = last(gone).await;
    assert!(refused.is_test && refused.attempts == 1, "{refused:?}");
    assert!(refused.refusal.unwrap().contains("cannot be reached"));
    // A server that offers no encryption is told nothing where it is asked for.
    let refused = last(strict).await.refusal.unwrap();
    assert!(refused.contains("the encryption"), "{refused}");
    assert_eq!(post.letters().len(), 1);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_run_whose_pool_is_spent_is_told_of_once_with_the_time_at_which_it_goes_on(pool: PgPool) {
    let limits = Limits {
        window_seconds: 4,
        ..Limits::default()
    };
    let setting = Setting {
        limits,
        ..Setting::of(Recipe::organization(LOGIN, 6, Profile::Small))
    };
    let world = World::make(&pool, setting).await;
    let quota = Quota {
        core: 12,
        graphql: 50,
    };
    world.simulator.control().set_quota("main", quota).unwrap();
    let ears = Ears::open().await;
    world.webhook(&ears, "/heard").await;
    let plan = world.add_plan(&[]).await;
    let scheduler = world.start("a", 4).await;
    let run = world.request(plan).await;
    world
        .eventually("somebody is told", async || {
            scheduler.ring();
            !ears.calls().is_empty()
        })
        .await;
    let told: serde_json::Value = serde_json::from_str(&ears.calls()[0].body).unwrap();
    assert_eq!(told["kind"], "pool_exhausted");
    assert!(told["until"].is_string(), "{told}");
    let ended = world.until_ended(run).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    world
        .eventually("the alert is resolved", async || {
            scheduler.ring();
            world.alerts(true).await.len() == 1
        })
        .await;
    assert_eq!(world.alerts(true).await[0].subject, run.0);
    assert_eq!(ears.calls().len(), 1, "however often the run has waited");
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_token_that_a_host_revokes_is_told_of_by_the_run_that_finds_out(pool: PgPool) {
    let world = world(&pool).await;
    let ears = Ears::open().await;
    world.webhook(&ears, "/heard").await;
    let login = "main".to_owned();
    world
        .simulator
        .control()
        .mutate(&Mutation::RevokeTokens { login })
        .unwrap();
    let plan = world.add_plan(&[]).await;
    let scheduler = world.start("a", 1).await;
    assert_eq!(world.run(plan).await.state, RunState::Failed);
    world
        .eventually("somebody is told", async || {
            scheduler.ring();
            !ears.calls().is_empty()
        })
        .await;
    assert!(ears.calls()[0].body.contains("Bad credentials"));
    scheduler.drain().await;
}
