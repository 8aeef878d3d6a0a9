use chrono::TimeDelta;
use domain::alert::next_attempt;
use domain::{Health, HookUrl, Role, Secret, Target};
use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, credential, sample, tenant};
use crate::{Round, SecretKind};

const NOTHING: Round = Round {
    raised: 0,
    resolved: 0,
};

fn hook(name: &str) -> NewChannel {
    NewChannel {
        name: name.parse().unwrap(),
        target: Target::Webhook {
            url: HookUrl::parse("https://example.com/hook", &[]).unwrap(),
        },
        secret: ChannelSecret::Set(Secret::new("a key that signs")),
    }
}

impl Sample {
    async fn raise(&self) -> Round {
        self.fleet.raise_alerts().await.unwrap()
    }

    async fn open_alerts(&self) -> Vec<Alert> {
        self.scoped.alerts(false, None, 50).await.unwrap()
    }

    async fn add_hook(&self, name: &str) -> domain::ChannelId {
        let added = self.scoped.add_channel(&self.sealer, &hook(name)).await;
        added.unwrap()
    }

    /// The main credential of the organization.
    async fn main(&self) -> crate::Credential {
        let all = self.scoped.credentials(self.organization).await;
        all.unwrap().remove(0)
    }

    async fn die(&self) {
        let main = self.main().await;
        let version = main.source.version();
        let parked = self
            .scoped
            .park_credential(main.id, version, "Bad credentials.");
        parked.await.unwrap();
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_alert_is_raised_once_for_a_cause_and_resolved_when_it_is_gone(pool: PgPool) {
    let acme = sample(&pool).await;
    acme.add_hook("one").await;
    assert_eq!(acme.raise().await, NOTHING);
    acme.die().await;
    let raised = Round {
        raised: 1,
        resolved: 0,
    };
    assert_eq!(acme.raise().await, raised);
    acme.add_hook("later").await;
    // Two processes look at the same moment, and again.
    let (a, b) = tokio::join!(acme.fleet.raise_alerts(), acme.fleet.raise_alerts());
    assert_eq!((a.unwrap(), b.unwrap()), (NOTHING, NOTHING));
    let open = acme.open_alerts().await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].kind, AlertKind::CredentialDead);
    assert_eq!(open[0].subject, acme.main().await.id.0);
    assert_eq!(open[0].waiting_count, 1, "on the channel that was there");
    assert_eq!(
        open[0].sentence,
        "The credential main of octo is refused by its host: Bad credentials. No request is sent with it until it is mended."
    );

