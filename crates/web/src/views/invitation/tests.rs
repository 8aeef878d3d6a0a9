use domain::MemberRole;
use http::StatusCode;
use sqlx::PgPool;
use store::NewInvitation;

use crate::samples::{PASSWORD, Site};
use crate::token::Token;

/// The path of a fresh link.
async fn invite(site: &Site, email: &str) -> String {
    let token = Token::new().unwrap();
    site.db
        .tenant(site.acme)
        .invite(NewInvitation {
            email: email.parse().unwrap(),
            role: MemberRole::Operator,
            token_hash: token.hash(),
        })
        .await
        .unwrap();
    format!("/invitation/{}", token.text())
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn somebody_new_joins_and_is_signed_in(pool: PgPool) {
    let site = Site::new(&pool).await;
    let link = invite(&site, "new@example.com").await;
    let mut browser = site.nobody();
    let page = browser.get(&link).await.body;
    assert!(page.contains("Join acme") && page.contains("new@example.com"));
    let short = browser
        .post(&link, &[("name", "New"), ("new_password", "short")])
        .await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        short.body.contains("at least 12 characters"),
        "{}",
        short.body
    );
    assert!(short.body.contains(r#"value="New""#), "the name is kept");
    assert!(
        !short.body.contains(r#"value="short""#),
        "the password is not"
    );

    let fields = [("name", "New"), ("new_password", PASSWORD)];
    let joined = browser.post(&link, &fields).await;
    assert_eq!(joined.header("location"), "/t/acme/github");
    let members = browser.get("/t/acme/members").await;
    assert_eq!(members.status, StatusCode::OK);
    let invite = browser.get("/t/acme/members/new").await;
    assert_eq!(invite.status, StatusCode::FORBIDDEN, "she is an operator");

    let again = site.nobody().post(&link, &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("not valid any more"), "{}", again.body);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn somebody_known_signs_in_first_and_belongs_to_both_tenants(pool: PgPool) {
    let site = Site::new(&pool).await;
    let link = invite(&site, "eve@example.com").await;
    let page = site.nobody().get(&link).await.body;
    assert!(page.contains(&format!("/login?next={link}")), "{page}");
    let taken = site
        .nobody()
        .post(&link, &[("name", "Mallory"), ("new_password", PASSWORD)])
        .await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);

    let mut eve = site.browser(site.eve().await).await;
    assert!(eve.get(&link).await.body.contains("has invited you"));
    let joined = eve.post(&link, &[]).await;
    assert_eq!(joined.header("location"), "/t/acme/github");
    for tenant in ["acme", "other"] {
        let members = eve.get(&format!("/t/{tenant}/members")).await;
        assert_eq!(members.status, StatusCode::OK, "{tenant}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_link_is_for_one_person(pool: PgPool) {
    let site = Site::new(&pool).await;
    let link = invite(&site, "new@example.com").await;
    let mut eve = site.browser(site.eve().await).await;
    let page = eve.get(&link).await.body;
    assert!(page.contains("for somebody else"), "{page}");
    let refused = eve.post(&link, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let acme = eve.get("/t/acme/members").await;
    assert_eq!(acme.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_invented_or_late_link_says_what_to_do(pool: PgPool) {
    let site = Site::new(&pool).await;
    let link = invite(&site, "new@example.com").await;
    site.clock.advance(chrono::TimeDelta::days(7));
    let long = format!("/invitation/{}", "x".repeat(5_000));
    for path in [link.as_str(), "/invitation/x", "/invitation/%00", &long] {
        let page = site.nobody().get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(
            page.body.contains("Ask the person who invited you"),
            "{}",
            page.body
        );
    }
}
