//! A small installation for the tests of this crate.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    BucketKey, Clock, Content, CredentialKind, ForgeKind, Host, Name, OrganizationId, PersonId,
    PlanId, RepositoryId, Retention, Role, RunId, Schedule, Secret, Selection, StorageId, Subject,
    WorkerId,
};
use serde_json::json;
use sqlx::PgPool;

use crate::{
    Account, ClaimedFetch, ClaimedRun, Db, FetchKind, Fleet, ListedRepository, NewCredential,
    NewFetch, NewOrganization, NewPerson, NewPlan, NewStorage, Scoped, Sealer, Settlement, Stored,
    TokenSource, Trigger,
};

/// A tenant with an organization, a storage and a plan.
pub(crate) struct Sample {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) sealer: Sealer,
    pub(crate) fleet: Fleet,
    pub(crate) scoped: Scoped,
    pub(crate) organization: OrganizationId,
    pub(crate) storage: StorageId,
    pub(crate) plan: PlanId,
}

pub(crate) fn noon() -> DateTime<Utc> {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn sealer() -> Sealer {
    Sealer::from_text(&Secret::new("07".repeat(32))).unwrap()
}

pub(crate) fn credential(text: &str, role: Role, user: i64) -> NewCredential {
    NewCredential {
        name: name(text),
        login: text.to_owned(),
        role,
        kind: CredentialKind::AccessToken,
        bucket: BucketKey {
            host: "github.com".to_owned(),
            subject: Subject::User(user),
        },
        reserve_percent: 10,
        token: TokenSource::New(Secret::new(format!("ghp_{text}"))),
        scopes: Some(vec!["repo".to_owned()]),
        expires_at: None,
    }
}

pub(crate) fn new_person(text: &str) -> NewPerson {
    NewPerson {
        email: format!("{text}@example.com").parse().unwrap(),
        name: text.parse().unwrap(),
        password_hash: "hash".to_owned(),
    }
}

pub(crate) async fn person(db: &Db, text: &str) -> PersonId {
    db.people().add(new_person(text), false).await.unwrap()
}

pub(crate) async fn sample(pool: &PgPool) -> Sample {
    let clock = Clock::manual(noon());
    let db = Db::from_pool(pool.clone(), clock);
    tenant(&db, "acme").await
}

pub(crate) async fn tenant(db: &Db, text: &str) -> Sample {
    let sealer = sealer();
    let fleet = db.fleet();
    let tenant = fleet.add_tenant(&name(text), &sealer).await.unwrap();
    let scoped = db.tenant(tenant.id);
    let organization = scoped
        .add_organization(
            &sealer,
            NewOrganization {
                name: name("octo"),
                host: Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
                accounts: vec![Account {
                    login: "octo".to_owned(),
                    forge_id: 9,
                    is_organization: true,
                }],
            },
            credential("main", Role::Main, 1),
        )
        .await
        .unwrap()
        .id;
    let storage = scoped
        .add_storage(
            &sealer,
            NewStorage {
                name: name("disk"),
                location: json!({"local": "/backups"}),
                secret: None,
            },
        )
        .await
        .unwrap()
        .id;
    scoped
        .add_storage_repository(
            &sealer,
            organization,
            storage,
            "octo",
            &Secret::new("password"),
            &Secret::new("key"),
        )
        .await
        .unwrap();
    let sample = Sample {
        db: db.clone(),
        clock: db.clock.clone(),
        sealer,
        fleet,
        scoped: scoped.clone(),
        organization,
        storage,
        plan: PlanId::new(),
    };
    let plan = scoped.add_plan(sample.new_plan("nightly")).await.unwrap();
    Sample { plan, ..sample }
}

impl Sample {
    pub(crate) fn new_plan(&self, text: &str) -> NewPlan {
        NewPlan {
            name: name(text),
            organization: self.organization,
            selection: Selection::All,
            content: Content::default(),
            storage: self.storage,
            schedule: None,
            paused: false,
            retention: Retention::default(),
            additional_credentials: false,
            use_credentials: Vec::new(),
            pool_part: domain::PoolPart::ALL,
            weight: domain::Weight::USUAL,
        }
    }

    pub(crate) fn schedule(&self, cron: &str, window_minutes: Option<u32>) -> Schedule {
        Schedule::parse(cron, "UTC", window_minutes, self.clock.now()).unwrap()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn pass(&self, minutes: i64) {
        self.clock.advance(TimeDelta::minutes(minutes));
    }

    pub(crate) async fn worker(&self) -> WorkerId {
        let worker = WorkerId::new();
        self.fleet.register_worker(worker, "host").await.unwrap();
        worker
    }

    /// Makes a worker silent for longer than a live one ever is.
    pub(crate) async fn silence(&self, worker: WorkerId) {
        sqlx::query(
            "UPDATE workers SET heartbeat_at = heartbeat_at - interval '1 hour' WHERE id = $1",
        )
        .bind(worker.0)
        .execute(&self.db.pool)
        .await
        .unwrap();
    }

    pub(crate) async fn repositories(&self, count: i64) -> Vec<RepositoryId> {
        let listed: Vec<_> = (1..=count)
            .map(|forge_id| ListedRepository {
                forge_id,
                name: format!("octo/repository-{forge_id:03}").parse().unwrap(),
                listing: json!({"id": forge_id}),
            })
            .collect();
        self.fleet
            .upsert_repositories(self.scoped.tenant_id(), self.organization, &listed)
            .await
            .unwrap()
    }

    pub(crate) async fn claim_run(&self, worker: WorkerId) -> Option<ClaimedRun> {
        self.fleet.claim_run(worker, self.now()).await.unwrap()
    }

    pub(crate) async fn claim(&self, worker: WorkerId) -> Option<ClaimedFetch> {
        self.fleet.claim_fetch(worker, self.now()).await.unwrap()
    }

    /// A run of the plan whose repositories wait to be fetched.
    pub(crate) async fn listed_run(&self, worker: WorkerId, count: i64) -> RunId {
        self.listed(worker, self.plan, Trigger::Person, count).await
    }

    pub(crate) async fn listed(
        &self,
        worker: WorkerId,
        plan: PlanId,
        trigger: Trigger,
        count: i64,
    ) -> RunId {
        let run = self.scoped.request_run(plan, trigger).await.unwrap();
        let claim = self.claim_run(worker).await.unwrap();
        assert_eq!(claim.run, run);
        let fetches: Vec<_> = self
            .repositories(count)
            .await
            .into_iter()
            .map(|repository| NewFetch {
                repository,
                kind: FetchKind::Changed,
                size: None,
            })
            .collect();
        self.fleet.run_listed(&claim, &fetches).await.unwrap();
        run
    }
}

/// A settlement with a snapshot whose id is made of one digit.
pub(crate) fn stored(digit: char) -> Settlement {
    Settlement::Stored(Box::new(Stored {
        restic_id: digit.to_string().repeat(64),
        tree: "tree".to_owned(),
        manifest_sha256: "sum".to_owned(),
        taken_at: noon(),
        bytes_total: 1000,
        bytes_added: 10,
        counts: [(domain::Kind::Issues, 3)].into(),
        omissions: Vec::new(),
        marks: json!({"git": "1"}),
        wiki: None,
        swept: true,
        kinds: domain::Kind::ALL.into(),
    }))
}

/// Returns when a statement of this database waits for a lock.
pub(crate) async fn until_somebody_waits(pool: &PgPool) {
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        if waiting > 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}
