use domain::{
    BucketKey, CredentialId, CredentialKind, ForgeKind, Host, MemberRole, OrganizationId, PlanId,
    Role, Secret, Selection, Subject,
};
use http::StatusCode;
use sqlx::PgPool;
use store::{
    Account, ListedRepository, NewCredential, NewOrganization, NewStorage, Plan, Scoped,
    TokenSource,
};

use crate::samples::{Answer, Browser, Site};

fn credential(name: &str, role: Role, user: i64) -> NewCredential {
    NewCredential {
        name: name.parse().unwrap(),
        login: name.to_owned(),
        role,
        kind: CredentialKind::AccessToken,
        bucket: BucketKey {
            host: "github.com".to_owned(),
            subject: Subject::User(user),
        },
        reserve_percent: 10,
        token: TokenSource::New(Secret::new(format!("ghp_{name}"))),
        scopes: None,
        expires_at: None,
    }
}

/// `acme` with an organization, an additional account and a storage.
struct Acme {
    site: Site,
    scoped: Scoped,
    bot: CredentialId,
}

impl Acme {
    async fn new(pool: &PgPool) -> Self {
        let site = Site::new(pool).await;
        let scoped = site.db.tenant(site.acme);
        let organization = add_organization(&site, &scoped).await;
        let bot = scoped
            .add_credential(
                &site.sealer,
                organization,
                credential("bot", Role::Additional, 2),
            )
            .await
            .unwrap();
        let storage = NewStorage {
            name: "disk".parse().unwrap(),
            location: serde_json::json!({ "kind": "local", "path": "/srv/backups" }),
            secret: None,
        };
        scoped.add_storage(&site.sealer, storage).await.unwrap();
        Self { site, scoped, bot }
    }

    async fn admin(&self) -> Browser {
        self.site.browser(self.site.ada).await
    }

    async fn plan(&self) -> Plan {
        self.scoped.plans().await.unwrap().remove(0)
    }

    /// Adds the plan "nightly" as a person does.
    async fn added(&self) -> Plan {
        let mut browser = self.admin().await;
        let answer = browser
            .post("/t/acme/plans/new", &[("name", "nightly"), ("go", "save")])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        self.plan().await
    }
}

async fn add_organization(site: &Site, scoped: &Scoped) -> OrganizationId {
    let new = NewOrganization {
        name: "octo".parse().unwrap(),
        host: Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
        accounts: vec![Account {
            login: "octo".to_owned(),
            forge_id: 9,
            is_organization: true,
        }],
    };
    scoped
        .add_organization(&site.sealer, new, credential("main", Role::Main, 1))
        .await
        .unwrap()
        .id
}

