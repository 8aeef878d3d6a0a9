use axum::http::StatusCode;
use chrono::TimeDelta;
use domain::Secret;
use sqlx::PgPool;
use totp_rs::Builder;

use crate::samples::{Answer, Browser, PASSWORD, Site};
use crate::second_factor;

async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> Answer {
    browser
        .post(
            "/login",
            &[
                ("email", email),
                ("password", password),
                ("next", "/account"),
            ],
        )
        .await
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_right_password_opens_a_new_session_and_signing_out_ends_it(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = site.nobody();
    let answer = sign_in(&mut browser, " Ada@Example.com ", PASSWORD).await;
    assert_eq!(answer.header("location"), "/account", "{}", answer.body);
    let copy = browser.clone();
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    assert_eq!(
        browser.post("/logout", &[]).await.header("location"),
        "/login"
    );
    for mut browser in [browser, copy] {
        let answer = browser.get("/account").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "the session lives on");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_unknown_address_gets_the_answer_of_a_wrong_password(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut pages = Vec::new();
    for email in ["ada@example.com", "bob@example.com"] {
        let answer = sign_in(&mut site.nobody(), email, "wrong").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            answer.body.contains("E-mail or password is wrong."),
            "{}",
            answer.body
        );
        pages.push(answer.body.replace(email, ""));
    }
    assert_eq!(pages[0], pages[1]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_account_is_locked_after_too_many_tries_and_opens_by_itself(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = site.nobody();
    let mut tries = 0;
    while !sign_in(&mut browser, "ada@example.com", "wrong")
        .await
        .body
        .contains("Too many tries.")
    {
        tries += 1;
        assert!(tries < 50, "it is never locked");
    }
    let answer = sign_in(&mut browser, "ada@example.com", PASSWORD).await;
    assert!(answer.body.contains("Too many tries."), "{}", answer.body);
    site.clock.advance(TimeDelta::minutes(16));
    let answer = sign_in(&mut browser, "ada@example.com", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_is_led_to_another_site(pool: PgPool) {
    let site = Site::new(&pool).await;
    for next in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "",
    ] {
        let answer = site
            .nobody()
            .post(
                "/login",
                &[
                    ("email", "ada@example.com"),
                    ("password", PASSWORD),
                    ("next", next),
                ],
            )
            .await;
        assert_eq!(answer.header("location"), "/", "{next}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn with_a_second_factor_each_code_opens_once(pool: PgPool) {
    let site = Site::new(&pool).await;
    let people = site.db.people();
    let seed = second_factor::new_seed().unwrap();
    people
        .begin_totp(&site.sealer, site.ada, &seed)
        .await
        .unwrap();
    let recovery = second_factor::recovery_codes().unwrap();
    let hashes: Vec<_> = recovery
        .iter()
        .map(|code| second_factor::recovery_hash(code.expose()))
        .collect();
    assert!(people.confirm_totp(site.ada, 1, &hashes).await.unwrap());
    let code = code(&seed, site.clock.now().timestamp());
    let recovery = recovery.first().unwrap().expose().to_uppercase();
    for code in [code, recovery] {
        for (round, opens) in [("first", true), ("second", false)] {
            let mut browser = site.nobody();
            let answer = sign_in(&mut browser, "ada@example.com", PASSWORD).await;
            assert_eq!(answer.header("location"), "/login/code?next=%2Faccount");
            let account = browser.get("/account").await;
            assert_eq!(
                account.status,
                StatusCode::SEE_OTHER,
                "the password alone opens"
            );
            let answer = browser
                .post("/login/code", &[("code", &code), ("next", "/account")])
                .await;
            assert_eq!(
                answer.header("location") == "/account",
                opens,
                "{round}: {}",
                answer.body
            );
        }
    }
}

fn code(seed: &Secret, second: i64) -> String {
    let seed = totp_rs::Secret::try_from_base32(seed.expose()).unwrap();
    let codes = Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_secret(seed)
        .build()
        .unwrap();
    codes.generate(u64::try_from(second).unwrap()).to_string()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_waits_too_long_with_the_code_begins_anew(pool: PgPool) {
    let site = Site::new(&pool).await;
    let people = site.db.people();
    let seed = second_factor::new_seed().unwrap();
    people
        .begin_totp(&site.sealer, site.ada, &seed)
        .await
        .unwrap();
    people.confirm_totp(site.ada, 1, &[]).await.unwrap();
    let mut browser = site.nobody();
    sign_in(&mut browser, "ada@example.com", PASSWORD).await;
    site.clock.advance(TimeDelta::minutes(6));
    let code = code(&seed, site.clock.now().timestamp());
    let answer = browser.post("/login/code", &[("code", &code)]).await;
    assert_eq!(answer.header("location"), "/login");
}
