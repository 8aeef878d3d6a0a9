use domain::{MemberRole, WorkerId};
use http::StatusCode;
use sqlx::PgPool;
use store::Settlement;

use crate::samples::task::{self, Work};
use crate::samples::{Browser, Site};

struct Scene {
    site: Site,
    browser: Browser,
    work: Work,
    worker: WorkerId,
}

/// A task of two repositories that has begun, and its owner's browser.
async fn scene(pool: &PgPool) -> Scene {
    let site = Site::new(pool).await;
    let worker = WorkerId::new();
    site.db
        .fleet()
        .register_worker(worker, "host")
        .await
        .unwrap();
    let work = task::listed(&site, worker, 2).await;
    let browser = site.browser(site.ada).await;
    Scene {
        site,
        browser,
        work,
        worker,
    }
}

impl Scene {
    fn task(&self, rest: &str) -> String {
        format!("/t/acme/tasks/{}{rest}", self.work.run)
    }

    async fn settle(&self, settlement: Settlement) {
        let fleet = self.site.db.fleet();
        let claim = fleet
            .claim_fetch(self.worker, self.site.clock.now())
            .await
            .unwrap()
            .unwrap();
        fleet.settle_fetch(&claim, settlement).await.unwrap();
    }

    async fn fail(&self) {
        let cause = "<b>The host</b> does not answer.".to_owned();
        self.settle(Settlement::Failed { cause }).await;
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_running_task_refreshes_itself_and_is_live(pool: PgPool) {
    let mut scene = scene(&pool).await;
    scene.fail().await;
    let path = scene.task("");
    let page = scene.browser.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in [
        "<noscript><meta http-equiv=\"refresh\"",
        &format!("sse-connect=\"/t/acme/events/tasks/{}\"", scene.work.run),
        "1 of 2",
        "&#60;b&#62;The host&#60;/b&#62; does not answer.",
        "Cancel task",
        "octo/repository-1",
    ] {
        assert!(page.body.contains(part), "no {part}: {}", page.body);
    }
    assert!(!page.body.contains("Run again"));

    scene
        .settle(Settlement::Stored(Box::new(task::stored('a'))))
        .await;
    let page = scene.browser.get(&path).await;
    assert!(!page.body.contains("http-equiv=\"refresh\"") && !page.body.contains("sse-connect"));
    assert!(page.body.contains("Run again") && page.body.contains("Run failed ones again"));
    let list = scene.browser.get("/t/acme/tasks?state=failed").await;
    assert!(list.body.contains("1 failed"), "{}", list.body);
    let none = scene.browser.get("/t/acme/tasks?state=cancelled").await;
    assert!(none.body.contains("No such task."), "{}", none.body);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn cancelling_is_asked_about_and_says_what_stays(pool: PgPool) {
    let mut scene = scene(&pool).await;
    scene
        .settle(Settlement::Stored(Box::new(task::stored('a'))))
        .await;
    let (ask, task) = (scene.task("/cancel"), scene.task(""));
    let question = scene.browser.get(&ask).await;
    for part in ["1 snapshot stored by this task stays", "Keep running"] {
        assert!(question.body.contains(part), "no {part}: {}", question.body);
    }
    let done = scene.browser.post(&ask, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(done.header("location"), task);
    let page = scene.browser.get(&task).await;
    assert!(page.body.contains("Cancelled"), "{}", page.body);
    assert!(
        page.body.contains("ada cancelled the task"),
        "{}",
        page.body
    );
    let again = scene.browser.get(&ask).await;
    assert_eq!(again.header("location"), task, "it has ended already");
    let twice = scene.browser.post(&ask, &[]).await;
    assert_eq!(twice.status, StatusCode::SEE_OTHER);
    let log = scene.browser.get(&scene.task("/log")).await;
    let line = log.body.lines().nth(1).unwrap();
    assert!(line.starts_with("2026-03-02T12:00:00Z Listing"), "{line}");
    assert!(
        log.header("content-disposition")
            .starts_with("attachment; filename=\"nightly 2026-03-02 1200.log\""),
        "{log:?}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_person_runs_a_plan_and_its_failures_again(pool: PgPool) {
    let mut scene = scene(&pool).await;
    let path = scene.task("/again-failed");
    let early = scene.browser.post(&path, &[]).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "it is open still");
    scene.fail().await;
    scene.fail().await;
    let again = scene.browser.post(&path, &[]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let page = again.header("location").to_owned();
    let shown = scene.browser.get(&page).await;
    assert!(
        shown.body.contains("asked for by ada") && shown.body.contains("an earlier task"),
        "{}",
        shown.body
    );
    let twice = scene.browser.post(&path, &[]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(twice.body.contains("is under way"), "{}", twice.body);
    // Asking for the whole plan widens what has not begun.
    let whole = scene.browser.post(&scene.task("/again"), &[]).await;
    assert_eq!(whole.header("location"), page);
    let notes: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM audit WHERE action = 'task.request' AND person_name = 'ada'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(notes, 2);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_auditor_sees_everything_and_changes_nothing(pool: PgPool) {
    let scene = scene(&pool).await;
    let auditor = scene.site.member(MemberRole::Auditor).await;
    let mut browser = scene.site.browser(auditor).await;
    let page = browser.get(&scene.task("")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("Cancel task"), "{}", page.body);
    for path in ["/cancel", "/again", "/again-failed"] {
        let refused = browser.post(&scene.task(path), &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_cannot_be_understood_is_refused_with_a_sentence(pool: PgPool) {
    let mut scene = scene(&pool).await;
    let long = "x".repeat(201);
    for (path, status) in [
        ("/t/acme/tasks?state=everything".to_owned(), 400),
        ("/t/acme/tasks?plan=1".to_owned(), 400),
        ("/t/acme/tasks?after=yesterday".to_owned(), 400),
        ("/t/acme/tasks/1".to_owned(), 404),
        (scene.task("?state=odd"), 400),
        (scene.task("?after=1"), 400),
        (scene.task(&format!("?q={long}")), 400),
        (scene.task("?q=%00%27%3B--"), 200),
        ("/t/acme/snapshots?until=never".to_owned(), 400),
        ("/t/acme/snapshots?organization=x".to_owned(), 400),
        (format!("/t/acme/snapshots?q={long}"), 400),
        ("/t/acme/snapshots?q=%3Cscript%3E".to_owned(), 200),
    ] {
        let answer = scene.browser.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        assert!(!answer.body.contains("<script>"), "{path}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_snapshot_shows_what_it_holds_and_how_to_bring_it_back(pool: PgPool) {
    let mut scene = scene(&pool).await;
    scene
        .settle(Settlement::Stored(Box::new(task::stored('a'))))
        .await;
    let organization = scene.work.organization;
    let list = scene
        .browser
        .get(&format!(
            "/t/acme/snapshots?organization={organization}&q=REPOSITORY-1&until=2026-03-02"
        ))
        .await;
    let from = list.body.find("/t/acme/snapshots/0").expect("one snapshot");
    let page = list.body[from..].split('"').next().unwrap().to_owned();
    let shown = scene.browser.get(&page).await;
    for part in [
        "Git bundle",
        "Whole snapshot (tar)",
        "holdfast --tenant acme restore aaaaaaaa --to DIR",
        "Everything that was asked for",
    ] {
        assert!(shown.body.contains(part), "no {part}: {}", shown.body);
    }
    // Nobody has lent this process a look into storages: a sentence, not a fault.
    let files = scene.browser.get(&format!("{page}/files")).await;
    assert_eq!(files.status, StatusCode::OK);
    assert!(files.body.contains("does not look into storages"));
    let none = scene
        .browser
        .get("/t/acme/snapshots?until=2026-03-01")
        .await;
    assert!(none.body.contains("No such snapshot."), "{}", none.body);

    let operator = scene.site.member(MemberRole::Operator).await;
    let mut operator = scene.site.browser(operator).await;
    let shown = operator.get(&page).await;
    assert!(!shown.body.contains("Git bundle"), "{}", shown.body);
    let refused = operator.get(&format!("{page}/download?part=git")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
