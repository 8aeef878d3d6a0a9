use sqlx::PgPool;

use super::*;
use crate::console::Settings;
use crate::samples::{Browser, CODE, Site, empty};

#[test]
fn the_policy_allows_nothing_inline_and_nothing_evaluated() {
    assert!(POLICY.starts_with("default-src 'none';"));
    for word in ["unsafe", "blob:", "*", "http"] {
        assert!(!POLICY.contains(word), "{word}");
    }
    let with_data: Vec<&str> = POLICY
        .split("; ")
        .filter(|rule| rule.contains("data:"))
        .collect();
    assert_eq!(with_data, ["img-src 'self' data:"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_page_carries_the_policy_and_is_not_kept(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = site.browser(site.ada).await;
    for path in ["/login", "/account", "/t/acme/github", "/t/acme/nothing"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.header("content-security-policy"), POLICY, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.header("vary").contains("hx-request"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("strict-transport-security"), "");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn over_https_cookies_and_transport_are_bound_to_it(pool: PgPool) {
    let settings = Settings {
        public_url: Some("https://backup.example.com".parse().unwrap()),
        ..Settings::default()
    };
    let (_, _, _, router) = empty(&pool, settings);
    let fields = [
        ("setup_code", CODE),
        ("name", "Ada"),
        ("email", "ada@example.com"),
        ("new_password", "correct horse battery"),
        ("tenant", "acme"),
    ];
    let answer = Browser::new(&router).post("/setup", &fields).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-holdfast="), "{cookie}");
    for word in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert_eq!(
        answer.header("strict-transport-security"),
        "max-age=31536000"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_redirect_reaches_the_browser_through_htmx(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = site.browser(site.ada).await.with("hx-request", "true");
    let answer = browser
        .post("/theme", &[("theme", "dark"), ("back", "/account")])
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("hx-redirect"), "/account");
}
