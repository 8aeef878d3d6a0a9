use domain::MemberRole;
use http::StatusCode;
use sqlx::PgPool;
use store::{Act, Actor};
use uuid::Uuid;

use crate::samples::Site;

async fn record(site: &Site, name: &str) {
    let actor = Actor {
        person: Some(site.ada),
        name: "ada".to_owned(),
        address: Some([192, 0, 2, 7].into()),
    };
    let act = Act {
        action: "plan.edit",
        subject: ("plan", Uuid::now_v7(), name),
        before: Some(serde_json::json!({ "storage": "=cmd()" })),
        after: Some(serde_json::json!({ "storage": "disk" })),
    };
    let scoped = site.db.tenant(site.acme).acting(actor);
    scoped.record(act).await.unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_entry_shows_who_did_what_and_what_changed(pool: PgPool) {
    let site = Site::new(&pool).await;
    record(&site, "nightly").await;
    let auditor = site.member(MemberRole::Auditor).await;
    let mut browser = site.browser(auditor).await;
    let page = browser.get("/t/acme/audit?q=NIGHTLY").await.body;
    for shown in [
        "plan: edit",
        "192.0.2.7",
        "<del>=cmd()</del>",
        "<ins>disk</ins>",
        "nightly",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let nothing = browser.get("/t/acme/audit?q=payrol").await.body;
    assert!(nothing.contains("Nothing matches"), "{nothing}");
    let day = browser
        .get("/t/acme/audit?action=plan.edit&from=2026-03-02&until=2026-03-02")
        .await
        .body;
    assert!(day.contains("nightly"), "{day}");
    let later = browser
        .get("/t/acme/audit?action=plan.edit&from=2026-03-03")
        .await
        .body;
    assert!(!later.contains("nightly"), "{later}");
    let wrong = browser.get("/t/acme/audit?from=yesterday").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("Write a day like"), "{}", wrong.body);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_entry_is_on_one_page(pool: PgPool) {
    let site = Site::new(&pool).await;
    for index in 0..120 {
        record(&site, &format!("plan-{index:03}.")).await;
    }
    let mut ada = site.browser(site.ada).await;
    let mut path = "/t/acme/audit?action=plan.edit".to_owned();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = ada.get(&path).await.body;
        let entries = page
            .split(">plan-")
            .skip(1)
            .map(|rest| rest.split('.').next().unwrap().to_owned());
        seen.extend(entries);
        path = page
            .split("href=\"")
            .filter_map(|rest| rest.split('"').next())
            .find(|link| link.contains("before="))
            .unwrap_or_default()
            .replace("&#38;", "&");
    }
    assert_eq!(path, "", "the third page is the last");
    assert_eq!(seen.len(), 120);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 120);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_export_holds_everything_and_is_an_entry_itself(pool: PgPool) {
    let site = Site::new(&pool).await;
    for index in 0..520 {
        record(&site, &format!("plan-{index}")).await;
    }
    site.clock.advance(chrono::TimeDelta::seconds(1));
    let mut ada = site.browser(site.ada).await;
    let lines = ada.get("/t/acme/audit/export.jsonl?action=plan.edit").await;
    let entries: Vec<serde_json::Value> = lines
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 520);
    assert_eq!(entries[0]["address"], "192.0.2.7");
    assert_eq!(entries[0]["after"]["storage"], "disk");

    let table = ada.get("/t/acme/audit/export.csv?action=plan.edit").await;
    assert!(
        table
            .header("content-disposition")
            .contains("audit-acme-2026-03-02.csv")
    );
    let mut reader = csv::Reader::from_reader(table.body.as_bytes());
    assert_eq!(reader.records().map(Result::unwrap).count(), 520);

    let log = ada.get("/t/acme/audit?action=audit.export").await.body;
    assert_eq!(log.matches("audit: export").count() - 1, 2, "{log}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_name_is_no_formula_in_a_table(pool: PgPool) {
    let site = Site::new(&pool).await;
    record(&site, "=HYPERLINK(\"http://x\")").await;
    site.clock.advance(chrono::TimeDelta::seconds(1));
    let mut ada = site.browser(site.ada).await;
    let table = ada.get("/t/acme/audit/export.csv?action=plan.edit").await;
    assert!(table.body.contains("'=HYPERLINK"), "{}", table.body);
    assert!(!table.body.contains(",\"=HYPERLINK"), "{}", table.body);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_tenants_log_is_not_exported(pool: PgPool) {
    let site = Site::new(&pool).await;
    record(&site, "nightly").await;
    site.clock.advance(chrono::TimeDelta::seconds(1));
    let mut eve = site.browser(site.eve().await).await;
    let theirs = eve.get("/t/other/audit/export.jsonl").await.body;
    assert!(!theirs.contains("nightly"), "{theirs}");
    for path in ["audit", "audit/export.csv", "audit/export.jsonl"] {
        let refused = eve.get(&format!("/t/acme/{path}")).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_runs_the_installation_reads_its_log_and_no_tenants(pool: PgPool) {
    let site = Site::new(&pool).await;
    record(&site, "nightly").await;
    let mut browser = site.browser(site.ada).await;
    let add = [("name", "globex"), ("email", "hank@example.com")];
    let added = browser.post("/tenants/new", &add).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.body);
    let page = browser.get("/audit?q=globex").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("tenant: add"), "{}", page.body);
    let all = browser.get("/audit").await.body;
    assert!(!all.contains("nightly"), "{all}");
    // What comes in while a file is written is not in it.
    site.clock.advance(chrono::TimeDelta::seconds(1));
    let file = browser.get("/audit/export.jsonl").await.body;
    assert!(file.contains("globex"), "{file}");
    assert!(!file.contains("nightly"), "{file}");
    let again = browser.get("/audit?action=audit.export").await.body;
    assert!(again.contains("audit: export"), "{again}");
    let owner = site.member(MemberRole::Owner).await;
    let refused = site.browser(owner).await.get("/audit").await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}
