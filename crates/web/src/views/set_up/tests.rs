use axum::http::StatusCode;
use sqlx::PgPool;

use crate::console::Settings;
use crate::samples::{Browser, CODE, PASSWORD, empty};

fn fields(code: &str) -> [(&str, &str); 5] {
    [
        ("setup_code", code),
        ("name", "Ada"),
        ("email", "ada@example.com"),
        ("new_password", PASSWORD),
        ("tenant", "acme"),
    ]
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_first_visitor_with_the_code_runs_the_installation(pool: PgPool) {
    let (_, _, _, router) = empty(&pool, Settings::default());
    let mut browser = Browser::new(&router);
    assert_eq!(browser.get("/login").await.header("location"), "/setup");
    let answer = browser
        .post("/setup", &fields(&CODE.to_uppercase().replace('-', " ")))
        .await;
    assert_eq!(
        answer.header("location"),
        "/t/acme/github",
        "{}",
        answer.body
    );
    assert!(
        browser
            .get("/account")
            .await
            .body
            .contains("ada@example.com")
    );
    let answer = Browser::new(&router).get("/setup").await;
    assert_eq!(
        answer.status,
        StatusCode::NOT_FOUND,
        "there is a second one"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_wrong_code_is_told_beside_it_and_what_was_entered_stays_but_the_password(pool: PgPool) {
    let (db, _, _, router) = empty(&pool, Settings::default());
    let answer = Browser::new(&router)
        .post("/setup", &fields("aaaa-bbbb-cccc-dddd"))
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.body.contains("This is not the code."),
        "{}",
        answer.body
    );
    assert!(answer.body.contains(r#"value="ada@example.com""#));
    assert!(!answer.body.contains(PASSWORD));
    assert!(!db.people().is_set_up().await.unwrap());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_tries_codes_without_end(pool: PgPool) {
    let (db, _, _, router) = empty(&pool, Settings::default());
    let mut browser = Browser::new(&router);
    for _ in 0..50 {
        browser.post("/setup", &fields("aaaa-bbbb-cccc-dddd")).await;
    }
    let answer = browser.post("/setup", &fields(CODE)).await;
    assert!(answer.body.contains("Too many tries."), "{}", answer.body);
    assert!(!db.people().is_set_up().await.unwrap());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn each_fault_stands_beside_its_field(pool: PgPool) {
    let (_, _, _, router) = empty(&pool, Settings::default());
    let bad = [
        ("setup_code", CODE),
        ("name", ""),
        ("email", "<b>ada</b>"),
        ("new_password", "short"),
        ("tenant", "a b\u{7}"),
    ];
    let page = Browser::new(&router).post("/setup", &bad).await.body;
    for field in ["name", "email", "new_password", "tenant"] {
        assert!(
            page.contains(&format!("id=\"{field}-error\"")),
            "{field}: {page}"
        );
        assert!(
            page.contains(&format!("href=\"#{field}\"")),
            "{field}: {page}"
        );
    }
    assert!(!page.contains("<b>ada</b>"), "{page}");
}
