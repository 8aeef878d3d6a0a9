//! Installations that an owner on the host was asked for. An approval that comes later is offered to who asked.

use chrono::{DateTime, Utc};
use domain::{ApplicationId, InstallationRequestId, OrganizationId, PersonId, Slot, TenantId};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::bell::announce;
use crate::{Act, Error, Fleet, Scoped, decode};

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

/// A request that no owner is known to have answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// Its id.
    pub id: InstallationRequestId,
    /// The account's name.
    pub account: String,
    /// The account, by the host's number.
    pub account_id: i64,
    /// Who asked, by the host's number.
    pub requester: i64,
    /// When it was last known to be open on the host.
    pub open_at: DateTime<Utc>,
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
        let id = sqlx::query_scalar!(
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
                approved_at = NULL,
                pending_at = NULL
            RETURNING id
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
        .fetch_one(&mut *tx)
        .await?;
        let act = Act {
            action: "installation_request.add",
            subject: ("installation_request", id, &new.account),
            before: None,
            after: Some(
                json!({ "organization": new.organization, "application": new.application }),
            ),
        };
        self.note(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets what was asked for, answered or not: nobody is offered it any more.
    #[instrument(name = "store.installation_requests.dismiss", skip_all, fields(request = %id))]
    pub async fn dismiss_installation_request(
        &self,
        id: InstallationRequestId,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            DELETE FROM installation_requests
            WHERE tenant_id = $1 AND id = $2
            RETURNING organization_id, application_id, account, installation_id
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing {
            what: "request for an installation",
        })?;
        let act = Act {
            action: "installation_request.dismiss",
            subject: ("installation_request", id.0, &row.account),
            before: Some(json!({
                "organization": row.organization_id,
                "application": row.application_id,
                "installation": row.installation_id,
            })),
            after: None,
        };
        self.note(&mut tx, act).await?;
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

impl Fleet {
    /// The requests for an application that no owner is known to have answered.
    #[instrument(name = "store.installation_requests.open", level = "debug", skip_all, fields(application = %application))]
    pub async fn open_installation_requests(
        &self,
        application: ApplicationId,
    ) -> Result<Vec<OpenRequest>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                tenant_id,
                id,
                account,
                account_id,
                requester_id,
                coalesce(pending_at, requested_at) AS "open_at!"
            FROM installation_requests
            WHERE application_id = $1 AND installation_id IS NULL
            ORDER BY requested_at, id
            "#,
            application.0,
        )
        .fetch_all(&self.db.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| OpenRequest {
                tenant: TenantId(row.tenant_id),
                id: InstallationRequestId(row.id),
                account: row.account,
                account_id: row.account_id,
                requester: row.requester_id,
                open_at: row.open_at,
            })
            .collect())
    }

    /// Notes that the host lists a request as open.
    #[instrument(
        name = "store.installation_requests.pending",
        level = "debug",
        skip_all
    )]
    pub async fn note_request_pending(&self, request: &OpenRequest) -> Result<(), Error> {
        sqlx::query!(
            "UPDATE installation_requests SET pending_at = $3 WHERE tenant_id = $1 AND id = $2",
            request.tenant.0,
            request.id.0,
            self.db.clock.now(),
        )
        .execute(&self.db.pool)
        .await?;
        Ok(())
    }

    /// Offers an installation that has taken the place of an open request, unless the host has told by itself who had asked for it:
    /// then that counts. Says whether it did.
    #[instrument(name = "store.installation_requests.offer", skip_all, fields(request = %request.id))]
    pub async fn offer_installation(
        &self,
        application: ApplicationId,
        request: &OpenRequest,
        installation: i64,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE installation_requests r
            SET installation_id = $4, approved_at = $5
            WHERE r.tenant_id = $1
                AND r.id = $2
                AND r.application_id = $3
                AND r.installation_id IS NULL
                AND NOT EXISTS (
                    SELECT 1
                    FROM messages m
                    WHERE m.application_id = $3
                        AND m.notice ->> 'kind' = 'installed'
                        AND (m.notice ->> 'installation')::bigint = $4
                )
            "#,
            request.tenant.0,
            request.id.0,
            application.0,
            installation,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        let is_new = result.rows_affected() > 0;
        if is_new {
            announce(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(is_new)
    }
}
