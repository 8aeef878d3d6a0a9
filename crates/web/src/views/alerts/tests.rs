use domain::alert::Mail;
use domain::{ChannelKind, MemberRole, Target};
use http::StatusCode;
use sqlx::PgPool;

use crate::samples::{Browser, Site};
use crate::views::github::tests::{add, organization, scoped};

const SLACK: &str = "https://hooks.slack.com/services/T0/B0/very-secret";
const KEY: &str = "sixteen letters or more";

async fn browser(site: &Site, role: MemberRole) -> Browser {
    let person = site.member(role).await;
    site.browser(person).await
}

/// A credential that its host refuses, and the alert about it.
async fn alarmed(site: &Site) {
    let octo = organization(site).await;
    let bot = add(site, octo, "bot", 7).await;
    scoped(site)
        .park_credential(bot, 1, "Bad credentials")
        .await
        .unwrap();
    // The samples end soon, which is another alert.
    site.db.fleet().raise_alerts().await.unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_alert_is_marked_on_every_page_until_somebody_has_seen_it(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut operator = browser(&site, MemberRole::Operator).await;
    let page = operator.get("/t/acme/plans").await.body;
    assert!(page.contains(r#"aria-label="Alerts""#), "{page}");
    alarmed(&site).await;
    let page = operator.get("/t/acme/plans").await.body;
    assert!(page.contains(r#"aria-label="Alerts, 2 open""#), "{page}");
    let page = operator.get("/t/acme/alerts").await.body;
    assert!(
        page.contains("bot of octo is refused by its host: Bad credentials"),
        "{page}"
    );
    assert!(page.contains("main of octo expires on"), "{page}");

    for alert in scoped(&site).alerts(false, None, 9).await.unwrap() {
        let address = format!("/t/acme/alerts/{}/acknowledge", alert.id);
        let answer = operator.post(&address, &[]).await;
        assert_eq!(answer.header("location"), "/t/acme/alerts");
    }
    let page = operator.get("/t/acme/alerts").await.body;
    assert!(
        page.contains("Acknowledged") && !page.contains("Acknowledge<"),
        "{page}"
    );
    assert!(page.contains(r#"aria-label="Alerts""#), "{page}");

    let mut auditor = browser(&site, MemberRole::Auditor).await;
    let page = auditor.get("/t/acme/alerts").await.body;
    assert!(
        page.contains("by operator") && !page.contains("Alert channels"),
        "{page}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_tenants_alerts_do_not_exist(pool: PgPool) {
    let site = Site::new(&pool).await;
    alarmed(&site).await;
    let alert = scoped(&site).alerts(false, None, 9).await.unwrap()[0].id;
    let eve = site.eve().await;
    let mut eve = site.browser(eve).await;
    let page = eve.get("/t/other/alerts").await.body;
    assert!(
        page.contains("No open alerts") && !page.contains("octo"),
        "{page}"
    );
    let answer = eve
        .post(&format!("/t/other/alerts/{alert}/acknowledge"), &[])
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn channels_of_each_kind_are_added_and_their_secrets_never_shown(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut admin = browser(&site, MemberRole::Admin).await;
    let email: &[(&str, &str)] = &[
        ("name", "people"),
        ("to", "ada@example.com, eve@example.com\nada@example.com"),
        ("from", "holdfast@example.com"),
        ("server", "smtp.example.com:587"),
        ("encryption", "starttls"),
        ("user", "holdfast"),
        ("password", "a password"),
    ];
    let slack: &[(&str, &str)] = &[("name", "room"), ("secret", SLACK)];
    let hook: &[(&str, &str)] = &[
        ("name", "program"),
        ("url", "https://example.com/hook?x=1"),
        ("secret", KEY),
    ];
    for (kind, form) in [("email", email), ("slack", slack), ("webhook", hook)] {
        let address = format!("/t/acme/alerts/channels/new/{kind}");
        let empty = admin.get(&address).await;
        assert_eq!(empty.status, StatusCode::OK, "{}", empty.body);
        let answer = admin.post(&address, form).await;
        let location = answer.header("location").to_owned();
        assert_eq!(location, "/t/acme/alerts/channels", "{}", answer.body);
    }
    let mut pages = admin.get("/t/acme/alerts/channels").await.body;
    for words in [
        "people",
        "ada@example.com, eve@example.com by smtp.example.com:587",
        "hooks.slack.com",
        "https://example.com/hook?x=1",
    ] {
        assert!(pages.contains(words), "{words}: {pages}");
    }
    for channel in scoped(&site).channels().await.unwrap() {
        let path = format!("/t/acme/alerts/channels/{}", channel.id);
        pages += &admin.get(&format!("{path}/edit")).await.body;
        pages += &admin.get(&format!("{path}/remove")).await.body;
    }
    pages += &admin.get("/t/acme/passwords").await.body;
    pages += &admin.get("/t/acme/audit").await.body;
    for secret in ["a password", "very-secret", KEY] {
        assert!(!pages.contains(secret), "{secret}");
    }
    assert!(
        pages.contains("Alerts: people"),
        "the Password Manager names it"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_address_inside_the_network_is_refused_beside_its_field(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut admin = browser(&site, MemberRole::Admin).await;
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://postgres:5432/",
        "file:///etc/passwd",
        "https://user:word@example.com/",
        "",
    ] {
        let hook = [("name", "x"), ("url", url), ("secret", KEY)];
        let answer = admin
            .post("/t/acme/alerts/channels/new/webhook", &hook)
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        assert!(answer.body.contains(r#"id="url-error""#), "{}", answer.body);
        let room = [("name", "x"), ("secret", url)];
        let answer = admin.post("/t/acme/alerts/channels/new/slack", &room).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        assert!(
            answer.body.contains(r#"id="secret-error""#),
            "{}",
            answer.body
        );
        assert!(
            url.is_empty() || !answer.body.contains(url),
            "{url} is a secret here"
        );
    }
    for (field, value) in [
        ("encryption", "none"),
        ("server", "smtp.example.com"),
        ("server", "x\r\nMAIL FROM:25"),
        ("to", ""),
        ("to", "nobody"),
        ("from", "a@example.com, b@example.com"),
        ("password", "without a user"),
    ] {
        let mut form = vec![
            ("name", "x"),
            ("to", "ada@example.com"),
            ("from", "holdfast@example.com"),
            ("server", "smtp.example.com:587"),
            ("encryption", "tls"),
        ];
        form.retain(|(name, _)| *name != field);
        form.push((field, value));
        let answer = admin.post("/t/acme/alerts/channels/new/email", &form).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{field}: {value}"
        );
    }
    let short = [
        ("name", "x"),
        ("url", "https://example.com/"),
        ("secret", "short"),
    ];
    let answer = admin
        .post("/t/acme/alerts/channels/new/webhook", &short)
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = admin.get("/t/acme/alerts/channels/new/pigeon").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(scoped(&site).channels().await.unwrap(), []);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_password_that_was_entered_for_one_server_is_not_handed_to_another(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut admin = browser(&site, MemberRole::Admin).await;
    let mut form = vec![
        ("name", "people"),
        ("to", "ada@example.com"),
        ("from", "holdfast@example.com"),
        ("server", "smtp.example.com:587"),
        ("encryption", "tls"),
        ("user", "holdfast"),
        ("password", "a password"),
    ];
    admin.post("/t/acme/alerts/channels/new/email", &form).await;
    let channel = scoped(&site).channels().await.unwrap().remove(0);
    let address = format!("/t/acme/alerts/channels/{}/edit", channel.id);
    form.retain(|(name, _)| *name != "password");
    for (field, value) in [
        ("server", "smtp.attacker.example:587"),
        ("encryption", "starttls"),
        ("user", "somebody"),
    ] {
        let mut changed = form.clone();
        changed.retain(|(name, _)| *name != field);
        changed.push((field, value));
        let answer = admin.post(&address, &changed).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(
            answer.body.contains("Enter the password again"),
            "{}",
            answer.body
        );
    }
    form.retain(|(name, _)| *name != "name");
    form.push(("name", "on call"));
    let answer = admin.post(&address, &form).await;
    assert_eq!(answer.header("location"), "/t/acme/alerts/channels");
    let channel = scoped(&site).channels().await.unwrap().remove(0);
    assert_eq!(channel.name.as_str(), "on call");
    assert_eq!(channel.target.kind(), ChannelKind::Email);
    assert!(matches!(
        &channel.target,
        Target::Email(Mail { user: Some(_), .. })
    ));
    let (secret, _) = channel.secret.unwrap();
    let kept = scoped(&site)
        .open_secret(&site.sealer, secret)
        .await
        .unwrap();
    assert_eq!(kept.expose(), "a password");
    // Nor can the Password Manager put an address of another host there.
    let replace = format!("/t/acme/passwords/{secret}/replace");
    let answer = admin.post(&replace, &[("secret", "another")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_test_is_asked_for_and_the_page_waits_for_what_comes_of_it(pool: PgPool) {
    let site = Site::new(&pool).await;
    let mut admin = browser(&site, MemberRole::Admin).await;
    let hook = [
        ("name", "program"),
        ("url", "https://example.com/"),
        ("secret", KEY),
    ];
    admin
        .post("/t/acme/alerts/channels/new/webhook", &hook)
        .await;
    let channel = scoped(&site).channels().await.unwrap().remove(0).id;
    let path = format!("/t/acme/alerts/channels/{channel}");
    let answer = admin.post(&format!("{path}/test"), &[]).await;
    assert_eq!(answer.header("location"), "/t/acme/alerts/channels");
    let page = admin.get("/t/acme/alerts/channels").await.body;
    assert!(page.contains("Test is being sent"), "{page}");
    let mut script = admin.clone().with("hx-request", "true");
    let answer = script.get("/t/acme/alerts/channels").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let fleet = site.db.fleet();
    let claim = fleet.claim_delivery().await.unwrap().unwrap();
    fleet
        .settle_delivery(&claim, Err("It is <b>gone</b>."))
        .await
        .unwrap();
    let answer = script.get("/t/acme/alerts/channels").await;
    assert_eq!(answer.header("hx-refresh"), "true");
    let page = admin.get("/t/acme/alerts/channels").await.body;
    assert!(
        page.contains("Test not heard") && !page.contains("<b>gone"),
        "{page}"
    );
    let answer = admin.post(&format!("{path}/remove"), &[]).await;
    assert_eq!(answer.header("location"), "/t/acme/alerts/channels");
    let page = admin.get("/t/acme/alerts/channels").await.body;
    assert!(page.contains("No channels yet"), "{page}");
}
