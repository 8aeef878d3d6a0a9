//! Installations that an owner on the host was asked for. An approval that comes later is offered to who asked.

use chrono::{DateTime, Utc};
use domain::{ApplicationId, InstallationRequestId, OrganizationId, PersonId, Slot};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::{Error, Scoped, decode};

/// What an owner is asked for.
#[derive(Debug, Clone)]
pub struct NewInstallationRequest {
    /// The organization.
    pub organization: OrganizationId,
    /// The application.
    pub application: ApplicationId,
    /// The account, by the host's number.
    pub account_id: i64,
    /// Its name.
    pub account: String,
    /// Who asked, by the host's number.
    pub requester: i64,
}

/// What an owner was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationRequest {
    /// Its id.
    pub id: InstallationRequestId,
    /// The organization.
    pub organization: OrganizationId,
    /// The application.
    pub application: ApplicationId,
    /// What that is for.
    pub slot: Slot,
    /// The account's name.
    pub account: String,
    /// The account, by the host's number.
    pub account_id: i64,
    /// Who asked here.
    pub person: Option<PersonId>,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// The installation, once an owner has made it.
    pub installation: Option<i64>,
}

impl Scoped {
    /// Notes that an owner was asked; asking again begins anew.
    #[instrument(name = "store.installation_requests.add", skip_all, fields(organization = %new.organization))]
    pub async fn note_installation_request(
        &self,
        new: &NewInstallationRequest,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        self.lock_organization(&mut tx, new.organization).await?;
        sqlx::query!(
            r#"
            INSERT INTO installation_requests (
                tenant_id, id, organization_id, application_id, account_id, account,
                requester_id, person_id, requested_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT ON CONSTRAINT installation_requests_key DO UPDATE
            SET
                account = EXCLUDED.account,
                requester_id = EXCLUDED.requester_id,
                person_id = EXCLUDED.person_id,
                requested_at = EXCLUDED.requested_at,
                installation_id = NULL,
                approved_at = NULL
            "#,
            self.tenant.0,
            InstallationRequestId::new().0,
            new.organization.0,
            new.application.0,
            new.account_id,
            new.account,
            new.requester,
            self.actor.person.map(|person| person.0),
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What owners were asked for on behalf of an organization.
    #[instrument(name = "store.installation_requests.list", skip_all, fields(organization = %organization))]
    pub async fn installation_requests(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<InstallationRequest>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT
                r.id,
                r.application_id,
                a.slot,
                r.account,
                r.account_id,
                r.person_id,
                r.requested_at,
                r.installation_id
            FROM installation_requests r
            JOIN applications a ON a.id = r.application_id
            WHERE r.tenant_id = $1 AND r.organization_id = $2
            ORDER BY r.requested_at, r.id
            "#,
            self.tenant.0,
            organization.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(InstallationRequest {
                    id: InstallationRequestId(row.id),
                    organization,
                    application: ApplicationId(row.application_id),
                    slot: decode::text("an application's slot", &row.slot)?,
                    account: row.account,
                    account_id: row.account_id,
                    person: row.person_id.map(PersonId),
                    requested_at: row.requested_at,
                    installation: row.installation_id,
                })
            })
            .collect()
    }

    /// Forgets what was asked for: it was taken.
    pub(crate) async fn close_request(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: InstallationRequestId,
    ) -> Result<(), Error> {
        sqlx::query!(
            "DELETE FROM installation_requests WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}
