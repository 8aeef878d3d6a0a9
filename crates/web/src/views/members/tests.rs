use domain::MemberRole;
use http::StatusCode;
use sqlx::PgPool;

use crate::samples::Site;

/// The link that an answer shows.
fn link(body: &str) -> &str {
    let start = body.find("/invitation/").unwrap();
    let rest = &body[start..];
    &rest[..rest.find('"').unwrap()]
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_owner_invites_by_a_link_that_is_shown_once(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    let fields = [("email", "New@Example.com"), ("role", "operator")];
    let answer = ada.post("/t/acme/members/new", &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    let token = link(&answer.body).rsplit('/').next().unwrap().to_owned();
    assert_eq!(token.len(), 43);

    let list = ada.get("/t/acme/members").await.body;
    assert!(list.contains("new@example.com"), "{list}");
    assert!(!list.contains(&token), "the link is not shown again");
    let stored: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM invitations WHERE encode(token_hash, 'escape') LIKE '%' || $1 || '%'",
    )
    .bind(&token)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(stored, 0);
    // An export ends where it begins.
    site.clock.advance(chrono::TimeDelta::seconds(1));
    let log = ada.get("/t/acme/audit/export.jsonl").await.body;
    assert!(
        log.contains("member.invite") && !log.contains(&token),
        "{log}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn mistakes_stand_beside_their_fields(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    let long = "x".repeat(10_000);
    for (email, role, sentence) in [
        ("nobody", "operator", "This is not an e-mail address"),
        (
            "<b>@example.com",
            "operator",
            "This is not an e-mail address",
        ),
        (
            "a\u{0}@example.com",
            "operator",
            "characters that cannot be seen",
        ),
        (long.as_str(), "operator", "This is not an e-mail address"),
        ("new@example.com", "king", "Choose a role"),
        ("new@example.com", "", "Choose a role"),
        ("ada@example.com", "admin", "is a member already"),
    ] {
        let fields = [("email", email), ("role", role)];
        let answer = ada.post("/t/acme/members/new", &fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{sentence}"
        );
        assert!(
            answer.body.contains(sentence),
            "{sentence}: {}",
            answer.body
        );
        assert!(!answer.body.contains("<b>@"), "what was entered is escaped");
    }
    let members = site.db.tenant(site.acme).invitations().await.unwrap();
    assert_eq!(members, []);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_last_owner_stays_and_is_told_why(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    let own = format!("/t/acme/members/{}", site.ada);
    for (path, fields) in [
        (format!("{own}/remove"), vec![]),
        (format!("{own}/role"), vec![("role", "auditor")]),
    ] {
        let answer = ada.post(&path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            answer.body.contains("A tenant needs an owner"),
            "{}",
            answer.body
        );
    }
    let still = ada.get("/t/acme/members").await;
    assert_eq!(still.status, StatusCode::OK);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_removed_member_finds_nothing_at_the_next_request(pool: PgPool) {
    let site = Site::new(&pool).await;
    let admin = site.member(MemberRole::Admin).await;
    let mut theirs = site.browser(admin).await;
    assert_eq!(theirs.get("/t/acme/members").await.status, StatusCode::OK);
    let mut ada = site.browser(site.ada).await;
    let question = ada.get(&format!("/t/acme/members/{admin}/remove")).await;
    assert!(
        question
            .body
            .contains("loses access to this tenant at once"),
        "{}",
        question.body
    );
    let gone = ada
        .post(&format!("/t/acme/members/{admin}/remove"), &[])
        .await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    assert_eq!(
        theirs.get("/t/acme/members").await.status,
        StatusCode::NOT_FOUND
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_new_role_counts_at_the_next_request(pool: PgPool) {
    let site = Site::new(&pool).await;
    let admin = site.member(MemberRole::Admin).await;
    let mut theirs = site.browser(admin).await;
    let refused = theirs.get("/t/acme/members/new").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let mut ada = site.browser(site.ada).await;
    ada.post(
        &format!("/t/acme/members/{admin}/role"),
        &[("role", "owner")],
    )
    .await;
    let allowed = theirs.get("/t/acme/members/new").await;
    assert_eq!(allowed.status, StatusCode::OK);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_member_of_another_tenant_is_out_of_reach(pool: PgPool) {
    let site = Site::new(&pool).await;
    let eve = site.eve().await;
    let mut ada = site.browser(site.ada).await;
    for path in ["role", "remove"] {
        let answer = ada
            .post(
                &format!("/t/acme/members/{eve}/{path}"),
                &[("role", "auditor")],
            )
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    let mut theirs = site.browser(eve).await;
    assert_eq!(theirs.get("/t/other/members").await.status, StatusCode::OK);
}
