use chrono::TimeDelta;
use domain::check::Field;
use domain::{Health, Login, Role};
use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, credential, name, noon, sample, tenant};
use crate::{Actor, Leftover, SecretKind};

fn login(text: &str) -> Login {
    text.parse().unwrap()
}

fn findings(user: &str) -> Findings {
    Findings {
        user: user.to_owned(),
        scopes: Some(vec!["repo".to_owned()]),
        expires_at: None,
        member_of: None,
        sso_missing: None,
        quota: Vec::new(),
        unlimited: false,
        same_user_as: None,
        accounts: Vec::new(),
        roles: Vec::new(),
        installed: None,
        repositories: None,
    }
}

fn add(acme: &Sample, token: TokenSource) -> NewCheck {
    NewCheck {
        errand: Errand::Add {
            organization: acme.organization,
            user: login("bot"),
            reserve_percent: 10,
        },
        token: Some(token),
        once: None,
    }
}

fn new(token: &str) -> TokenSource {
    TokenSource::New(Secret::new(token))
}

fn added(acme: &Sample, token: TokenSource) -> Accepted {
    Accepted::Added {
        organization: acme.organization,
        credential: Box::new(crate::NewCredential {
            token,
            ..credential("bot", Role::Additional, 7)
        }),
    }
}

async fn ask(acme: &Sample, new: NewCheck) -> CheckId {
    acme.scoped.request_check(&acme.sealer, new).await.unwrap()
}

async fn view(acme: &Sample, id: CheckId) -> Check {
    acme.scoped.check(id).await.unwrap().unwrap()
}

