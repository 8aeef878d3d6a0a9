use chrono::TimeDelta;
use domain::check::Field;
use domain::exchange::Exchange;
use domain::{
    CheckId, CredentialId, CredentialKind, Findings, Health, MemberRole, Reading, Resource, Role,
    Secret, Step, WorkerId,
};
use http::StatusCode;
use sqlx::PgPool;
use store::{Accepted, Account, ClaimedCheck, NewCredential, NewOrganization, Scoped, TokenSource};

use super::*;
use crate::samples::{Answer, Browser, Site, noon};

/// A user name that no page may take for markup.
const MARKUP: &str = "<script>alert(1)</script>";

pub(crate) fn scoped(site: &Site) -> Scoped {
    site.db.tenant(site.acme)
}

fn credential(login: &str, role: Role, user: i64) -> NewCredential {
    NewCredential {
        name: login.parse().unwrap(),
        login: login.to_owned(),
        role,
        kind: CredentialKind::AccessToken,
        bucket: format!("github.com/user:{user}").parse().unwrap(),
        reserve_percent: 10,
        token: TokenSource::New(Secret::new(format!("ghp_{login}"))),
        scopes: Some(vec!["repo".to_owned()]),
        expires_at: Some(noon() + TimeDelta::days(9)),
    }
}

/// `octo` on github.com, with the main credential `main`.
pub(crate) async fn organization(site: &Site) -> OrganizationId {
    let new = NewOrganization {
        name: "octo".parse().unwrap(),
        host: domain::Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
        accounts: vec![Account {
            login: "octo".to_owned(),
            forge_id: 9,
            is_organization: true,
        }],
    };
    let main = credential("main", Role::Main, 1);
    scoped(site)
        .add_organization(&site.sealer, new, main)
        .await
        .unwrap()
        .id
}

pub(crate) async fn add(site: &Site, to: OrganizationId, login: &str, user: i64) -> CredentialId {
    let new = credential(login, Role::Additional, user);
    scoped(site)
        .add_credential(&site.sealer, to, new)
        .await
        .unwrap()
}

pub(crate) async fn worker(site: &Site) -> WorkerId {
    let worker = WorkerId::new();
    site.db
        .fleet()
        .register_worker(worker, "host")
        .await
        .unwrap();
    worker
}

async fn claim(site: &Site) -> ClaimedCheck {
    let worker = worker(site).await;
    site.db.fleet().claim_check(worker).await.unwrap().unwrap()
}

/// What a worker writes down when the host knows the token.
async fn accept(
    site: &Site,
    claim: &ClaimedCheck,
    organization: OrganizationId,
    twin: Option<&str>,
) {
    let token = site
        .db
        .fleet()
        .check_token(claim, &site.sealer)
        .await
        .unwrap();
    let accepted = Accepted::Added {
        organization,
        credential: Box::new(NewCredential {
            token: TokenSource::New(token),
            ..credential("bot", Role::Additional, 7)
        }),
    };
    let findings = Findings {
        user: "bot".to_owned(),
        scopes: Some(vec!["public_repo".to_owned()]),
        expires_at: Some(noon() + TimeDelta::days(9)),
        member_of: Some(vec!["octo".to_owned()]),
        sso_missing: Some(true),
        quota: vec![(
            Resource::core(),
            Reading {
                limit: 5_000,
                remaining: 4_998,
                reset_at: noon() + TimeDelta::minutes(41),
            },
        )],
        unlimited: false,
        same_user_as: twin.map(|name| name.parse().unwrap()),
        accounts: Vec::new(),
        roles: Vec::new(),
        installed: None,
        repositories: None,
    };
    site.db
        .fleet()
        .accept_check(claim, &site.sealer, accepted, &findings)
        .await
        .unwrap();
}

async fn admin(site: &Site) -> Browser {
    let person = site.member(MemberRole::Admin).await;
    site.browser(person).await
}

fn checked(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let location = answer.header("location").to_owned();
    assert!(location.starts_with("/t/acme/checks/"), "{location}");
    location
}

