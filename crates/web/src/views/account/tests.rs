use chrono::TimeDelta;
use http::StatusCode;
use sqlx::PgPool;

use crate::samples::{Browser, PASSWORD, Site};

const NEW: &str = "a longer battery staple";

/// The code that a device shows now.
fn code(site: &Site, seed: &str) -> String {
    let seed = totp_rs::Secret::try_from_base32(seed).unwrap();
    let device = totp_rs::Builder::new()
        .with_secret(seed)
        .build_noncompliant();
    let now = u64::try_from(site.clock.now().timestamp()).unwrap();
    device.generate(now).to_string()
}

/// Turns the second factor on, and answers the seed and the recovery codes.
async fn enrol(site: &Site, browser: &mut Browser) -> (String, Vec<String>) {
    let begun = browser
        .post(
            "/account/second-factor/new",
            &[("current_password", PASSWORD)],
        )
        .await;
    assert_eq!(begun.header("location"), "/account/second-factor");
    let page = browser.get("/account/second-factor").await.body;
    assert!(page.contains("<svg class=\"qr\""), "{page}");
    let people = site.db.people();
    let totp = people.totp(&site.sealer, site.ada).await.unwrap().unwrap();
    let seed = totp.secret.expose().to_owned();
    let wrong = browser
        .post("/account/second-factor", &[("code", "000000")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = browser
        .post("/account/second-factor", &[("code", &code(site, &seed))])
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let codes = done
        .body
        .split("<li><code class=\"code\">")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap().to_owned())
        .collect();
    (seed, codes)
}

async fn sign_in(site: &Site, password: &str) -> (Browser, String) {
    let mut browser = site.nobody();
    let answer = browser
        .post(
            "/login",
            &[("email", "ada@example.com"), ("password", password)],
        )
        .await;
    let to = answer.header("location").to_owned();
    (browser, to)
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_second_factor_is_asked_for_and_each_code_counts_once(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    let (seed, recovery) = enrol(&site, &mut ada).await;
    assert_eq!(recovery.len(), 10);

    let (mut browser, to) = sign_in(&site, PASSWORD).await;
    assert!(to.starts_with("/login/code"), "{to}");
    let halfway = browser.get("/account").await;
    assert_eq!(halfway.status, StatusCode::SEE_OTHER, "not signed in yet");
    let replayed = browser
        .post("/login/code", &[("code", &code(&site, &seed))])
        .await;
    assert_eq!(
        replayed.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "the code of the enrolment was used"
    );
    site.clock.advance(TimeDelta::seconds(30));
    let now = code(&site, &seed);
    let signed_in = browser.post("/login/code", &[("code", &now)]).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);

    let (mut thief, _) = sign_in(&site, PASSWORD).await;
    let replayed = thief.post("/login/code", &[("code", &now)]).await;
    assert_eq!(replayed.status, StatusCode::UNPROCESSABLE_ENTITY);
    let typed = recovery[3].to_uppercase().replace('-', " ");
    for expected in [StatusCode::SEE_OTHER, StatusCode::UNPROCESSABLE_ENTITY] {
        let (mut browser, _) = sign_in(&site, PASSWORD).await;
        let answer = browser.post("/login/code", &[("code", &typed)]).await;
        assert_eq!(answer.status, expected);
    }
    assert!(ada.get("/account").await.body.contains("9 codes left"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_right_password_is_no_way_around_the_limit_of_codes(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    let (seed, _) = enrol(&site, &mut ada).await;
    site.clock.advance(TimeDelta::seconds(30));
    let mut tried = 0;
    loop {
        let (mut browser, to) = sign_in(&site, PASSWORD).await;
        if to.is_empty() {
            break;
        }
        browser.post("/login/code", &[("code", "000000")]).await;
        tried += 1;
        assert!(tried < 8, "each try costs a password and a code");
    }
    let (mut browser, _) = sign_in(&site, PASSWORD).await;
    let locked = browser
        .post("/login/code", &[("code", &code(&site, &seed))])
        .await;
    assert!(locked.header("location").starts_with("/login"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_change_of_password_ends_every_other_session(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut here = site.browser(site.ada).await;
    let mut stolen = here.clone();
    let mut there = site.browser(site.ada).await;
    for (current, new, sentence) in [
        ("wrong", NEW, "not your present password"),
        (PASSWORD, "short", "at least 12 characters"),
    ] {
        let fields = [("current_password", current), ("new_password", new)];
        let answer = here.post("/account/password", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(sentence), "{}", answer.body);
        assert!(!answer.body.contains(NEW) && !answer.body.contains(PASSWORD));
    }
    let fields = [("current_password", PASSWORD), ("new_password", NEW)];
    let changed = here.post("/account/password", &fields).await;
    assert_eq!(changed.header("location"), "/account");
    assert_eq!(here.get("/account").await.status, StatusCode::OK);
    for other in [&mut stolen, &mut there] {
        let sent = other.get("/account").await;
        assert!(sent.header("location").starts_with("/login"));
    }
    assert_eq!(sign_in(&site, NEW).await.1, "/");
    assert_eq!(sign_in(&site, PASSWORD).await.1, "");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn somebodys_session_is_closed_by_nobody_else(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    let mut other = site.browser(site.ada).await;
    let people = site.db.people();
    let sessions = people.sessions(site.ada).await.unwrap();
    let mut eve = site.browser(site.eve().await).await;
    for session in &sessions {
        let path = format!("/account/sessions/{}/close", session.id);
        eve.post(&path, &[]).await;
    }
    assert_eq!(ada.get("/account").await.status, StatusCode::OK);
    let closed = ada.post("/account/sessions/close-others", &[]).await;
    assert_eq!(closed.header("location"), "/account");
    let sent = other.get("/account").await;
    assert!(sent.header("location").starts_with("/login"));
    assert_eq!(people.sessions(site.ada).await.unwrap().len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_second_factor_goes_with_the_password_alone(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    enrol(&site, &mut ada).await;
    for path in ["/account/second-factor/remove", "/account/recovery-codes"] {
        let refused = ada.post(path, &[("current_password", "wrong")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
    let again = ada
        .post(
            "/account/second-factor/new",
            &[("current_password", PASSWORD)],
        )
        .await;
    assert_eq!(again.header("location"), "/account", "it is on already");
    ada.post(
        "/account/second-factor/remove",
        &[("current_password", PASSWORD)],
    )
    .await;
    assert_eq!(sign_in(&site, PASSWORD).await.1, "/");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_name_is_a_line_that_is_shown_as_it_is(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    let long = "x".repeat(10_000);
    for (name, sentence) in [
        ("", "Write the name that others see"),
        (long.as_str(), "This name is too long"),
        ("a\u{202e}b", "characters that cannot be seen"),
        ("a\u{7}b", "characters that cannot be seen"),
    ] {
        let answer = ada.post("/account/name", &[("name", name)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(sentence), "{sentence}");
    }
    ada.post("/account/name", &[("name", "<script>alert(1)</script>")])
        .await;
    let page = ada.get("/t/acme/members").await.body;
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
}