async fn sealed(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM checks WHERE sealed IS NOT NULL")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_good_token_joins_the_pool_in_the_name_of_who_asked(pool: PgPool) {
    let acme = sample(&pool).await;
    let ada = Actor {
        person: None,
        name: "Ada".to_owned(),
        address: Some([192, 0, 2, 7].into()),
    };
    let scoped = acme.scoped.clone().acting(ada);
    let id = scoped
        .request_check(&acme.sealer, add(&acme, new("ghp_good")))
        .await
        .unwrap();
    assert_eq!(view(&acme, id).await.state, CheckState::Queued);

    let worker = acme.worker().await;
    let claim = acme.fleet.claim_check(worker).await.unwrap().unwrap();
    assert!(acme.fleet.claim_check(worker).await.unwrap().is_none());
    let token = acme.fleet.check_token(&claim, &acme.sealer).await.unwrap();
    assert_eq!(token.expose(), "ghp_good");
    for step in [Step::Owner, Step::Rights] {
        acme.fleet.check_step(&claim, step).await.unwrap();
    }
    let running = view(&acme, id).await;
    assert_eq!(running.steps, [Step::Owner, Step::Rights]);
    assert_eq!(running.host.unwrap().authority(), "github.com");

    acme.fleet
        .accept_check(
            &claim,
            &acme.sealer,
            added(&acme, TokenSource::New(token)),
            &findings("bot"),
        )
        .await
        .unwrap();
    let ended = view(&acme, id).await;
    assert_eq!(ended.state, CheckState::Accepted);
    assert_eq!(ended.findings, Some(findings("bot")));
    assert_eq!(ended.credential.unwrap().1, name("bot"));
    assert_eq!(sealed(&pool).await, 0);

    let credentials = acme.scoped.credentials(acme.organization).await.unwrap();
    assert_eq!(
        credentials[1].source.entry_name().unwrap().as_str(),
        "bot on github.com"
    );
    let kept = acme
        .scoped
        .open_secret(&acme.sealer, credentials[1].source.entry().unwrap())
        .await;
    assert_eq!(kept.unwrap().expose(), "ghp_good");
    let filter = crate::AuditFilter {
        action: Some("credential.add".to_owned()),
        ..crate::AuditFilter::default()
    };
    let entries = acme.scoped.audit(&filter, None, 10).await.unwrap();
    assert_eq!(entries[0].person_name, "Ada");
    assert_eq!(entries[0].subject_name, "octo/bot");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_refused_token_is_kept_nowhere(pool: PgPool) {
    let acme = sample(&pool).await;
    let id = ask(&acme, add(&acme, new("ghp_bad"))).await;
    assert_eq!(sealed(&pool).await, 1);
    let worker = acme.worker().await;
    let claim = acme.fleet.claim_check(worker).await.unwrap().unwrap();
    let refusal = Refusal::new(Field::User, "It belongs to somebody else.");
    acme.fleet
        .refuse_check(&claim, &refusal, Some("Bad credentials"))
        .await
        .unwrap();
    let ended = view(&acme, id).await;
    assert_eq!(
        (ended.state, ended.refusal),
        (CheckState::Refused, Some(refusal))
    );
    assert_eq!(sealed(&pool).await, 0);
    assert_eq!(
        acme.scoped
            .credentials(acme.organization)
            .await
            .unwrap()
            .len(),
        1
    );
    let tokens = acme.scoped.token_entries(50).await.unwrap();
    assert_eq!(tokens.len(), 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_form_that_is_sent_twice_asks_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let once = NewCheck {
        once: Some("add-1".to_owned()),
        ..add(&acme, new("ghp_x"))
    };
    let first = ask(&acme, once.clone()).await;
    assert_eq!(ask(&acme, once.clone()).await, first);
    let other = tenant(&acme.db, "other").await;
    let theirs = NewCheck {
        once: Some("add-1".to_owned()),
        ..add(&other, new("ghp_x"))
    };
    assert_ne!(ask(&other, theirs).await, first);
    assert_eq!(other.scoped.check(first).await.unwrap(), None);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_check_outlives_its_worker_and_a_late_answer_changes_nothing(pool: PgPool) {
    let acme = sample(&pool).await;
    let id = ask(&acme, add(&acme, new("ghp_x"))).await;
    let dead = acme.worker().await;
    let lost = acme.fleet.claim_check(dead).await.unwrap().unwrap();
    acme.fleet.check_step(&lost, Step::Owner).await.unwrap();
    acme.silence(dead).await;
    acme.fleet.release_lost().await.unwrap();
    let again = view(&acme, id).await;
    assert_eq!((again.state, again.steps), (CheckState::Queued, Vec::new()));

    let worker = acme.worker().await;
    let claim = acme.fleet.claim_check(worker).await.unwrap().unwrap();
    let late = [
        acme.fleet.check_step(&lost, Step::Quota).await,
        acme.fleet
            .refuse_check(&lost, &Refusal::new(Field::Token, "no"), None)
            .await,
        acme.fleet
            .accept_check(
                &lost,
                &acme.sealer,
                added(&acme, new("ghp_x")),
                &findings("bot"),
            )
            .await,
        acme.fleet.check_token(&lost, &acme.sealer).await.map(drop),
    ];
    for answer in late {
        assert!(matches!(answer, Err(Error::LostFence { .. })), "{answer:?}");
    }
    acme.fleet
        .accept_check(
            &claim,
            &acme.sealer,
            added(&acme, new("ghp_x")),
            &findings("bot"),
        )
        .await
        .unwrap();
    assert_eq!(
        acme.scoped
            .credentials(acme.organization)
            .await
            .unwrap()
            .len(),
        2
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_nobody_checks_in_time_is_given_up_with_its_token(pool: PgPool) {
    let acme = sample(&pool).await;
    let id = ask(&acme, add(&acme, new("ghp_x"))).await;
    acme.pass(59);
    assert_eq!(acme.fleet.sweep_checks().await.unwrap(), 0);
    acme.pass(1);
    assert_eq!(acme.fleet.sweep_checks().await.unwrap(), 1);
    assert_eq!(view(&acme, id).await.state, CheckState::Refused);
    assert_eq!(sealed(&pool).await, 0);
    acme.clock.advance(TimeDelta::days(31));
    acme.fleet.sweep_checks().await.unwrap();
    assert_eq!(acme.scoped.check(id).await.unwrap(), None);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn one_entry_serves_several_credentials_and_its_new_value_reaches_all(pool: PgPool) {
    let acme = sample(&pool).await;
    let entry = acme
        .scoped
        .put_secret(
            &acme.sealer,
            "bot PAT",
            SecretKind::Token,
            &Secret::new("ghp_old"),
        )
        .await
        .unwrap();
    let worker = acme.worker().await;
    for _ in 0..2 {
        ask(&acme, add(&acme, TokenSource::Entry(entry))).await;
        let claim = acme.fleet.claim_check(worker).await.unwrap().unwrap();
        assert_eq!(claim.secret, Some(entry));
        let token = acme.fleet.check_token(&claim, &acme.sealer).await.unwrap();
        assert_eq!(token.expose(), "ghp_old");
        acme.fleet
            .accept_check(
                &claim,
                &acme.sealer,
                added(&acme, TokenSource::Entry(entry)),
                &findings("bot"),
            )
            .await
            .unwrap();
    }
    let credentials = acme.scoped.credentials(acme.organization).await.unwrap();
    let names: Vec<_> = credentials.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["main", "bot", "bot-2"]);
    let (bot, twin) = (&credentials[1], &credentials[2]);
    assert_eq!(
        (bot.source.entry(), twin.source.entry()),
        (Some(entry), Some(entry))
    );

    acme.scoped.park_credential(bot.id, 1, "401").await.unwrap();
    acme.scoped
        .set_health(twin.id, &Health::Paused)
        .await
        .unwrap();
    let replace = NewCheck {
        errand: Errand::Replace { secret: entry },
        token: Some(new("ghp_new")),
        once: None,
    };
    ask(&acme, replace).await;
    let claim = acme.fleet.claim_check(worker).await.unwrap().unwrap();
    let seen = |credential| Seen {
        credential,
        login: "bot-renamed".to_owned(),
        bucket: bot.bucket.clone(),
        scopes: None,
        expires_at: Some(noon()),
    };
    let replaced = |seen| Accepted::Replaced {
        secret: entry,
        token: Secret::new("ghp_new"),
        seen,
    };
    let half = acme
        .fleet
        .accept_check(
            &claim,
            &acme.sealer,
            replaced(vec![seen(bot.id)]),
            &findings("bot"),
        )
        .await;
    assert!(matches!(half, Err(Error::Stale)), "{half:?}");
    acme.fleet
        .accept_check(
            &claim,
            &acme.sealer,
            replaced(vec![seen(twin.id), seen(bot.id)]),
            &findings("bot"),
        )
        .await
        .unwrap();
    let now = acme.scoped.credentials(acme.organization).await.unwrap();
    for one in &now[1..] {
        assert_eq!(
            (one.source.version(), one.login.as_str()),
            (2, "bot-renamed")
        );
    }
    assert_eq!(
        (&now[1].health, &now[2].health),
        (&Health::Healthy, &Health::Paused)
    );
    // An answer to the old token says nothing about the new one.
    acme.scoped.park_credential(bot.id, 1, "401").await.unwrap();
    let now = acme.scoped.credentials(acme.organization).await.unwrap();
    assert_eq!(now[1].health, Health::Healthy);

    acme.scoped
        .remove_credential(bot.id, Leftover::DeleteIfUnused)
        .await
        .unwrap();
    assert!(acme.scoped.entry(entry).await.unwrap().is_some());
    acme.scoped
        .remove_credential(twin.id, Leftover::Keep)
        .await
        .unwrap();
    assert_eq!(acme.scoped.entry(entry).await.unwrap().unwrap().users, []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_host_that_disowns_a_stored_token_sets_its_credential_aside_until_it_is_good_again(
    pool: PgPool,
) {
    let acme = sample(&pool).await;
    let main = acme.scoped.credentials(acme.organization).await.unwrap()[0].clone();
    let worker = acme.worker().await;
    let recheck = || NewCheck {
        errand: Errand::Recheck {
            credential: main.id,
        },
        token: None,
        once: None,
    };
    ask(&acme, recheck()).await;
    let claim = acme.fleet.claim_check(worker).await.unwrap().unwrap();
    assert_eq!(
        (claim.secret, claim.organization),
        (main.source.entry(), Some(acme.organization))
    );
    let refusal = Refusal::new(Field::Token, "Bad credentials.");
    acme.fleet
        .refuse_check(&claim, &refusal, Some("Bad credentials"))
        .await
        .unwrap();
    let reason = "Bad credentials".to_owned();
    let now = acme.scoped.credentials(acme.organization).await.unwrap();
    assert_eq!(now[0].health, Health::Dead { reason });

    ask(&acme, recheck()).await;
    let claim = acme.fleet.claim_check(worker).await.unwrap().unwrap();
    let seen = Seen {
        credential: main.id,
        login: main.login.clone(),
        bucket: main.bucket.clone(),
        scopes: None,
        expires_at: None,
    };
    acme.fleet
        .accept_check(
            &claim,
            &acme.sealer,
            Accepted::Rechecked(seen),
            &findings("main"),
        )
        .await
        .unwrap();
    let now = acme.scoped.credentials(acme.organization).await.unwrap();
    assert_eq!(now[0].health, Health::Healthy);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_was_removed_or_taken_meanwhile_leaves_the_check_open_for_a_sentence(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    ask(&acme, add(&acme, new("ghp_x"))).await;
    let claim = acme.fleet.claim_check(worker).await.unwrap().unwrap();
    acme.scoped
        .remove_organization(acme.organization, Leftover::DeleteIfUnused)
        .await
        .unwrap();
    let gone = acme
        .fleet
        .accept_check(
            &claim,
            &acme.sealer,
            added(&acme, new("ghp_x")),
            &findings("bot"),
        )
        .await;
    assert!(
        matches!(
            gone,
            Err(Error::Missing {
                what: "organization"
            })
        ),
        "{gone:?}"
    );
    acme.fleet
        .refuse_check(&claim, &Refusal::new(Field::Name, "gone"), None)
        .await
        .unwrap();
    let again = acme
        .scoped
        .request_check(&acme.sealer, add(&acme, new("ghp_x")))
        .await;
    assert!(matches!(again, Err(Error::Missing { .. })), "{again:?}");
}
