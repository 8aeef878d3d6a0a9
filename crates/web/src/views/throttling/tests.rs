use chrono::TimeDelta;
use domain::exchange::Exchange;
use domain::{BucketKey, CredentialId, Resource, RunId, Subject, TenantId, WorkerId};
use http::StatusCode;
use sqlx::PgPool;
use store::{BucketEvent, BucketEventKind, ForecastRow, Settlement, SpendingRow};

use super::*;
use crate::samples::task;
use crate::samples::{Browser, Site, noon};

struct Scene {
    site: Site,
    worker: WorkerId,
    run: RunId,
    credential: CredentialId,
    browser: Browser,
}

fn key(user: i64) -> BucketKey {
    BucketKey {
        host: "github.com".to_owned(),
        subject: Subject::User(user),
    }
}

async fn scene(pool: &PgPool) -> Scene {
    let site = Site::new(pool).await;
    let worker = WorkerId::new();
    site.db
        .fleet()
        .register_worker(worker, "host")
        .await
        .unwrap();
    let work = task::listed(&site, worker, 3).await;
    let scoped = site.db.tenant(site.acme);
    let credential = scoped.credentials(work.organization).await.unwrap()[0].id;
    let browser = site.browser(site.ada).await;
    Scene {
        site,
        worker,
        run: work.run,
        credential,
        browser,
    }
}

impl Scene {
    async fn tell(&self, remaining: u32, backoff: Option<&str>) {
        let row = Exchange {
            key: key(1),
            resource: Resource::core(),
            reading: Some(domain::Reading {
                limit: 5_000,
                remaining,
                reset_at: noon() + TimeDelta::minutes(30),
            }),
            spent: 0,
            want: 0,
            reserve_percent: 10,
            backoff: backoff.map(|reason| (noon() + TimeDelta::minutes(2), reason.to_owned())),
            returned: false,
        };
        let fleet = self.site.db.fleet();
        fleet.exchange(self.worker, &[row]).await.unwrap();
    }

    async fn spend(&self, tenant: TenantId, run: RunId, credential: CredentialId, requests: u64) {
        let row = SpendingRow {
            tenant,
            run,
            credential,
            key: key(1),
            resource: Resource::core(),
            at: noon(),
            requests,
            refused: 0,
            waits: 0,
        };
        let fleet = self.site.db.fleet();
        fleet.add_history(&[row], &[]).await.unwrap();
    }

    async fn page(&mut self) -> String {
        let page = self.browser.get("/t/acme/throttling").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        page.body
    }
}