    let main = acme.main().await.id;
    acme.scoped
        .set_health(main, &Health::Healthy)
        .await
        .unwrap();
    acme.pass(60);
    let resolved = Round {
        raised: 0,
        resolved: 1,
    };
    assert_eq!(acme.raise().await, resolved);
    assert_eq!(acme.open_alerts().await, []);
    let past = acme.scoped.alerts(true, None, 50).await.unwrap();
    assert_eq!(past[0].resolved_at, Some(acme.clock.now()));
    acme.die().await;
    assert_eq!(acme.raise().await, raised);
    assert_ne!(acme.open_alerts().await[0].id, past[0].id);
    acme.clock.advance(TimeDelta::days(91));
    acme.raise().await;
    assert_eq!(acme.scoped.alerts(true, None, 50).await.unwrap(), []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_ends_soon_is_told_of_until_another_token_is_there(pool: PgPool) {
    let acme = sample(&pool).await;
    let at = acme.clock.now() + TimeDelta::days(15);
    let new = crate::NewCredential {
        expires_at: Some(at),
        ..credential("bot", Role::Additional, 7)
    };
    let added = acme
        .scoped
        .add_credential(&acme.sealer, acme.organization, new);
    let bot = added.await.unwrap();
    assert_eq!(acme.raise().await, NOTHING);
    acme.clock.advance(TimeDelta::days(1));
    assert_eq!(acme.raise().await.raised, 1);
    let alert = acme.open_alerts().await.remove(0);
    assert_eq!(
        (alert.kind, alert.until),
        (AlertKind::CredentialExpiring, Some(at))
    );
    assert!(
        alert.sentence.contains("bot of octo expires on 2026-03-17"),
        "{alert:?}"
    );
    acme.clock.advance(TimeDelta::days(15));
    assert_eq!(acme.raise().await, NOTHING);
    let alert = acme.open_alerts().await.remove(0);
    assert!(alert.sentence.contains("has expired on"), "{alert:?}");
    let leftover = crate::Leftover::DeleteIfUnused;
    acme.scoped.remove_credential(bot, leftover).await.unwrap();
    assert_eq!(acme.raise().await.resolved, 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn somebody_else_is_told_of_where_nothing_is_kept_back_for_people(pool: PgPool) {
    let acme = sample(&pool).await;
    let spent = async |others: i64, rate: i64| {
        sqlx::query(
            "INSERT INTO buckets (key, resource, request_limit, remaining, others_spent, others_an_hour)
             VALUES ('github.com/user:1', 'core', 5000, 4000, $1, $2)
             ON CONFLICT (key, resource) DO UPDATE
             SET others_spent = EXCLUDED.others_spent, others_an_hour = EXCLUDED.others_an_hour",
        )
        .bind(others)
        .bind(rate)
        .execute(&pool)
        .await
        .unwrap();
    };
    spent(400, 900).await;
    assert_eq!(acme.raise().await, NOTHING, "a person's account");
    let main = acme.main().await.id;
    acme.scoped.set_reserve(main, 0).await.unwrap();
    spent(99, 900).await;
    assert_eq!(
        acme.raise().await,
        NOTHING,
        "somebody has looked at her account"
    );
    spent(100, 900).await;
    assert_eq!(acme.raise().await.raised, 1);
    let alert = acme.open_alerts().await.remove(0);
    assert_eq!(alert.kind, AlertKind::ForeignSpending);
    assert!(alert.sentence.contains("100 of 5000 requests"), "{alert:?}");
    // In the next window she goes on; then she stops.
    spent(0, 900).await;
    assert_eq!(acme.raise().await, NOTHING);
    spent(1, 20).await;
    assert_eq!(acme.raise().await.resolved, 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_run_that_waits_is_told_of_once_until_it_ends(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 2).await;
    assert_eq!(acme.raise().await, NOTHING);
    let wait = async |seconds: i64| {
        let until = acme.clock.now() + TimeDelta::seconds(seconds);
        sqlx::query("UPDATE fetches SET state = 'throttled', not_before = $2 WHERE run_id = $1")
            .bind(run.0)
            .bind(until)
            .execute(&pool)
            .await
            .unwrap();
        until
    };
    let until = wait(600).await;
    assert_eq!(acme.raise().await.raised, 1);
    let alert = acme.open_alerts().await.remove(0);
    assert_eq!((alert.subject, alert.until), (run.0, Some(until)));
    assert_eq!(
        alert.sentence,
        "All credentials of the plan nightly are spent: it goes on at 12:10 UTC by itself."
    );
    // It goes on, and waits again: the same alert says until when.
    acme.pass(700);
    assert_eq!(acme.raise().await, NOTHING);
    let until = wait(3_600).await;
    assert_eq!(acme.raise().await, NOTHING);
    assert_eq!(acme.open_alerts().await[0].until, Some(until));
    acme.scoped.cancel_run(run).await.unwrap();
    assert_eq!(acme.raise().await.resolved, 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_delivery_is_in_one_hand_at_a_time_and_settled_by_its_own_attempt(pool: PgPool) {
    let acme = sample(&pool).await;
    let fleet = &acme.fleet;
    acme.add_hook("one").await;
    acme.die().await;
    acme.raise().await;
    let (a, b) = tokio::join!(fleet.claim_delivery(), fleet.claim_delivery());
    let mut claims = [a.unwrap(), b.unwrap()].into_iter().flatten();
    let lost = claims.next().unwrap();
    assert!(claims.next().is_none(), "one of two has it");
    assert_eq!(lost.attempt, 1);
    assert_eq!(lost.tenant_name.as_str(), "acme");
    let secret = fleet.delivery_secret(&lost, &acme.sealer).await.unwrap();
    assert_eq!(secret.unwrap().expose(), "a key that signs");
    // Whoever had it is gone; another one takes it, and the first one's word does not count any more.
    acme.pass(121);
    let claim = fleet.claim_delivery().await.unwrap().unwrap();
    assert_eq!((claim.id, claim.attempt), (lost.id, 2));
    assert!(fleet.settle_delivery(&lost, Ok(())).await.is_err());
    let next = fleet.settle_delivery(&claim, Err("no")).await.unwrap();
    assert_eq!(next, next_attempt(2, acme.clock.now()));
    assert!(fleet.claim_delivery().await.unwrap().is_none());
    assert_eq!(fleet.next_delivery_at().await.unwrap(), next);
    acme.clock.advance(next.unwrap() - acme.clock.now());
    let claim = fleet.claim_delivery().await.unwrap().unwrap();
    assert_eq!(fleet.settle_delivery(&claim, Ok(())).await.unwrap(), None);
    assert!(fleet.settle_delivery(&claim, Ok(())).await.is_err());
    acme.clock.advance(TimeDelta::days(1));
    assert!(fleet.claim_delivery().await.unwrap().is_none());
    assert_eq!(acme.open_alerts().await[0].sent_count, 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_channel_keeps_its_secret_in_the_password_manager_and_leaves_nothing_behind(
    pool: PgPool,
) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    let scoped = &acme.scoped;
    let id = acme.add_hook("on call").await;
    let channel = scoped.channel(id).await.unwrap().unwrap();
    let (secret, entry) = channel.secret.clone().unwrap();
    assert_eq!(entry.as_str(), "Alerts: on call");
    let kept = scoped.entry(secret).await.unwrap().unwrap();
    assert_eq!(kept.kind, SecretKind::Channel);
    assert_eq!(kept.users[0].describe(), "the alert channel on call");
    for refused in [
        scoped.delete_entry(secret).await,
        scoped
            .replace_entry(&acme.sealer, secret, &Secret::new("another"))
            .await,
    ] {
        let sentence = refused.unwrap_err().to_string();
        assert!(sentence.contains("Alerts: on call"), "{sentence}");
    }
    let twice = scoped.add_channel(&acme.sealer, &hook("on call")).await;
    assert!(matches!(twice, Err(Error::NameTaken { .. })), "{twice:?}");

    // Nobody else's.
    assert_eq!(other.scoped.channels().await.unwrap(), []);
    assert!(other.scoped.remove_channel(id).await.is_err());
    assert!(other.scoped.test_channel(id).await.is_err());
    let mine = hook("mine");
    let theirs = other.scoped.edit_channel(&other.sealer, id, &mine);
    assert!(theirs.await.is_err());

    let changed = NewChannel {
        secret: ChannelSecret::Keep,
        ..hook("at night")
    };
    scoped
        .edit_channel(&acme.sealer, id, &changed)
        .await
        .unwrap();
    let opened = scoped.open_secret(&acme.sealer, secret).await.unwrap();
    assert_eq!(opened.expose(), "a key that signs");
    let changed = NewChannel {
        secret: ChannelSecret::Set(Secret::new("a newer key")),
        ..changed
    };
    scoped
        .edit_channel(&acme.sealer, id, &changed)
        .await
        .unwrap();
    let opened = scoped.open_secret(&acme.sealer, secret).await.unwrap();
    assert_eq!(opened.expose(), "a newer key");
    scoped.test_channel(id).await.unwrap();
    scoped.test_channel(id).await.unwrap();
    acme.die().await;
    acme.raise().await;
    scoped.remove_channel(id).await.unwrap();
    assert_eq!(scoped.channels().await.unwrap(), []);
    assert_eq!(scoped.entry(secret).await.unwrap(), None);
    assert!(acme.fleet.claim_delivery().await.unwrap().is_none());

    let noted: Vec<(String, String)> = sqlx::query_as(
        "SELECT action, coalesce(before::text, '') || coalesce(after::text, '')
         FROM audit WHERE subject_kind = 'alert_channel' ORDER BY id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let actions: Vec<&str> = noted.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "alert_channel.add",
            "alert_channel.edit",
            "alert_channel.edit",
            "alert_channel.test",
            "alert_channel.test",
            "alert_channel.remove"
        ]
    );
    assert!(
        noted
            .iter()
            .all(|(_, words)| !words.contains("key that signs"))
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn who_has_seen_an_alert_is_noted_once_and_it_stays_open(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    acme.die().await;
    acme.raise().await;
    let id = acme.open_alerts().await[0].id;
    assert_eq!(other.open_alerts().await, []);
    let theirs = other.scoped.acknowledge_alert(id).await;
    assert!(matches!(theirs, Err(Error::Missing { .. })), "{theirs:?}");
    for name in ["Ada", "Eve"] {
        let actor = crate::Actor {
            name: name.to_owned(),
            ..crate::Actor::command_line()
        };
        let scoped = acme.scoped.clone().acting(actor);
        scoped.acknowledge_alert(id).await.unwrap();
    }
    let seen = acme.open_alerts().await.remove(0).acknowledged.unwrap();
    assert_eq!(seen, ("Ada".to_owned(), acme.clock.now()));
    let noted: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audit WHERE action = 'alert.acknowledge'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(noted, 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn many_alerts_are_read_page_by_page(pool: PgPool) {
    let acme = sample(&pool).await;
    for number in 0..7 {
        let name = format!("bot-{number}");
        let new = credential(&name, Role::Additional, 10 + number);
        let added = acme
            .scoped
            .add_credential(&acme.sealer, acme.organization, new);
        let id = added.await.unwrap();
        let parked = acme.scoped.park_credential(id, 1, "gone");
        parked.await.unwrap();
        acme.pass(number % 2);
        acme.raise().await;
    }
    let all = acme.open_alerts().await;
    assert_eq!(all.len(), 7);
    let mut read = Vec::new();
    let mut after = None;
    loop {
        let page = acme.scoped.alerts(false, after, 3).await.unwrap();
        after = page.last().map(|last| last.id);
        read.extend(page);
        if after.is_none() || read.len() >= all.len() {
            break;
        }
    }
    assert_eq!(read, all);
}
