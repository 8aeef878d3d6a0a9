use domain::{CredentialKind, ForgeKind, Host, OrganizationId, Place, Role, Secret, StorageId};
use http::StatusCode;
use sqlx::PgPool;
use store::{AuditFilter, NewCredential, NewOrganization, NewStorage, Scoped, TokenSource};

use crate::console::Settings;
use crate::samples::Site;

async fn site(pool: &PgPool) -> Site {
    let settings = Settings {
        storage_roots: vec!["/srv/holdfast".into()],
        http_allowed: vec!["minio.test".to_owned()],
        ..Settings::default()
    };
    Site::with(pool, settings).await
}

/// An organization with something in a storage.
async fn stored(site: &Site, scoped: &Scoped) -> (OrganizationId, StorageId) {
    let new = NewOrganization {
        name: "octo".parse().unwrap(),
        host: Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
        accounts: Vec::new(),
    };
    let main = NewCredential {
        name: "main".parse().unwrap(),
        login: "main".to_owned(),
        role: Role::Main,
        kind: CredentialKind::AccessToken,
        bucket: "github.com/user:1".parse().unwrap(),
        reserve_percent: 10,
        token: TokenSource::New(Secret::new("ghp_main")),
        scopes: None,
        expires_at: None,
    };
    let organization = scoped
        .add_organization(&site.sealer, new, main)
        .await
        .unwrap();
    let disk = NewStorage {
        name: "disk".parse().unwrap(),
        location: serde_json::json!({ "kind": "local", "path": "/srv/backups" }),
        secret: None,
    };
    let storage = scoped.add_storage(&site.sealer, disk).await.unwrap();
    scoped
        .add_storage_repository(
            &site.sealer,
            organization.id,
            storage.id,
            "octo-1",
            &Secret::new("s3same"),
            &Secret::new("master"),
        )
        .await
        .unwrap();
    (organization.id, storage.id)
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_tenant_names_a_folder_and_never_a_path(pool: PgPool) {
    let site = site(&pool).await;
    let mut browser = site.browser(site.ada).await;
    for bad in ["/etc", "../other", "a/b", "..", ".ssh", "a\u{0}b"] {
        let fields = [
            ("name", "disk"),
            ("kind", "local"),
            ("root", "0"),
            ("folder", bad),
        ];
        let answer = browser.post("/t/acme/storages/new", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    for root in ["1", "-1", "/etc", ""] {
        let fields = [("name", "disk"), ("kind", "local"), ("root", root)];
        let answer = browser.post("/t/acme/storages/new", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{root}");
    }
    let fields = [("name", "disk"), ("kind", "local"), ("root", "0")];
    let answer = browser.post("/t/acme/storages/new", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let storage = site
        .db
        .tenant(site.acme)
        .storages()
        .await
        .unwrap()
        .remove(0);
    let place: Place = serde_json::from_value(storage.location).unwrap();
    assert_eq!(
        place.restic_address(""),
        format!("/srv/holdfast/{}/disk", site.acme)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_bucket_is_added_once_and_its_key_is_never_sent_back(pool: PgPool) {
    let site = site(&pool).await;
    let mut browser = site.browser(site.ada).await;
    let fields = |endpoint: &'static str| {
        [
            ("id", "0199aaaa-0000-7000-8000-000000000001"),
            ("name", "cloud"),
            ("kind", "s3"),
            ("endpoint", endpoint),
            ("bucket", "backups"),
            ("region", "eu-central-1"),
            ("access_key_id", "AKIA"),
            ("secret_key", "hunter2hunter2"),
        ]
    };
    let refused = browser
        .post("/t/acme/storages/new", &fields("http://169.254.169.254"))
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("plain http"), "{}", refused.body);
    assert!(!refused.body.contains("hunter2"));
    for _ in 0..2 {
        let answer = browser
            .post("/t/acme/storages/new", &fields("http://minio.test:9000"))
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    }
    let list = browser.get("/t/acme/storages").await;
    assert!(list.body.contains("s3:http://minio.test:9000/backups"));
    assert!(list.body.contains("Being tried"));
    assert!(!list.body.contains("hunter2"));
    assert_eq!(site.db.tenant(site.acme).storages().await.unwrap().len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_with_a_line_break_is_refused_without_being_repeated(pool: PgPool) {
    let site = site(&pool).await;
    let mut browser = site.browser(site.ada).await;
    let fields = [
        ("name", "cloud"),
        ("kind", "s3"),
        ("bucket", "backups"),
        ("region", "eu-central-1"),
        ("access_key_id", "AKIA"),
        ("secret_key", "hunter2\nhunter2"),
    ];
    let answer = browser.post("/t/acme/storages/new", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("without blanks and line breaks"));
    assert!(!answer.body.contains("hunter2"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_password_is_shown_on_demand_and_the_log_says_to_whom(pool: PgPool) {
    let site = site(&pool).await;
    let scoped = site.db.tenant(site.acme);
    let (organization, storage) = stored(&site, &scoped).await;
    let mut browser = site.browser(site.ada).await;
    let url = format!("/t/acme/storages/{storage}/emergency/{organization}");
    let before = browser.get(&url).await;
    assert!(!before.body.contains("s3same"), "{}", before.body);
    let shown = browser.post(&url, &[]).await;
    assert!(shown.body.contains("s3same"), "{}", shown.body);
    assert_eq!(shown.header("cache-control"), "no-store");
    let filter = AuditFilter {
        action: Some("storage.reveal_password".to_owned()),
        ..AuditFilter::default()
    };
    let log = scoped.audit(&filter, None, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].person_name, "ada");

    let operator = site.member(domain::MemberRole::Operator).await;
    let refused = site.browser(operator).await.post(&url, &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_bucket_gets_another_key_and_keeps_the_place_of_its_snapshots(pool: PgPool) {
    let site = site(&pool).await;
    let mut browser = site.browser(site.ada).await;
    let added = [
        ("name", "cloud"),
        ("kind", "s3"),
        ("bucket", "backups"),
        ("prefix", "acme"),
        ("region", "eu-central-1"),
        ("access_key_id", "AKIA"),
        ("secret_key", "hunter2hunter2"),
    ];
    browser.post("/t/acme/storages/new", &added).await;
    let scoped = site.db.tenant(site.acme);
    let storage = scoped.storages().await.unwrap().remove(0);
    let address = format!("/t/acme/storages/{}/edit", storage.id);
    let form = browser.get(&address).await;
    assert!(form.body.contains("AKIA"), "{}", form.body);
    assert!(!form.body.contains("hunter2"));

    let mut edited = vec![
        ("name", "cloud"),
        ("endpoint", "http://169.254.169.254"),
        ("region", "eu-west-1"),
        ("access_key_id", "AKIB"),
        ("bucket", "somebody-elses"),
    ];
    let refused = browser.post(&address, &edited).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    edited[1].1 = "";
    let answer = browser.post(&address, &edited).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let key = async || {
        let key = scoped.open_secret(&site.sealer, storage.secret.unwrap());
        key.await.unwrap().expose().to_owned()
    };
    assert_eq!(key().await, "hunter2hunter2", "none was given");
    edited.push(("secret_key", "hunter3hunter3"));
    browser.post(&address, &edited).await;
    assert_eq!(key().await, "hunter3hunter3");
    let storage = scoped.storage(storage.id).await.unwrap().unwrap();
    let place: Place = serde_json::from_value(storage.location).unwrap();
    let Place::S3 {
        bucket,
        prefix,
        region,
        access_key_id,
        ..
    } = place
    else {
        panic!("{place:?}")
    };
    assert_eq!(
        [bucket, prefix, region, access_key_id],
        ["backups", "acme", "eu-west-1", "AKIB"]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_storage_with_snapshots_stays_and_the_page_says_whose(pool: PgPool) {
    let site = site(&pool).await;
    let scoped = site.db.tenant(site.acme);
    let (_, used) = stored(&site, &scoped).await;
    let idle = NewStorage {
        name: "idle".parse().unwrap(),
        location: serde_json::json!({ "kind": "local", "path": "/srv/idle" }),
        secret: None,
    };
    let idle = scoped.add_storage(&site.sealer, idle).await.unwrap();
    let mut browser = site.browser(site.ada).await;
    let refused = browser
        .post(&format!("/t/acme/storages/{used}/remove"), &[])
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("the snapshots of octo"),
        "{}",
        refused.body
    );
    let removed = browser
        .post(&format!("/t/acme/storages/{}/remove", idle.id), &[])
        .await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.body);
    let left = scoped.storages().await.unwrap();
    assert_eq!(
        left.iter().map(|one| one.id).collect::<Vec<_>>(),
        [used],
        "{left:#?}"
    );
}