fn has(body: &str, parts: &[&str]) {
    for part in parts {
        assert!(body.contains(part), "no {part}: {body}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_page_says_what_is_left_who_spends_it_and_who_goes_next(pool: PgPool) {
    let mut scene = scene(&pool).await;
    scene.tell(4_000, None).await;
    let (acme, run, credential) = (scene.site.acme, scene.run, scene.credential);
    scene.spend(acme, run, credential, 120).await;
    let body = scene.page().await;
    has(
        &body,
        &[
            "<noscript><meta http-equiv=\"refresh\"",
            "sse-connect=\"/t/acme/events/throttling\"",
            "aria-valuetext=\"4,000 of 5,000\"",
            "500 kept in reserve",
            "12:30:00<span class=\"sub d-block\">in 30 min</span>",
            "In use",
            "nightly</a> <span class=\"num\">120</span>",
            "3,500 of 5,000 left to spend, resets 12:30:00. It is the only one that can go.",
            "0 of 3 repositories",
            "No limit has been reached yet",
        ],
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_bucket_that_stands_still_says_why_and_that_nobody_goes(pool: PgPool) {
    let mut scene = scene(&pool).await;
    scene.tell(4_000, Some("<b>secondary</b> limit")).await;
    let body = scene.page().await;
    has(
        &body,
        &[
            "Backing off until 12:02:00",
            "&#60;b&#62;secondary&#60;/b&#62; limit",
            "The first is free again at 12:02:00",
        ],
    );
    assert!(!body.contains("<b>secondary"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_over_is_said_to_be_over(pool: PgPool) {
    let mut scene = scene(&pool).await;
    let spent = BucketEvent {
        key: key(1),
        resource: Some(Resource::core()),
        at: noon(),
        kind: BucketEventKind::Spent {
            until: noon() + TimeDelta::minutes(1),
        },
    };
    let fleet = scene.site.db.fleet();
    fleet.add_history(&[], &[spent]).await.unwrap();
    let during = scene.page().await;
    has(
        &during,
        &["main has nothing left to spend until its window ends at 12:01:00."],
    );
    assert!(!during.contains("Free again"));
    scene.site.clock.advance(TimeDelta::minutes(2));
    has(&scene.page().await, &["Free again", "main can go again"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_tenant_on_the_same_bucket_is_others_without_a_name(pool: PgPool) {
    let mut scene = scene(&pool).await;
    scene.tell(4_000, None).await;
    let (acme, run, credential) = (scene.site.acme, scene.run, scene.credential);
    scene.spend(acme, run, credential, 120).await;
    // The same user's token in another tenant.
    let fleet = scene.site.db.fleet();
    let other = fleet.tenants().await.unwrap();
    let other = other.iter().find(|one| one.id != acme).unwrap().id;
    let theirs = Site {
        acme: other,
        db: scene.site.db.clone(),
        sealer: Arc::clone(&scene.site.sealer),
        clock: scene.site.clock.clone(),
        ada: scene.site.ada,
        router: scene.site.router.clone(),
    };
    let work = task::listed(&theirs, scene.worker, 9).await;
    let scoped = theirs.db.tenant(other);
    let theirs_credential = scoped.credentials(work.organization).await.unwrap()[0].id;
    scene.spend(other, work.run, theirs_credential, 30).await;

    let body = scene.page().await;
    has(
        &body,
        &[
            "Others <span class=\"num\">30</span>",
            "30 of them by others",
        ],
    );
    assert!(!body.contains(&work.run.to_string()), "{body}");

    let eve = scene.site.eve().await;
    let mut eve = scene.site.browser(eve).await;
    let stranger = eve.get("/t/acme/throttling").await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND);
    let stranger = eve.get("/t/acme/events/throttling").await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_not_there_is_not_found(pool: PgPool) {
    let mut scene = scene(&pool).await;
    let gone = OrganizationId::new();
    for (query, status) in [
        (format!("organization={gone}"), StatusCode::NOT_FOUND),
        ("organization=x".to_owned(), StatusCode::BAD_REQUEST),
        ("from=x".to_owned(), StatusCode::BAD_REQUEST),
        ("from=400".to_owned(), StatusCode::OK),
    ] {
        let page = scene
            .browser
            .get(&format!("/t/acme/throttling?{query}"))
            .await;
        assert_eq!(page.status, status, "{query}: {}", page.body);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_past_of_a_bucket_is_drawn_and_told_in_a_table(pool: PgPool) {
    let mut scene = scene(&pool).await;
    let path = format!("/t/acme/throttling/{}", scene.credential);
    let empty = scene.browser.get(&path).await;
    has(&empty.body, &["No requests in this time."]);
    scene.tell(4_000, None).await;
    let (acme, run, credential) = (scene.site.acme, scene.run, scene.credential);
    scene.spend(acme, run, credential, 120).await;
    let fleet = scene.site.db.fleet();
    fleet.note_standings().await.unwrap();
    scene.site.clock.advance(TimeDelta::minutes(40));
    fleet.tend_history().await.unwrap();
    let day = scene.browser.get(&path).await;
    has(
        &day.body,
        &[
            "<desc id=\"left-says\">120 requests by your tasks, 0 by others, 0 refused. At the least 4,000 of 5,000 were left.",
            "Requests spent by the minute, the last 24 hours",
            "<path class=\"p-reset\" d=\"M1430 208V220\"/>",
            "2 Mar 12:00</th><td class=\"r\">120</td>",
            "Reserve, 10 %",
        ],
    );
    let quarter = scene.browser.get(&format!("{path}?span=quarter")).await;
    has(
        &quarter.body,
        &[
            "by the hour, the last 90 days",
            "2 Mar 2026</th><td class=\"r\">120</td>",
        ],
    );
    let wrong = scene.browser.get(&format!("{path}?span=year")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let eve = scene.site.eve().await;
    let mut eve = scene.site.browser(eve).await;
    let path = format!("/t/other/throttling/{}", scene.credential);
    assert_eq!(eve.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_end_is_foretold_and_compared_with_what_came(pool: PgPool) {
    let mut scene = scene(&pool).await;
    scene.tell(4_000, None).await;
    let row = ForecastRow {
        tenant: scene.site.acme,
        run: scene.run,
        spent: 10,
        left: 30,
        active_s: 20.0,
        ends_at: Some(noon() + TimeDelta::minutes(9)),
    };
    let fleet = scene.site.db.fleet();
    fleet.put_forecasts(&[row]).await.unwrap();
    let body = scene.page().await;
    has(
        &body,
        &[
            "12:09 <small>in 9 min 00 s</small>",
            "30 requests to go",
            "Ends 12:09:00 in 9 min",
            "Main credentials<span class=\"sub d-block\">in 9 min</span>",
        ],
    );
    let task = format!("/t/acme/tasks/{}", scene.run);
    let open = scene.browser.get(&task).await;
    has(
        &open.body,
        &["Expected end</dt><dd class=\"num\">12:09:00 in 9 min"],
    );

    scene.site.clock.advance(TimeDelta::minutes(10));
    for digit in ['a', 'b', 'c'] {
        let claim = fleet
            .claim_fetch(scene.worker, scene.site.clock.now())
            .await;
        let stored = Settlement::Stored(Box::new(task::stored(digit)));
        fleet
            .settle_fetch(&claim.unwrap().unwrap(), stored)
            .await
            .unwrap();
    }
    let ended = scene.browser.get(&task).await;
    has(
        &ended.body,
        &[
            "Foretold were 40 requests, it took 0, 100 % fewer.",
            "The end was foretold for 12:09:00 and came 1 min 00 s later, 10 % of the way.",
        ],
    );
    let scoped = scene.site.db.tenant(scene.site.acme);
    let plan = scoped.run(scene.run).await.unwrap().unwrap().plan;
    let path = format!("/t/acme/plans/{plan}/edit/advanced");
    let advanced = scene.browser.get(&path).await;
    has(
        &advanced.body,
        &["The next run is expected to take 10 requests</strong>, as many as its last run."],
    );
}
