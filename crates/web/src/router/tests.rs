use std::collections::BTreeSet;

use domain::Theme;
use sqlx::PgPool;

use super::*;
use crate::samples::{Browser, Site};

/// What the table must be: each address with who may go there. A new route needs its line here, too.
const ROWS: &str = include_str!("rows.txt");

/// A row as it is written down.
fn line(route: &Route) -> String {
    let access = match route.access {
        Access::Anyone => "anyone",
        Access::SignedIn => "signed in",
        Access::ServiceOperator => "service operator",
        Access::Member(role) => role.as_str(),
    };
    format!("{} {} {access}", route.method, route.path)
}

/// An address that fits a path, of things that do not exist.
fn address(path: &str) -> String {
    path.split('/')
        .map(|part| match part {
            "{tenant}" => "acme",
            part if part.starts_with('{') => "0193e0f2-0000-7000-8000-000000000000",
            part => part,
        })
        .collect::<Vec<_>>()
        .join("/")
}

#[test]
fn every_route_is_written_down_with_who_may_go_there() {
    let written: BTreeSet<&str> = ROWS.lines().collect();
    let table: Vec<String> = table().iter().map(line).collect();
    let table: BTreeSet<&str> = table.iter().map(String::as_str).collect();
    let unwritten: Vec<_> = table.difference(&written).collect();
    let gone: Vec<_> = written.difference(&table).collect();
    assert!(
        unwritten.is_empty() && gone.is_empty(),
        "router/rows.txt lacks {unwritten:#?} and has too much: {gone:#?}"
    );
}

#[test]
fn no_handler_is_mounted_beside_the_table() {
    let mut files = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    ))];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if !path.ends_with("router.rs") && !path.ends_with("router/tests.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                !text.contains(".route("),
                "{} mounts a route of its own",
                path.display()
            );
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_is_sent_to_sign_in(pool: PgPool) {
    let site = Site::new(&pool).await;
    for route in table() {
        let answer = site
            .nobody()
            .send(&route.method, &address(route.path), &[])
            .await;
        let sent = answer.header("location").starts_with("/login");
        // Signing in as such leads there, too.
        let own = route.path.starts_with("/login");
        assert!(
            own || sent == (route.access != Access::Anyone),
            "{}: {answer:?}",
            line(&route)
        );
        assert!(
            !answer.status.is_server_error(),
            "{}: {answer:?}",
            line(&route)
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_stranger_sees_404(pool: PgPool) {
    let site = Site::new(&pool).await;
    let eve = site.eve().await;
    for route in table() {
        if let Access::Member(_) | Access::ServiceOperator = route.access {
            let mut browser = site.browser(eve).await;
            let answer = browser.send(&route.method, &address(route.path), &[]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", line(&route));
            assert!(
                !answer.body.contains("acme"),
                "{}: {}",
                line(&route),
                answer.body
            );
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_member_goes_where_the_role_allows_and_sees_403_elsewhere(pool: PgPool) {
    let site = Site::new(&pool).await;
    for role in MemberRole::ALL {
        let person = site.member(role).await;
        for route in table() {
            let mut browser = site.browser(person).await;
            let answer = browser.send(&route.method, &address(route.path), &[]).await;
            assert!(
                !answer.status.is_server_error(),
                "{}: {answer:?}",
                line(&route)
            );
            match route.access {
                Access::Member(least) => {
                    let refused = answer.status == StatusCode::FORBIDDEN;
                    assert_eq!(
                        refused,
                        role < least,
                        "{role} at {}: {answer:?}",
                        line(&route)
                    );
                }
                Access::ServiceOperator => {
                    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", line(&route));
                }
                Access::Anyone | Access::SignedIn => {}
            }
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn no_link_of_a_page_leads_nowhere(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = site.browser(site.ada).await;
    let mut seen = BTreeSet::from(["/".to_owned()]);
    let mut open = vec!["/".to_owned()];
    while let Some(path) = open.pop() {
        let answer = browser.get(&path).await;
        assert!(
            answer.status.is_success() || answer.status.is_redirection(),
            "{path}: {} {}",
            answer.status,
            answer.body
        );
        let links = answer
            .body
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split(['"', '#']).next())
            .chain([answer.header("location")])
            .filter(|link| link.starts_with('/') && !link.starts_with("/static/"))
            .map(|link| link.replace("&#38;", "&").replace("&amp;", "&"));
        for link in links {
            if seen.insert(link.clone()) {
                open.push(link);
            }
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_form_of_another_site_changes_nothing(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = site
        .browser(site.ada)
        .await
        .with("sec-fetch-site", "cross-site");
    let answer = browser.post("/theme", &[("theme", "dark")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.body.contains("sent from another site"),
        "{}",
        answer.body
    );
    assert!(
        browser
            .get("/account")
            .await
            .body
            .contains(r#"data-bs-theme="auto""#)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_theme_is_kept_and_leads_back_to_the_page(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = site.browser(site.ada).await;
    for theme in Theme::ALL {
        let back = "/t/acme/github?show=attention";
        let answer = browser
            .post("/theme", &[("theme", theme.as_str()), ("back", back)])
            .await;
        assert_eq!(answer.header("location"), back);
        let shown = match theme {
            Theme::System => "auto",
            theme => theme.as_str(),
        };
        let page = browser.get("/account").await.body;
        assert!(
            page.contains(&format!("data-bs-theme=\"{shown}\"")),
            "{page}"
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_is_sent_to_sign_in_comes_back_to_the_page(pool: PgPool) {
    let site = Site::new(&pool).await;
    let answer = site.nobody().get("/t/acme/plans?after=x").await;
    assert_eq!(
        answer.header("location"),
        "/login?next=%2Ft%2Facme%2Fplans%3Fafter%3Dx"
    );
    let mut in_place = site
        .nobody()
        .with("hx-request", "true")
        .with("hx-current-url", "https://example.com/t/acme/plans");
    let answer = in_place.post("/t/acme/plans/new", &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        answer.header("hx-redirect"),
        "/login?next=%2Ft%2Facme%2Fplans"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_went_wrong_is_said_in_place_or_on_a_page(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = site.browser(site.ada).await;
    let page = browser.get("/t/acme/nothing").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.body.contains("Page not found") && page.body.contains("/t/acme/plans"));
    let sentence = browser
        .with("hx-request", "true")
        .get("/t/acme/nothing")
        .await;
    assert_eq!(sentence.body, "Page not found.");
    let nobodys: Browser = site.nobody();
    let page = { nobodys }.get("/nothing").await;
    assert!(!page.body.contains("acme"), "{}", page.body);
}
