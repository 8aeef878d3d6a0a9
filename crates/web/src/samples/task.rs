//! A plan of `acme` and its work, as a scheduler would do it.

use domain::{
    BucketKey, CredentialKind, ForgeKind, Host, Name, OrganizationId, PlanId, Retention, Role,
    RunId, Secret, Selection, Subject, WorkerId,
};
use serde_json::json;
use store::{
    Account, FetchKind, ListedRepository, NewCredential, NewFetch, NewOrganization, NewPlan,
    NewStorage, Stored, TokenSource, Trigger,
};

use super::{Site, noon};

/// What there is to work on.
pub(crate) struct Work {
    pub(crate) organization: OrganizationId,
    pub(crate) run: RunId,
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// An organization, a storage and a plan called `nightly`.
pub(crate) async fn plan(site: &Site) -> (OrganizationId, PlanId) {
    let scoped = site.db.tenant(site.acme);
    let organization = scoped
        .add_organization(
            &site.sealer,
            NewOrganization {
                name: name("octo"),
                host: Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
                accounts: vec![Account {
                    login: "octo".to_owned(),
                    forge_id: 9,
                    is_organization: true,
                }],
            },
            NewCredential {
                name: name("main"),
                login: "main".to_owned(),
                role: Role::Main,
                kind: CredentialKind::AccessToken,
                bucket: BucketKey {
                    host: "github.com".to_owned(),
                    subject: Subject::User(1),
                },
                reserve_percent: 10,
                token: TokenSource::New(Secret::new("ghp_main")),
                scopes: None,
                expires_at: None,
            },
        )
        .await
        .unwrap()
        .id;
    let storage = scoped
        .add_storage(
            &site.sealer,
            NewStorage {
                name: name("disk"),
                location: json!({"local": {"path": "/backups"}}),
                secret: None,
            },
        )
        .await
        .unwrap()
        .id;
    scoped
        .add_storage_repository(
            &site.sealer,
            organization,
            storage,
            "octo",
            &Secret::new("password"),
            &Secret::new("key"),
        )
        .await
        .unwrap();
    let plan = scoped
        .add_plan(NewPlan {
            name: name("nightly"),
            organization,
            selection: Selection::All,
            content: domain::Content::default(),
            storage,
            schedule: None,
            paused: false,
            retention: Retention::default(),
            additional_credentials: false,
            use_credentials: Vec::new(),
            pool_part: domain::PoolPart::ALL,
            weight: domain::Weight::USUAL,
        })
        .await
        .unwrap();
    (organization, plan)
}

/// A run of that plan whose repositories wait to be fetched.
pub(crate) async fn listed(site: &Site, worker: WorkerId, repositories: i64) -> Work {
    let (organization, plan) = plan(site).await;
    let scoped = site.db.tenant(site.acme);
    let run = scoped.request_run(plan, Trigger::Person).await.unwrap();
    let fleet = site.db.fleet();
    let claim = fleet.claim_run(worker, site.clock.now()).await.unwrap();
    let listed: Vec<_> = (1..=repositories)
        .map(|number| ListedRepository {
            forge_id: number,
            name: format!("octo/repository-{number}").parse().unwrap(),
            listing: json!({"id": number}),
        })
        .collect();
    let fetches: Vec<_> = fleet
        .upsert_repositories(site.acme, organization, &listed)
        .await
        .unwrap()
        .into_iter()
        .map(|repository| NewFetch {
            repository,
            kind: FetchKind::Changed,
            size: None,
        })
        .collect();
    fleet.run_listed(&claim.unwrap(), &fetches).await.unwrap();
    Work { organization, run }
}

/// What a fetch leaves behind.
pub(crate) fn stored(digit: char) -> Stored {
    Stored {
        restic_id: digit.to_string().repeat(64),
        tree: "tree".to_owned(),
        manifest_sha256: "sum".to_owned(),
        taken_at: noon(),
        bytes_total: 1000,
        bytes_added: 10,
        counts: [(domain::Kind::Git, 3)].into(),
        omissions: Vec::new(),
        marks: json!({}),
        wiki: None,
        swept: true,
        kinds: [domain::Kind::Git].into(),
    }
}
