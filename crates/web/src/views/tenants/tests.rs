use http::StatusCode;
use sqlx::PgPool;

use crate::samples::{PASSWORD, Site};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_tenant_is_added_with_a_link_for_its_first_owner(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    let fields = [("name", "globex"), ("email", "hank@example.com")];
    let added = ada.post("/tenants/new", &fields).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.body);
    let start = added.body.find("/invitation/").unwrap();
    let link: String = added.body[start..]
        .chars()
        .take_while(|c| *c != '"')
        .collect();
    let list = ada.get("/tenants").await.body;
    assert!(list.contains("globex") && list.contains("hank@example.com"));
    let inside = ada.get("/t/globex/members").await;
    assert_eq!(
        inside.status,
        StatusCode::NOT_FOUND,
        "the operator is no member"
    );

    let mut hank = site.nobody();
    hank.post(&link, &[("name", "Hank"), ("new_password", PASSWORD)])
        .await;
    assert_eq!(hank.get("/t/globex/members").await.status, StatusCode::OK);
    assert_eq!(hank.get("/tenants").await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_operator_lets_nobody_into_a_tenant_that_has_an_owner(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    let tenants = site.db.fleet().tenants().await.unwrap();
    let other = tenants
        .iter()
        .find(|tenant| tenant.name.as_str() == "other")
        .unwrap();
    let path = format!("/tenants/{}/owner", other.id);
    assert_eq!(ada.get(&path).await.status, StatusCode::CONFLICT);
    let refused = ada.post(&path, &[("email", "ada@example.com")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let invited = site.db.tenant(other.id).invitations().await.unwrap();
    assert_eq!(invited, []);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn mistakes_add_nothing(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut ada = site.browser(site.ada).await;
    let long = "x".repeat(10_000);
    for (name, email, sentence) in [
        ("acme", "hank@example.com", "already a tenant with the name"),
        ("../etc", "hank@example.com", "cannot be a name"),
        (long.as_str(), "hank@example.com", "cannot be a name"),
        ("<b>", "hank@example.com", "cannot be a name"),
        ("globex", "hank", "This is not an e-mail address"),
    ] {
        let fields = [("name", name), ("email", email)];
        let answer = ada.post("/tenants/new", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(sentence), "{sentence}");
        assert!(!answer.body.contains("<b>\""), "{}", answer.body);
    }
    assert_eq!(site.db.fleet().tenants().await.unwrap().len(), 2);
}
