use sqlx::PgPool;

use crate::samples::Site;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_matches_nothing_is_said_and_written_as_text(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = site.browser(site.ada).await;
    let page = browser.get("/t/acme/search?q=%3Cb%3Epayrol%00").await.body;
    assert!(page.contains("Nothing matches"), "{page}");
    assert!(!page.contains("<b>payrol"), "{page}");
    let long = "x".repeat(10_000);
    let page = browser.get(&format!("/t/acme/search?q={long}")).await;
    assert!(page.status.is_success() && page.body.len() < 20_000);
    let empty = browser.get("/t/acme/search").await.body;
    assert!(!empty.contains("Nothing matches"), "{empty}");
}