/// The value of a hidden field.
fn hidden<'a>(page: &'a Answer, name: &str) -> &'a str {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.body.split_once(&start).unwrap();
    rest.split_once('"').unwrap().0
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_account_is_switched_on_by_two_saves_without_a_script(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let mut browser = acme.admin().await;
    let list = browser.get("/t/acme/plans").await;
    assert!(list.body.contains("No backup plans yet"), "{}", list.body);

    let new = browser.get("/t/acme/plans/new").await;
    assert!(new.body.contains("Edit backup plan"), "{}", new.body);
    let draft = hidden(&new, "draft").to_owned();
    let typed = [("name", "nightly"), ("draft", draft.as_str())];
    let fields = [typed[0], typed[1], ("go", "advanced")];
    let answer = browser.post("/t/acme/plans/new", &fields).await;
    assert_eq!(answer.header("location"), "/t/acme/plans/new/advanced");

    let advanced = browser.get("/t/acme/plans/new/advanced").await;
    assert!(advanced.body.contains("Additional git credentials"));
    assert!(advanced.body.contains("Not used by any plan"));
    let bot = acme.bot.to_string();
    let fields = |part| {
        [
            ("additional_git_credentials", "on"),
            ("account", &*bot),
            ("pool_part", part),
            ("weight", "250"),
        ]
    };
    let answer = browser
        .post("/t/acme/plans/new/advanced", &fields("all"))
        .await;
    assert!(
        answer.body.contains("enter a whole number from 1 to 100"),
        "{}",
        answer.body
    );
    let answer = browser
        .post("/t/acme/plans/new/advanced", &fields("40"))
        .await;
    assert_eq!(answer.header("location"), "/t/acme/plans/new");

    let panel = browser.get("/t/acme/plans/new").await;
    assert!(panel.body.contains("value=\"nightly\""), "{}", panel.body);
    for part in ["On, 1 of 1 accounts. At most 40 %", "Weight 250"] {
        assert!(panel.body.contains(part), "{}", panel.body);
    }
    assert_eq!(acme.scoped.plans().await.unwrap(), []);

    let fields = [typed[0], typed[1], ("go", "save")];
    let first = browser.post("/t/acme/plans/new", &fields).await;
    assert_eq!(first.header("location"), "/t/acme/plans", "{}", first.body);
    let second = browser.post("/t/acme/plans/new", &fields).await;
    assert_eq!(second.header("location"), first.header("location"));
    let plans = acme.scoped.plans().await.unwrap();
    assert_eq!(plans.len(), 1);
    assert_eq!(plans[0].use_credentials, [acme.bot]);
    assert!(plans[0].additional_credentials);
    assert_eq!(plans[0].pool_part.percent(), 40);
    assert_eq!(plans[0].weight.to_string(), "250");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn switching_off_keeps_the_ticks(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    let mut browser = acme.admin().await;
    let edit = format!("/t/acme/plans/{}/edit", plan.id);
    let advanced = format!("{edit}/advanced");
    let bot = acme.bot.to_string();
    let (all, usual) = (("pool_part", "100"), ("weight", "100"));
    let on = [
        ("additional_git_credentials", "on"),
        ("account", &*bot),
        all,
        usual,
    ];
    browser.post(&advanced, &on).await;
    browser.post(&advanced, &[all, usual]).await;
    let page = browser.get(&advanced).await;
    let tick = format!("value=\"{bot}\" checked");
    assert!(page.body.contains(&tick), "{}", page.body);
    browser
        .post(&edit, &[("name", "nightly"), ("go", "save")])
        .await;
    let plan = acme.plan().await;
    assert!(!plan.additional_credentials);
    assert_eq!(plan.use_credentials, [acme.bot]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_not_saved_is_offered_again_until_it_is_discarded(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    let mut browser = acme.admin().await;
    let edit = format!("/t/acme/plans/{}/edit", plan.id);
    let fields = [("keep", "rule"), ("last", "7")];
    browser.post(&format!("{edit}/retention"), &fields).await;

    let list = browser.get("/t/acme/plans").await;
    assert!(list.body.contains("Changes of nightly are not saved yet"));
    let panel = browser.get(&edit).await;
    assert!(panel.body.contains("Keep the last 7"), "{}", panel.body);

    let mut other = acme
        .site
        .browser(acme.site.member(MemberRole::Admin).await)
        .await;
    let theirs = other.get(&edit).await;
    assert!(!theirs.body.contains("Keep the last 7"));

    browser.post(&edit, &[("go", "discard")]).await;
    let panel = browser.get(&edit).await;
    assert!(panel.body.contains("All snapshots, for ever"));
    assert!(acme.plan().await.retention.is_forever());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_second_of_two_admins_is_told_and_may_compare(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    let edit = format!("/t/acme/plans/{}/edit", plan.id);
    let mut ada = acme.admin().await;
    let mut ben = acme
        .site
        .browser(acme.site.member(MemberRole::Admin).await)
        .await;
    let seen = hidden(&ada.get(&edit).await, "version").to_owned();
    let rename = |name: &'static str| [("name", name), ("version", seen.as_str()), ("go", "save")];
    let first = ben.post(&edit, &rename("theirs")).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    acme.site.clock.advance(chrono::TimeDelta::minutes(2));

    let second = ada.post(&edit, &rename("mine")).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert!(
        second
            .body
            .contains("admin changed this plan 2 minutes ago."),
        "{}",
        second.body
    );
    assert!(second.body.contains("Your changes are not saved yet."));
    assert_eq!(acme.plan().await.name.as_str(), "theirs");

    let compare = ada.get(&format!("{edit}/compare")).await;
    assert!(compare.body.contains("<td>mine</td><td>theirs</td>"));
    let version = hidden(&compare, "version").to_owned();
    let fields = [("version", version.as_str()), ("go", "mine")];
    let saved = ada.post(&edit, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert_eq!(acme.plan().await.name.as_str(), "mine");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn taking_theirs_forgets_mine(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    let edit = format!("/t/acme/plans/{}/edit", plan.id);
    let mut ada = acme.admin().await;
    ada.post(&edit, &[("name", "mine"), ("go", "sources")])
        .await;
    let answer = ada.post(&edit, &[("go", "theirs")]).await;
    assert_eq!(answer.header("location"), edit);
    let panel = ada.get(&edit).await;
    assert!(panel.body.contains("value=\"nightly\""), "{}", panel.body);
}

/// Names and values of a form.
type Sent<'a> = &'a [(&'a str, &'a str)];

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn bad_input_stays_in_the_form_with_its_sentence(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    let mut browser = acme.admin().await;
    let edit = format!("/t/acme/plans/{}/edit", plan.id);
    let long = "x".repeat(10_000);
    let patterns = "[".repeat(300);
    let cases: [(&str, Sent<'_>, &str); 10] = [
        ("", &[("name", &long), ("go", "save")], "cannot be a name"),
        ("", &[("name", "<b>x</b>"), ("go", "save")], "&#60;b&#62;x"),
        ("", &[("name", "a\u{7}b"), ("go", "save")], "cannot be seen"),
        (
            "/schedule",
            &[("when", "cron"), ("cron", "0 0 30 2 *"), ("zone", "UTC")],
            "never fires",
        ),
        (
            "/schedule",
            &[("when", "nightly"), ("time", "02:30"), ("zone", "Mars/X")],
            "not a time zone",
        ),
        (
            "/schedule",
            &[("when", "nightly"), ("time", "25:00"), ("zone", "UTC")],
            "not a time of the day",
        ),
        (
            "/retention",
            &[("keep", "rule"), ("last", "0")],
            "a number from 1",
        ),
        ("/retention", &[("keep", "rule")], "at least one"),
        (
            "/sources",
            &[("select", "rules"), ("names", &patterns)],
            "1 to 200 characters",
        ),
        ("/storage", &[("storage", "x")], "one of the storages"),
    ];
    for (section, fields, word) in cases {
        let answer = browser.post(&format!("{edit}{section}"), fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{section}");
        assert!(answer.body.contains(word), "{word}: {}", answer.body);
        assert!(!answer.body.contains("<b>x</b>"));
    }
    assert_eq!(acme.plan().await, plan);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_next_times_are_shown_before_anything_is_saved(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    // Berlin's clocks go forward on 29 March 2026.
    acme.site.clock.advance(chrono::TimeDelta::days(25));
    let mut browser = acme.admin().await;
    let fields = [
        ("when", "nightly"),
        ("time", "02:30"),
        ("zone", "Europe/Berlin"),
        ("act", "preview"),
    ];
    let url = format!("/t/acme/plans/{}/edit/schedule", plan.id);
    let answer = browser.post(&url, &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.body.contains("Sun 29 Mar 2026, 03:00"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains("02:30 does not exist that day"));
    assert_eq!(answer.body.matches("rowitem").count(), 5);
    assert_eq!(acme.plan().await, plan);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_section_is_saved_with_the_plan(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    let mut browser = acme.admin().await;
    let edit = format!("/t/acme/plans/{}/edit", plan.id);
    let sections: [(&str, &[(&str, &str)]); 4] = [
        (
            "sources",
            &[
                ("select", "rules"),
                ("names", "web-*"),
                ("archived", "without"),
            ],
        ),
        ("content", &[("part", "wiki"), ("part", "issues")]),
        (
            "schedule",
            &[
                ("when", "weekly"),
                ("time", "02:30"),
                ("day", "Monday"),
                ("zone", "Europe/Berlin"),
                ("window", "90"),
            ],
        ),
        (
            "retention",
            &[("keep", "rule"), ("last", "3"), ("yearly", "1")],
        ),
    ];
    for (section, fields) in sections {
        let answer = browser.post(&format!("{edit}/{section}"), fields).await;
        assert_eq!(answer.header("location"), edit, "{section} {}", answer.body);
        let again = browser.get(&format!("{edit}/{section}")).await;
        assert_eq!(again.status, StatusCode::OK);
    }
    browser
        .post(&edit, &[("name", "weekly"), ("go", "save")])
        .await;
    let saved = acme.plan().await;
    assert_eq!(
        saved.selection.summary(),
        "Repositories that fit: named web-*; not archived"
    );
    assert_eq!(saved.content.summary(), "Code, wiki, issues");
    let schedule = saved.schedule.unwrap();
    assert_eq!(schedule.summary(), "Mondays at 02:30, Europe/Berlin");
    assert_eq!(schedule.window_minutes(), Some(90));
    assert_eq!(saved.retention.to_string(), "last=3,yearly=1");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn running_a_plan_leads_to_its_task_however_often_it_is_asked(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    let operator = acme.site.member(MemberRole::Operator).await;
    let mut browser = acme.site.browser(operator).await;
    let url = format!("/t/acme/plans/{}/tasks", plan.id);
    let first = browser.post(&url, &[]).await;
    let second = browser.post(&url, &[]).await;
    assert!(first.header("location").starts_with("/t/acme/tasks/"));
    assert_eq!(first.header("location"), second.header("location"));
    let edit = browser
        .get(&format!("/t/acme/plans/{}/edit", plan.id))
        .await;
    assert_eq!(edit.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_plan_is_paused_resumed_and_removed(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    let mut browser = acme.admin().await;
    let pause = format!("/t/acme/plans/{}/pause", plan.id);
    browser.post(&pause, &[("paused", "on")]).await;
    assert!(acme.plan().await.paused_at.is_some());
    browser.post(&pause, &[]).await;
    assert_eq!(acme.plan().await.paused_at, None);

    let remove = format!("/t/acme/plans/{}/remove", plan.id);
    let question = browser.get(&remove).await;
    assert!(question.body.contains("0 snapshots"), "{}", question.body);
    let answer = browser.post(&remove, &[]).await;
    assert_eq!(answer.header("location"), "/t/acme/plans");
    assert_eq!(acme.scoped.plans().await.unwrap(), []);
    let gone = browser.get(&remove).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_plan_of_another_tenant_does_not_exist(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    let mut eve = acme.site.browser(acme.site.eve().await).await;
    for path in ["edit", "edit/advanced", "edit/compare", "remove"] {
        let answer = eve.get(&format!("/t/other/plans/{}/{path}", plan.id)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let nobody = format!("/t/acme/plans/{}/edit", PlanId::new());
    let missing = acme.admin().await.get(&nobody).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn repositories_are_ticked_by_their_names(pool: PgPool) {
    let acme = Acme::new(&pool).await;
    let plan = acme.added().await;
    let listed = ["octo/web", "octo/api"].map(|name| ListedRepository {
        forge_id: i64::from(name.as_bytes()[5]),
        name: name.parse().unwrap(),
        listing: serde_json::json!({}),
    });
    let fleet = acme.site.db.fleet();
    fleet
        .upsert_repositories(acme.site.acme, plan.organization, &listed)
        .await
        .unwrap();
    let mut browser = acme.admin().await;
    let edit = format!("/t/acme/plans/{}/edit", plan.id);
    let form = browser.get(&format!("{edit}/sources")).await.body;
    for name in ["octo/web", "octo/api"] {
        let tick = format!("name=\"repository\" value=\"{name}\"");
        assert!(form.contains(&tick), "{form}");
    }
    let ticked = [("select", "chosen"), ("repository", "octo/api")];
    browser.post(&format!("{edit}/sources"), &ticked).await;
    browser
        .post(&edit, &[("name", "nightly"), ("go", "save")])
        .await;
    let Selection::Chosen(names) = acme.plan().await.selection else {
        panic!("{:?}", acme.plan().await.selection)
    };
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].to_string(), "octo/api");
}
