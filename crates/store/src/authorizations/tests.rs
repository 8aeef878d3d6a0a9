use std::net::{IpAddr, Ipv4Addr};

use domain::{ForgeKind, PersonId};
use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, person, sample};
use crate::{ApplicationKeys, NewApplication, NewSession};

struct Stage {
    acme: Sample,
    application: ApplicationId,
    person: PersonId,
    session: SessionId,
}

const STATE: [u8; 32] = [5; 32];
const ARRIVAL: Arrival = Arrival::Installed { installation: 7 };

impl Stage {
    /// An admin who has gone to the host to install an additional application.
    async fn set(pool: &PgPool) -> Self {
        let acme = sample(pool).await;
        let new = NewApplication {
            host: Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
            slot: Slot::Additional(1),
            owner: None,
        };
        let keys = ApplicationKeys {
            app_id: Some(1),
            client_id: "Iv23".to_owned(),
            slug: Some("backup".to_owned()),
            client_secret: Secret::new("secret"),
            private_key: None,
            webhook_secret: None,
        };
        let added = acme.fleet.add_application(&acme.sealer, &new, &keys).await;
        let application = added.unwrap();
        let person = person(&acme.db, "ada").await;
        sqlx::query("INSERT INTO memberships (tenant_id, person_id, role, created_at) VALUES ($1, $2, 'admin', now())")
            .bind(acme.scoped.tenant_id().0)
            .bind(person.0)
            .execute(pool)
            .await
            .unwrap();
        let session = open(&acme, person, 1).await;
        let stage = Self {
            acme,
            application,
            person,
            session,
        };
        stage.begin().await;
        stage
    }

    async fn begin(&self) {
        let new = NewAuthorization {
            state_hash: STATE,
            session: self.session,
            application: self.application,
            purpose: Purpose::Add {
                organization: self.acme.organization,
            },
            verifier: Secret::new("verifier"),
            returns_to: Some("https://backup.acme.test/github/callback".to_owned()),
        };
        let scoped = &self.acme.scoped;
        scoped
            .begin_authorization(&self.acme.sealer, &new)
            .await
            .unwrap();
    }

    async fn back(&self, state: [u8; 32], session: SessionId) -> Option<Authorized> {
        let code = Secret::new("code");
        self.acme
            .fleet
            .came_back(&self.acme.sealer, state, session, ARRIVAL, Some(&code))
            .await
            .unwrap()
    }

    async fn checks(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM checks")
            .fetch_one(&self.acme.db.pool)
            .await
            .unwrap()
    }
}

async fn open(acme: &Sample, person: PersonId, digit: u8) -> SessionId {
    let new = NewSession {
        person,
        token_hash: [digit; 32],
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        agent: "Firefox".to_owned(),
    };
    acme.db.people().open_session(new).await.unwrap()
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_way_back_counts_once_and_brings_what_proves_it(pool: PgPool) {
    let stage = Stage::set(&pool).await;
    let authorized = stage.back(STATE, stage.session).await.unwrap();
    assert_eq!(authorized.tenant, stage.acme.scoped.tenant_id());
    let worker = stage.acme.worker().await;
    let claim = stage.acme.fleet.claim_check(worker).await.unwrap().unwrap();
    assert_eq!(claim.check, authorized.check);
    let sealed = stage
        .acme
        .fleet
        .check_token(&claim, &stage.acme.sealer)
        .await
        .unwrap();
    let brought = brought(&sealed).unwrap();
    assert_eq!(brought.code.unwrap().expose(), "code");
    assert_eq!(brought.verifier.expose(), "verifier");
    assert_eq!(
        brought.returns_to.as_deref(),
        Some("https://backup.acme.test/github/callback")
    );
    assert_eq!(stage.back(STATE, stage.session).await, None, "replayed");
    assert_eq!(stage.checks().await, 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_way_back_counts_in_its_session_alone(pool: PgPool) {
    let stage = Stage::set(&pool).await;
    let stranger = person(&stage.acme.db, "eve").await;
    for session in [
        open(&stage.acme, stranger, 2).await,
        open(&stage.acme, stage.person, 3).await,
    ] {
        assert_eq!(stage.back(STATE, session).await, None);
    }
    assert_eq!(stage.back([6; 32], stage.session).await, None, "guessed");
    assert_eq!(stage.checks().await, 0);
    assert!(
        stage.back(STATE, stage.session).await.is_some(),
        "nobody has spoilt it"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_way_back_is_worth_nothing_after_an_hour_or_for_who_is_no_admin_any_more(pool: PgPool) {
    let stage = Stage::set(&pool).await;
    sqlx::query("UPDATE memberships SET role = 'operator'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(stage.back(STATE, stage.session).await, None);
    sqlx::query("UPDATE memberships SET role = 'admin'")
        .execute(&pool)
        .await
        .unwrap();
    stage.acme.pass(60);
    assert_eq!(stage.back(STATE, stage.session).await, None);
    assert_eq!(stage.checks().await, 0);
}