fn of(organization: OrganizationId, rest: &str) -> String {
    format!("/t/acme/github/{organization}/{rest}")
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_empty_tab_says_the_next_step(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = admin(&site).await;
    let page = browser.get("/t/acme/github").await.body;
    assert!(
        page.contains("Connect your first GitHub organization"),
        "{page}"
    );
    assert!(page.contains("/t/acme/github/new"));
    let other = browser.get("/t/acme/gitlab").await.body;
    assert!(
        other.contains("Connect your first GitLab organization"),
        "{other}"
    );
    assert!(other.contains("/t/acme/gitlab/new") && !other.contains("/t/acme/github/new"));
    let auditor = site.member(MemberRole::Auditor).await;
    let page = site.browser(auditor).await.get("/t/acme/github").await.body;
    assert!(
        !page.contains("/t/acme/github/new"),
        "an auditor cannot add"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_tile_shows_quota_from_the_database_and_what_needs_attention(pool: PgPool) {
    let site = Site::new(&pool).await;
    let octo = organization(&site).await;
    add(&site, octo, "bot", 7).await;
    let fleet = site.db.fleet();
    let row = |user: i64, remaining| Exchange {
        key: format!("github.com/user:{user}").parse().unwrap(),
        resource: Resource::core(),
        reading: Some(Reading {
            limit: 5_000,
            remaining,
            reset_at: noon() + TimeDelta::minutes(41),
        }),
        spent: 0,
        want: 0,
        reserve_percent: 10,
        backoff: None,
        returned: false,
    };
    let worker = worker(&site).await;
    fleet
        .exchange(worker, &[row(1, 1_940), row(7, 5_000)])
        .await
        .unwrap();
    let mut browser = admin(&site).await;
    let page = browser.get("/t/acme/github").await.body;
    for wanted in [
        "0 of 0 repositories",
        "6,940",
        "10,000",
        "1 added, 0 used by plans",
        "bot on octo is not used by any backup plan.",
        "Next reset 12:41",
        "expires in 9 days",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    let attention = browser.get("/t/acme/github?show=attention").await.body;
    assert!(attention.contains("1 added"), "{attention}");

    let edit = browser.get(&of(octo, "edit")).await.body;
    for label in [
        "Throttling prevention",
        "Manage credentials",
        "Main credentials",
    ] {
        assert!(edit.contains(label), "{label}: {edit}");
    }
    let manage = browser.get(&of(octo, "credentials")).await.body;
    for label in [
        "Add new",
        "Access Token",
        "GitHub App",
        "does not put them into backup tasks",
        "5,000 left",
    ] {
        assert!(manage.contains(label), "{label}: {manage}");
    }
    let part = site.browser(site.ada).await;
    let mut part = part
        .with("hx-request", "true")
        .with("hx-target", "panel-slot");
    let part = part.get(&of(octo, "credentials")).await.body;
    assert!(
        part.contains("Manage credentials") && !part.contains("<html"),
        "{part}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_token_is_tried_in_the_background_and_the_page_shows_how_it_goes(pool: PgPool) {
    let site = Site::new(&pool).await;
    let octo = organization(&site).await;
    let mut browser = admin(&site).await;
    let form = of(octo, "credentials/new/access-token");
    let page = browser.get(&form).await.body;
    assert!(page.contains("Use a dedicated backup user") && page.contains("token (classic)"));
    let fields = [
        ("username", "bot"),
        ("source", "new"),
        ("token", "ghp_secret"),
        ("reserve", "10"),
        ("once", "abc"),
    ];
    let address = checked(&browser.post(&form, &fields).await);
    assert_eq!(
        checked(&browser.post(&form, &fields).await),
        address,
        "sent twice, asked once"
    );

    let waiting = browser.get(&address).await;
    assert!(
        waiting.body.contains("Waiting for a worker"),
        "{}",
        waiting.body
    );
    assert!(waiting.body.contains("http-equiv=\"refresh\""));
    assert!(!waiting.body.contains("ghp_secret"));
    let claim = claim(&site).await;
    let fleet = site.db.fleet();
    fleet.check_step(&claim, Step::Owner).await.unwrap();
    let mut poll = browser.clone().with("hx-request", "true");
    let running = poll.get(&address).await;
    assert!(
        running
            .body
            .contains("Asking github.com who this token belongs to"),
        "{}",
        running.body
    );
    assert!(!running.body.contains("<html") && running.header("hx-refresh").is_empty());

    accept(&site, &claim, octo, Some("main")).await;
    assert_eq!(poll.get(&address).await.header("hx-refresh"), "true");
    let done = browser.get(&address).await.body;
    for wanted in [
        "bot is added.",
        "must",
        "adds access, not quota: same GitHub user as main",
        "The token belongs to bot",
        "It lacks the scope repo",
        "expires in 9 days",
        "single sign-on",
        "4,998 of 5,000 requests left, reset 12:41 UTC",
        "Enable it in a plan",
    ] {
        assert!(done.contains(wanted), "{wanted}: {done}");
    }
    assert!(!done.contains("http-equiv=\"refresh\""), "it is over");
    let auditors = scoped(&site)
        .audit(&store::AuditFilter::default(), None, 50)
        .await
        .unwrap();
    assert!(
        auditors
            .iter()
            .any(|one| one.action == "credential.add" && one.person_name == "admin")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_refused_token_brings_the_form_back_without_it(pool: PgPool) {
    let site = Site::new(&pool).await;
    let octo = organization(&site).await;
    let mut browser = admin(&site).await;
    let fields = [
        ("username", "bot"),
        ("source", "new"),
        ("token", "ghp_secret"),
        ("reserve", "35"),
    ];
    let form = of(octo, "credentials/new/access-token");
    let address = checked(&browser.post(&form, &fields).await);
    let claim = claim(&site).await;
    let refusal = domain::Refusal::new(Field::User, "The token belongs to eve, not to bot.");
    site.db
        .fleet()
        .refuse_check(&claim, &refusal, None)
        .await
        .unwrap();
    let page = browser.get(&address).await.body;
    assert!(page.contains("id=\"username-error\""), "{page}");
    assert!(page.contains("The token belongs to eve, not to bot."));
    assert!(
        page.contains("value=\"bot\"") && page.contains("value=\"35\""),
        "{page}"
    );
    assert!(page.contains(&format!("action=\"{form}\"")));
    assert!(!page.contains("ghp_secret"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_cannot_be_a_token_is_refused_before_a_host_is_asked(pool: PgPool) {
    let site = Site::new(&pool).await;
    let octo = organization(&site).await;
    let mut browser = admin(&site).await;
    let long = format!("ghp_{}", "x".repeat(10_000));
    let user = "x".repeat(10_000);
    for (username, token, sentence) in [
        ("bot", "", "Enter a token"),
        ("bot", "github_pat_11ABC", "fine-grained"),
        ("bot", "ghp_a\r\nghp_b", "line break"),
        ("bot", "ghp_a\u{0}b", "cannot be seen"),
        ("bot", &long, "too long"),
        ("", "ghp_x", "Enter the user name"),
        (MARKUP, "ghp_x", "is not a user name"),
        (&user, "ghp_x", "is not a user name"),
    ] {
        let fields = [
            ("username", username),
            ("source", "new"),
            ("token", token),
            ("reserve", "10"),
        ];
        for form in [
            of(octo, "credentials/new/access-token"),
            "/t/acme/github/new".to_owned(),
        ] {
            let mut all = fields.to_vec();
            all.extend([("host", "github.com"), ("name", "second")]);
            let answer = browser.post(&form, &all).await;
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
            assert!(!answer.body.contains(MARKUP), "{}", answer.body);
            assert!(!answer.body.contains("11ABC") && !answer.body.contains("ghp_a"));
        }
    }
    let open = site
        .db
        .fleet()
        .claim_check(worker(&site).await)
        .await
        .unwrap();
    assert!(open.is_none(), "{open:?}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_organization_is_registered_by_a_form_with_each_mistake_at_its_field(pool: PgPool) {
    let site = Site::new(&pool).await;
    organization(&site).await;
    let mut browser = admin(&site).await;
    let long = "x".repeat(10_000);
    for (field, value, sentence) in [
        ("host", "", "Enter github.com"),
        ("host", "ftp://x", "is not an address of a host"),
        ("host", "http://git.example.com", "use https"),
        (
            "name",
            "octo",
            "There is an organization called octo already",
        ),
        ("name", MARKUP, "cannot be a name"),
        ("name", &long, "cannot be a name"),
        (
            "name",
            "octo.io",
            "no account on GitHub can be called like this",
        ),
        ("accounts", "ok, not/ok", "is not a user name"),
        ("password_id", "", "Choose a token"),
        (
            "password_id",
            "0193e0f2-0000-7000-8000-000000000000",
            "was deleted meanwhile",
        ),
    ] {
        let mut fields = vec![
            ("host", "github.com"),
            ("name", "second"),
            ("username", "bot"),
            (
                "source",
                if field == "password_id" {
                    "stored"
                } else {
                    "new"
                },
            ),
            ("token", "ghp_x"),
            ("accounts", ""),
        ];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let answer = browser.post("/t/acme/github/new", &fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{field} {sentence}"
        );
        assert!(
            answer.body.contains(sentence),
            "{sentence}: {}",
            answer.body
        );
        assert!(!answer.body.contains(MARKUP) && answer.body.len() < 80_000);
    }
    let fields = [
        ("host", "https://github.com/"),
        ("name", "second"),
        ("username", "bot"),
        ("source", "new"),
        ("token", "ghp_x"),
        ("accounts", "one, two\nthree"),
    ];
    let address = checked(&browser.post("/t/acme/github/new", &fields).await);
    let id: CheckId = address.rsplit('/').next().unwrap().parse().unwrap();
    let check = scoped(&site).check(id).await.unwrap().unwrap();
    let domain::Errand::Register { accounts, .. } = check.errand else {
        panic!("{check:?}");
    };
    assert_eq!(accounts.len(), 3);
    let mut stranger = site.browser(site.eve().await).await;
    let foreign = address.replace("/t/acme/", "/t/other/");
    assert_eq!(stranger.get(&foreign).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_row_is_paused_resumed_reserved_and_removed(pool: PgPool) {
    let site = Site::new(&pool).await;
    let octo = organization(&site).await;
    let bot = add(&site, octo, "bot", 7).await;
    let mut browser = admin(&site).await;
    let act = |what: &str| of(octo, &format!("credentials/{bot}/{what}"));
    let bot_now = async || {
        let all = scoped(&site).credentials(octo).await.unwrap();
        all.into_iter().find(|one| one.id == bot)
    };
    browser.post(&act("pause"), &[]).await;
    assert_eq!(bot_now().await.unwrap().health, Health::Paused);
    let page = browser.get(&of(octo, "credentials")).await.body;
    assert!(
        page.contains("Resume") && page.contains("bot is paused"),
        "{page}"
    );
    browser.post(&act("resume"), &[]).await;
    assert_eq!(bot_now().await.unwrap().health, Health::Healthy);

    for wrong in ["", "101", "-1", "ten"] {
        let answer = browser.post(&act("edit"), &[("reserve", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains("Write a number from 0 to 100."));
    }
    browser.post(&act("edit"), &[("reserve", "25")]).await;
    assert_eq!(bot_now().await.unwrap().reserve_percent, 25);

    let check = browser.post(&act("check"), &[]).await;
    checked(&check);
    let asked = claim(&site).await;
    let refusal = domain::Refusal::new(Field::Token, "Bad credentials.");
    site.db
        .fleet()
        .refuse_check(&asked, &refusal, Some("Bad credentials"))
        .await
        .unwrap();
    let page = browser.get(check.header("location")).await.body;
    assert!(
        page.contains("The check failed.") && page.contains("Bad credentials."),
        "{page}"
    );
    browser.post(&act("resume"), &[]).await;
    let dead = bot_now().await.unwrap().health;
    assert!(
        matches!(dead, Health::Dead { .. }),
        "only a check brings it back: {dead:?}"
    );

    let confirm = browser.get(&act("remove")).await.body;
    assert!(
        confirm.contains("Remove bot?") && confirm.contains("No plan uses this account."),
        "{confirm}"
    );
    browser
        .post(&act("remove"), &[("delete_tokens", "on")])
        .await;
    assert!(bot_now().await.is_none());
    let again = browser.post(&act("remove"), &[]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let page = browser.get(&of(octo, "credentials")).await.body;
    assert!(page.contains("was removed already"), "{page}");
    let tokens = scoped(&site).token_entries(9).await.unwrap();
    assert_eq!(tokens.len(), 1, "the token went with it");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_organization_is_renamed_once_and_removed_by_its_name(pool: PgPool) {
    let site = Site::new(&pool).await;
    let octo = organization(&site).await;
    let mut browser = admin(&site).await;
    let edit = of(octo, "edit");
    let saved = browser
        .post(&edit, &[("name", "octo-2"), ("was", "octo")])
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let stale = browser
        .post(&edit, &[("name", "octo-3"), ("was", "octo")])
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(
        stale
            .body
            .contains("Somebody has renamed this organization to octo-2"),
        "{}",
        stale.body
    );
    assert!(stale.body.contains("value=\"octo-3\""));

    let remove = of(octo, "remove");
    let page = browser.get(&remove).await.body;
    assert!(
        page.contains("Type octo-2 to confirm") && page.contains("It has no snapshots"),
        "{page}"
    );
    let wrong = browser.post(&remove, &[("confirm", "octo")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"confirm-error\""));
    let done = browser
        .post(&remove, &[("confirm", "octo-2"), ("delete_tokens", "on")])
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = browser.get("/t/acme/github").await.body;
    assert!(
        page.contains("octo-2 is removed.") && page.contains("Connect your first"),
        "{page}"
    );
    let again = browser.post(&remove, &[("confirm", "octo-2")]).await;
    assert_eq!(
        again.status,
        StatusCode::SEE_OTHER,
        "a double submit is no error"
    );
    assert_eq!(browser.get(&edit).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_host_without_limits_says_so_on_the_page(pool: PgPool) {
    let site = Site::new(&pool).await;
    let octo = organization(&site).await;
    add(&site, octo, "bot", 7).await;
    let mut browser = admin(&site).await;
    let page = browser.get(&of(octo, "credentials")).await.body;
    assert!(page.contains("Quota not known yet"), "{page}");
    let fleet = site.db.fleet();
    fleet.note_counting("github.com", false).await.unwrap();
    let page = browser.get(&of(octo, "credentials")).await.body;
    assert!(page.contains("Unlimited by this host"), "{page}");
    // It may be switched on one day.
    fleet.note_counting("github.com", true).await.unwrap();
    let page = browser.get(&of(octo, "credentials")).await.body;
    assert!(!page.contains("Unlimited by this host"), "{page}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_an_owner_was_asked_for_can_be_dismissed_by_any_admin(pool: PgPool) {
    let site = Site::new(&pool).await;
    let octo = organization(&site).await;
    let application = site
        .db
        .fleet()
        .add_application(
            &site.sealer,
            &store::NewApplication {
                host: domain::Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
                slot: domain::Slot::Additional(3),
                owner: None,
            },
            &store::ApplicationKeys {
                app_id: Some(1),
                client_id: "Iv23".to_owned(),
                slug: Some("backup".to_owned()),
                client_secret: Secret::new("secret"),
                private_key: Some(Secret::new("key")),
                webhook_secret: None,
            },
        )
        .await
        .unwrap();
    let asked = store::NewInstallationRequest {
        organization: octo,
        application,
        account_id: 9,
        account: "octo".to_owned(),
        requester: 4,
    };
    scoped(&site)
        .note_installation_request(&asked)
        .await
        .unwrap();
    let mut browser = admin(&site).await;
    let page = browser.get(&of(octo, "credentials")).await.body;
    assert!(page.contains("waits for an owner of octo"), "{page}");
    assert!(page.contains("Dismiss GitHub App #3 on octo"), "{page}");
    let request = scoped(&site).installation_requests(octo).await.unwrap()[0].id;
    let address = of(octo, &format!("credentials/requests/{request}/dismiss"));
    for _ in 0..2 {
        let answer = browser.post(&address, &[]).await;
        assert_eq!(answer.header("location"), of(octo, "credentials"));
    }
    let page = browser.get(&of(octo, "credentials")).await.body;
    assert!(!page.contains("waits for an owner"), "{page}");
    let log = browser
        .get("/t/acme/audit?action=installation_request.dismiss")
        .await;
    assert!(log.body.contains("octo"), "{}", log.body);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_organization_is_under_its_vendor_s_tab_alone(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut browser = admin(&site).await;
    let github = organization(&site).await;
    let new = NewOrganization {
        name: "tanuki".parse().unwrap(),
        host: domain::Host::parse(ForgeKind::GitLab, "https://dev.acme.test/gitlab", &[]).unwrap(),
        accounts: vec![Account {
            login: "group/sub".to_owned(),
            forge_id: 4,
            is_organization: true,
        }],
    };
    let main = NewCredential {
        bucket: "dev.acme.test/gitlab/user:1".parse().unwrap(),
        scopes: Some(vec!["read_repository".to_owned()]),
        ..credential("main", Role::Main, 1)
    };
    let added = scoped(&site)
        .add_organization(&site.sealer, new, main)
        .await;
    let gitlab = added.unwrap().id;
    let tiles = browser.get("/t/acme/gitlab").await.body;
    assert!(
        tiles.contains("tanuki") && !tiles.contains("octo"),
        "{tiles}"
    );
    let tiles = browser.get("/t/acme/github").await.body;
    assert!(!tiles.contains("tanuki"), "{tiles}");

    let edit = browser
        .get(&format!("/t/acme/gitlab/{gitlab}/edit"))
        .await
        .body;
    assert!(
        edit.contains("<h3 id=\"s-throttle\">Additional credentials</h3>"),
        "{edit}"
    );
    assert!(edit.contains("It lacks the scope read_api"), "{edit}");
    let list = browser
        .get(&format!("/t/acme/gitlab/{gitlab}/credentials"))
        .await
        .body;
    assert!(
        list.contains("Add new") && !list.contains("Access Token</a>"),
        "{list}"
    );
    for wrong in [
        format!("/t/acme/github/{gitlab}/edit"),
        format!("/t/acme/gitlab/{github}/credentials"),
    ] {
        assert_eq!(
            browser.get(&wrong).await.status,
            StatusCode::NOT_FOUND,
            "{wrong}"
        );
    }

    let form = format!("/t/acme/gitlab/{gitlab}/credentials/new/access-token");
    let page = browser.get(&form).await.body;
    assert!(
        page.contains("User name") && page.contains("read_repository"),
        "{page}"
    );
    let answer = browser
        .post(
            &form,
            &[
                ("username", "jane.doe"),
                ("source", "new"),
                ("token", "gldt-x"),
                ("reserve", "0"),
            ],
        )
        .await;
    assert!(
        answer.body.contains("This is a deploy token"),
        "{}",
        answer.body
    );
    let answer = browser
        .post(
            &form,
            &[
                ("username", "jane.doe"),
                ("source", "new"),
                ("token", "glpat-x"),
                ("reserve", "0"),
            ],
        )
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let search = browser.get("/t/acme/search?q=tanuki").await.body;
    assert!(
        search.contains(&format!("/t/acme/gitlab/{gitlab}/edit")),
        "{search}"
    );
}
