use std::net::IpAddr;

use chrono::TimeDelta;
use domain::{MemberRole, Secret};
use sqlx::PgPool;

use super::*;
use crate::AuditFilter;
use crate::samples::{Sample, new_person, person, sample, sealer};

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn session(person: PersonId, token: u8) -> NewSession {
    NewSession {
        person,
        token_hash: [token; 32],
        address: HOME,
        agent: "Firefox\u{7}".to_owned(),
    }
}

async fn member(acme: &Sample, name: &str) -> PersonId {
    let id = person(&acme.db, name).await;
    acme.db
        .people()
        .enrol(acme.scoped.tenant_id(), id, MemberRole::Owner)
        .await
        .unwrap();
    id
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_first_start_happens_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    assert!(!people.is_set_up().await.unwrap());
    let (tenant, another) = ("acme".parse().unwrap(), "another".parse().unwrap());
    let (one, other) = tokio::join!(
        people.set_up(&acme.sealer, new_person("ada"), &tenant),
        people.set_up(&acme.sealer, new_person("eve"), &another),
    );
    assert!(
        matches!(
            (&one, &other),
            (Ok(_), Err(Error::SetUpAlready)) | (Err(Error::SetUpAlready), Ok(_))
        ),
        "{one:?} {other:?}"
    );
    assert!(people.is_set_up().await.unwrap());
    assert_eq!(people.list().await.unwrap().len(), 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_first_start_takes_over_a_tenant_of_the_command_line(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let ada = people
        .set_up(&acme.sealer, new_person("ada"), &"acme".parse().unwrap())
        .await
        .unwrap();
    people.open_session(session(ada, 1)).await.unwrap();
    let viewer = people.viewer(&[1; 32]).await.unwrap().unwrap();
    assert!(viewer.operator);
    assert_eq!(
        viewer.memberships,
        [Membership {
            tenant: acme.scoped.tenant_id(),
            tenant_name: "acme".parse().unwrap(),
            role: MemberRole::Owner,
            alert_count: 0,
        }]
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_session_ends_after_twelve_idle_hours_and_after_thirty_days(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let ada = member(&acme, "ada").await;
    people.open_session(session(ada, 1)).await.unwrap();
    assert_eq!(people.viewer(&[2; 32]).await.unwrap(), None);
    acme.pass(12 * 60 - 1);
    assert!(people.viewer(&[1; 32]).await.unwrap().is_some());
    acme.pass(12 * 60);
    assert_eq!(people.viewer(&[1; 32]).await.unwrap(), None);

    people.open_session(session(ada, 3)).await.unwrap();
    for _ in 0..(30 * 24 / 11) {
        acme.pass(11 * 60);
        assert!(people.viewer(&[3; 32]).await.unwrap().is_some());
    }
    acme.pass(6 * 60);
    assert_eq!(people.viewer(&[3; 32]).await.unwrap(), None);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_session_is_written_at_most_once_a_minute(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let ada = member(&acme, "ada").await;
    people.open_session(session(ada, 1)).await.unwrap();
    let begun = acme.now();
    acme.clock.advance(TimeDelta::seconds(59));
    people.viewer(&[1; 32]).await.unwrap();
    assert_eq!(people.sessions(ada).await.unwrap()[0].last_seen_at, begun);
    acme.clock.advance(TimeDelta::seconds(1));
    people.viewer(&[1; 32]).await.unwrap();
    let seen = people.sessions(ada).await.unwrap();
    assert_eq!(seen[0].last_seen_at, acme.now());
    assert_eq!(seen[0].agent, "Firefox");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_change_of_password_ends_other_sessions_and_rotates_the_one_in_use(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let ada = member(&acme, "ada").await;
    let kept = people.open_session(session(ada, 1)).await.unwrap();
    people.open_session(session(ada, 2)).await.unwrap();
    people
        .change_password(ada, "another hash", kept, &[3; 32])
        .await
        .unwrap();
    for ended in [[1; 32], [2; 32]] {
        assert_eq!(people.viewer(&ended).await.unwrap(), None);
    }
    let viewer = people.viewer(&[3; 32]).await.unwrap().unwrap();
    assert_eq!(viewer.session, kept);
    let sign_in = people.sign_in(&viewer.email).await.unwrap().unwrap();
    assert_eq!(sign_in.password_hash, "another hash");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_session_is_closed_by_whose_it_is(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let (ada, eve) = (member(&acme, "ada").await, member(&acme, "eve").await);
    let first = people.open_session(session(ada, 1)).await.unwrap();
    let second = people.open_session(session(ada, 2)).await.unwrap();
    people.close_session(first, eve).await.unwrap();
    assert!(people.viewer(&[1; 32]).await.unwrap().is_some());
    people.close_session(first, ada).await.unwrap();
    assert_eq!(people.viewer(&[1; 32]).await.unwrap(), None);
    people.open_session(session(ada, 4)).await.unwrap();
    assert_eq!(people.close_other_sessions(ada, second).await.unwrap(), 1);
    assert_eq!(people.sessions(ada).await.unwrap().len(), 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_account_is_locked_after_eight_failures(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let look = async || people.attempts("Ada@example.com", HOME).await.unwrap();
    for left in (1..=8).rev() {
        assert_eq!(look().await.left, left);
        acme.pass(1);
        people
            .note_attempt("ada@EXAMPLE.com", HOME, false)
            .await
            .unwrap();
    }
    let locked = look().await;
    assert!(!locked.may_try);
    assert_eq!(
        locked.locked_until,
        Some(acme.now() + TimeDelta::minutes(15))
    );
    let another = people.attempts("bob@example.com", HOME).await.unwrap();
    assert_eq!((another.may_try, another.left), (true, 8));
    acme.pass(14);
    assert!(!look().await.may_try);
    acme.pass(1);
    assert!(look().await.may_try);
    people
        .note_attempt("ada@example.com", HOME, true)
        .await
        .unwrap();
    assert_eq!(look().await.left, 8);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_address_is_locked_after_a_hundred_failures(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let office = |end: u16| -> IpAddr { [0x2001, 0xdb8, 0, 1, 0, 0, 0, end].into() };
    for index in 0..100 {
        let account = format!("{index}@example.com");
        assert!(
            people
                .attempts(&account, office(index))
                .await
                .unwrap()
                .may_try
        );
        people
            .note_attempt(&account, office(index), false)
            .await
            .unwrap();
    }
    let there = people.attempts("new@example.com", office(7)).await.unwrap();
    assert!(!there.may_try);
    assert!(there.locked_until.is_some());
    let elsewhere = people.attempts("new@example.com", HOME).await.unwrap();
    assert!(elsewhere.may_try);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_one_time_code_is_accepted_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let ada = member(&acme, "ada").await;
    let seed = Secret::new("JBSWY3DPEHPK3PXP");
    people.begin_totp(&acme.sealer, ada, &seed).await.unwrap();
    assert!(!people.spend_totp(ada, 90).await.unwrap(), "unconfirmed");
    assert!(people.confirm_totp(ada, 100, &[[1; 32]]).await.unwrap());
    assert!(!people.confirm_totp(ada, 101, &[[2; 32]]).await.unwrap());
    for (step, accepted) in [
        (100, false),
        (101, true),
        (101, false),
        (100, false),
        (102, true),
    ] {
        assert_eq!(
            people.spend_totp(ada, step).await.unwrap(),
            accepted,
            "{step}"
        );
    }
    let (one, other) = tokio::join!(people.spend_totp(ada, 103), people.spend_totp(ada, 103));
    assert!(one.unwrap() != other.unwrap());
    let kept = people.totp(&acme.sealer, ada).await.unwrap().unwrap();
    assert_eq!((kept.secret, kept.confirmed), (seed.clone(), true));
    // A confirmed seed is not replaced by somebody who finds the browser open.
    let refused = people.begin_totp(&acme.sealer, ada, &seed).await;
    assert!(matches!(refused, Err(Error::Missing { .. })), "{refused:?}");
    people.remove_totp(ada).await.unwrap();
    assert!(people.totp(&acme.sealer, ada).await.unwrap().is_none());
    assert_eq!(people.recovery_codes_left(ada).await.unwrap(), 0);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_seed_opens_for_its_person_alone(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let (ada, eve) = (member(&acme, "ada").await, member(&acme, "eve").await);
    for (person, seed) in [(ada, "ADA"), (eve, "EVE")] {
        people
            .begin_totp(&sealer(), person, &Secret::new(seed))
            .await
            .unwrap();
    }
    sqlx::query("UPDATE totps SET sealed = (SELECT sealed FROM totps WHERE person_id = $1) WHERE person_id = $2")
        .bind(eve.0)
        .bind(ada.0)
        .execute(&pool)
        .await
        .unwrap();
    let moved = people.totp(&sealer(), ada).await;
    assert!(matches!(moved, Err(Error::BrokenSeal)), "{moved:?}");
    let stored: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM totps WHERE person_id = $1")
        .bind(eve.0)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(!stored.windows(3).any(|bytes| bytes == b"EVE"));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_recovery_code_is_accepted_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let (ada, eve) = (member(&acme, "ada").await, member(&acme, "eve").await);
    people
        .replace_recovery_codes(ada, &[[1; 32], [2; 32]])
        .await
        .unwrap();
    assert!(!people.spend_recovery_code(eve, &[1; 32]).await.unwrap());
    let (one, other) = tokio::join!(
        people.spend_recovery_code(ada, &[1; 32]),
        people.spend_recovery_code(ada, &[1; 32])
    );
    assert!(one.unwrap() != other.unwrap());
    assert_eq!(people.recovery_codes_left(ada).await.unwrap(), 1);
    people
        .replace_recovery_codes(ada, &[[3; 32]])
        .await
        .unwrap();
    assert!(!people.spend_recovery_code(ada, &[2; 32]).await.unwrap());
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_reset_ends_sessions_locks_and_the_second_factor(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people().acting(Actor::command_line());
    let ada = member(&acme, "ada").await;
    people.open_session(session(ada, 1)).await.unwrap();
    people
        .begin_totp(&acme.sealer, ada, &Secret::new("SEED"))
        .await
        .unwrap();
    people.confirm_totp(ada, 1, &[[1; 32]]).await.unwrap();
    for _ in 0..8 {
        people
            .note_attempt("ada@example.com", HOME, false)
            .await
            .unwrap();
    }
    people.reset_password(ada, "new hash", true).await.unwrap();
    assert_eq!(people.viewer(&[1; 32]).await.unwrap(), None);
    let sign_in = people
        .sign_in(&"ada@example.com".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert!(!sign_in.totp);
    assert!(
        people
            .attempts("ada@example.com", HOME)
            .await
            .unwrap()
            .may_try
    );
    let log = acme
        .scoped
        .audit(&AuditFilter::default(), None, 50)
        .await
        .unwrap();
    let reset = log
        .iter()
        .find(|entry| entry.action == "person.reset_password")
        .unwrap();
    assert_eq!(reset.person_name, "Command line");
    assert_eq!(reset.subject_name, "ada");
    let signed_in = log
        .iter()
        .find(|entry| entry.action == "person.sign_in")
        .unwrap();
    assert_eq!(signed_in.person(), Some(ada));
    assert_eq!(signed_in.person_name, "ada");
    assert_eq!(signed_in.address.as_deref(), Some("192.0.2.1"));
    let text = format!("{log:?}");
    assert!(
        !text.contains("new hash") && !text.contains("SEED"),
        "{text}"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn of_twenty_attempts_at_once_eight_are_looked_at(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let tried = (0..20).map(|_| {
        let people = people.clone();
        tokio::spawn(async move { people.begin_attempt("ada@example.com", HOME).await })
    });
    let mut looked_at = 0;
    for attempt in tried.collect::<Vec<_>>() {
        looked_at += u32::from(attempt.await.unwrap().unwrap().may_try);
    }
    assert_eq!(looked_at, 8);
    people
        .note_attempt("ada@example.com", HOME, true)
        .await
        .unwrap();
    let again = people.begin_attempt("ada@example.com", HOME).await.unwrap();
    assert_eq!(again.left, 8);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_question_for_a_code_waits_five_minutes_and_ends_with_the_password(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let ada = member(&acme, "ada").await;
    let asked = async |token: u8| people.signing_in(&[token; 32]).await.unwrap();
    people.begin_sign_in(ada, &[1; 32]).await.unwrap();
    assert_eq!(asked(1).await.map(|(person, _)| person), Some(ada));
    assert_eq!(asked(2).await, None);
    assert_eq!(people.viewer(&[1; 32]).await.unwrap(), None, "no session");
    acme.pass(5);
    assert_eq!(asked(1).await, None);
    people.begin_sign_in(ada, &[3; 32]).await.unwrap();
    people.end_sign_in(&[3; 32]).await.unwrap();
    assert_eq!(asked(3).await, None);
    people.begin_sign_in(ada, &[4; 32]).await.unwrap();
    people.reset_password(ada, "another", false).await.unwrap();
    assert_eq!(asked(4).await, None);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_operator_invites_an_owner_only_where_there_is_none(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let invite = async |email: &str, token: u8| {
        acme.scoped
            .invite_first_owner(email.parse().unwrap(), [token; 32])
            .await
    };
    invite("ada@example.com", 1).await.unwrap();
    let seen = people.tenants().await.unwrap();
    assert_eq!((seen[0].members, seen[0].has_owner), (0, false));
    assert_eq!(seen[0].invited, Some("ada@example.com".parse().unwrap()));
    people
        .accept_new(&[1; 32], "Ada".parse().unwrap(), "hash".to_owned())
        .await
        .unwrap();
    let refused = invite("eve@example.com", 2).await;
    assert!(matches!(refused, Err(Error::HasOwner)), "{refused:?}");
    let seen = people.tenants().await.unwrap();
    assert_eq!((seen[0].members, seen[0].has_owner), (1, true));
    assert_eq!(seen[0].invited, None);
}
