use domain::MemberRole;
use http::StatusCode;
use sqlx::PgPool;

use crate::samples::{Browser, Site};
use crate::views::github::tests::{add, organization, scoped};

async fn admin(site: &Site) -> Browser {
    let person = site.member(MemberRole::Admin).await;
    site.browser(person).await
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_value_goes_in_and_never_comes_out(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = admin(&site).await;
    let empty = browser.get("/t/acme/passwords").await.body;
    assert!(empty.contains("No passwords yet"), "{empty}");
    let fields = [
        ("kind", "token"),
        ("name", "<b>bot</b> PAT"),
        ("description", "nightly & more"),
        ("secret", "ghp_secret"),
        ("once", "1"),
    ];
    for _ in 0..2 {
        let added = browser.post("/t/acme/passwords/new", &fields).await;
        assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    }
    let entries = scoped(&site).entries(None, 9).await.unwrap();
    assert_eq!(entries.len(), 1, "sent twice, kept once");
    let page = browser.get("/t/acme/passwords").await.body;
    assert!(
        page.contains("Not used") && page.contains("nightly"),
        "{page}"
    );
    assert!(
        !page.contains("<b>bot") && !page.contains("ghp_secret"),
        "{page}"
    );
    for rest in ["edit", "replace", "remove"] {
        let path = format!("/t/acme/passwords/{}/{rest}", entries[0].id);
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("ghp_secret"));
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn each_mistake_is_said_at_its_field(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = admin(&site).await;
    let taken = [("kind", "access_key"), ("name", "key"), ("secret", "s3")];
    browser.post("/t/acme/passwords/new", &taken).await;
    let long = "x".repeat(10_000);
    for (field, value, sentence) in [
        ("kind", "password", "Choose what kind"),
        ("name", "", "Give it a name"),
        ("name", "key", "There is an entry called"),
        ("name", &long, "use at most 120"),
        ("name", "a\u{7}b", "cannot be seen"),
        ("description", &long, "use at most 500"),
        ("secret", "", "Enter a token"),
        ("secret", "github_pat_11ABC", "fine-grained"),
        ("secret", "ghp_a\nb", "line break"),
    ] {
        let mut fields = vec![
            ("kind", "token"),
            ("name", "bot"),
            ("description", ""),
            ("secret", "ghp_planted"),
        ];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let answer = browser.post("/t/acme/passwords/new", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(
            answer.body.contains(sentence),
            "{sentence}: {}",
            answer.body
        );
        assert!(!answer.body.contains("ghp_planted") && !answer.body.contains("11ABC"));
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_in_use_is_not_removed_and_is_tried_before_it_is_replaced(pool: PgPool) {
    let site = Site::new(&pool).await;
    let octo = organization(&site).await;
    add(&site, octo, "bot", 7).await;
    let mut browser = admin(&site).await;
    let page = browser.get("/t/acme/passwords").await.body;
    assert!(page.contains("the credential bot of octo"), "{page}");
    assert!(
        page.contains("bot on github.com expires in 9 days."),
        "{page}"
    );
    let credentials = scoped(&site).credentials(octo).await.unwrap();
    let entry = credentials[1].source.entry().unwrap();
    let remove = format!("/t/acme/passwords/{entry}/remove");
    let page = browser.get(&remove).await.body;
    assert!(
        page.contains("It cannot be removed while it is in use."),
        "{page}"
    );
    let refused = browser.post(&remove, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .body
            .contains("is in use by the credential bot of octo")
    );

    let replace = format!("/t/acme/passwords/{entry}/replace");
    let bad = browser
        .post(&replace, &[("secret", "github_pat_11ABC")])
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let asked = browser.post(&replace, &[("secret", "ghp_newer")]).await;
    assert!(
        asked.header("location").starts_with("/t/acme/checks/"),
        "{}",
        asked.body
    );
    let old = scoped(&site)
        .open_secret(&site.sealer, entry)
        .await
        .unwrap();
    assert_eq!(old.expose(), "ghp_bot", "not before it was tried");
    let page = browser.get(asked.header("location")).await.body;
    assert!(
        page.contains("Replace token") && !page.contains("ghp_newer"),
        "{page}"
    );

    let edit = format!("/t/acme/passwords/{entry}/edit");
    let saved = browser
        .post(&edit, &[("name", "bot PAT"), ("description", "x")])
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let eve = site.eve().await;
    let mut stranger = site.browser(eve).await;
    let foreign = edit.replace("/t/acme/", "/t/other/");
    assert_eq!(stranger.get(&foreign).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_nothing_uses_is_replaced_and_removed_at_once(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = admin(&site).await;
    let fields = [("kind", "access_key"), ("name", "key"), ("secret", "old")];
    browser.post("/t/acme/passwords/new", &fields).await;
    let id = scoped(&site).entries(None, 9).await.unwrap()[0].id;
    let replace = format!("/t/acme/passwords/{id}/replace");
    let done = browser.post(&replace, &[("secret", "new")]).await;
    assert_eq!(done.header("location"), "/t/acme/passwords");
    let value = scoped(&site).open_secret(&site.sealer, id).await.unwrap();
    assert_eq!(value.expose(), "new");
    let remove = format!("/t/acme/passwords/{id}/remove");
    for _ in 0..2 {
        let gone = browser.post(&remove, &[]).await;
        assert_eq!(gone.status, StatusCode::SEE_OTHER);
    }
    let page = browser.get("/t/acme/passwords").await.body;
    assert!(page.contains("was removed already"), "{page}");
}
