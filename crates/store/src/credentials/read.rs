//! Reading credentials.

use domain::{ApplicationId, CredentialId, Health, OrganizationId, SecretId};
use tracing::instrument;

use super::{Credential, Source};
use crate::{Error, Scoped, decode};

impl Scoped {
    /// An organization's credentials, the main one first, then by name.
    #[instrument(name = "store.credentials.list", skip_all, fields(organization = %organization))]
    pub async fn credentials(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<Credential>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT
                c.id,
                c.name,
                c.login,
                c.role,
                c.kind,
                c.bucket,
                c.reserve_percent,
                c.secret_id,
                s.name AS "secret_name?",
                s.version AS "secret_version?",
                c.application_id,
                c.account_id,
                c.installation_id,
                a.slot AS "slot?",
                a.key_version AS "key_version?",
                c.scopes,
                c.expires_at,
                c.health,
                c.health_reason,
                c.checked_at,
                c.created_at,
                ARRAY(
                    SELECT p.name
                    FROM plans p
                    LEFT JOIN plan_credentials u
                        ON u.tenant_id = p.tenant_id AND u.plan_id = p.id AND u.credential_id = c.id
                    WHERE p.tenant_id = c.tenant_id
                        AND p.organization_id = c.organization_id
                        AND p.removed_at IS NULL
                        AND (c.role = 'main' OR (u.plan_id IS NOT NULL AND p.additional_credentials))
                    ORDER BY p.name
                ) AS "used_by!: Vec<String>"
            FROM credentials c
            LEFT JOIN secrets s ON s.tenant_id = c.tenant_id AND s.id = c.secret_id
            LEFT JOIN applications a ON a.id = c.application_id
            WHERE c.tenant_id = $1 AND c.organization_id = $2 AND c.removed_at IS NULL
            ORDER BY c.role <> 'main', c.name
            "#,
            self.tenant.0,
            organization.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                let application = row.application_id.map(ApplicationId);
                let source = if let (Some(secret), Some(name), Some(version)) =
                    (row.secret_id, row.secret_name, row.secret_version)
                {
                    Source::Entry {
                        secret: SecretId(secret),
                        name: decode::text("an entry's name", &name)?,
                        version,
                        application,
                    }
                } else if let (Some(application), Some(slot), Some(account)) =
                    (application, row.slot, row.account_id)
                {
                    Source::Installation {
                        application,
                        slot: decode::text("an application's slot", &slot)?,
                        account,
                        number: row.installation_id,
                        key_version: row.key_version.unwrap_or_default(),
                    }
                } else {
                    return Err(sourceless());
                };
                Ok(Credential {
                    id: CredentialId(row.id),
                    organization,
                    name: decode::text("a credential's name", &row.name)?,
                    login: row.login,
                    role: decode::word("a role", &row.role)?,
                    kind: decode::word("a kind of credential", &row.kind)?,
                    bucket: decode::text("a bucket", &row.bucket)?,
                    reserve_percent: u8::try_from(row.reserve_percent).unwrap_or(100),
                    source,
                    scopes: row.scopes,
                    expires_at: row.expires_at,
                    health: health(&row.health, row.health_reason)?,
                    checked_at: row.checked_at,
                    created_at: row.created_at,
                    used_by: row
                        .used_by
                        .iter()
                        .map(|name| decode::text("a plan's name", name))
                        .collect::<Result<_, _>>()?,
                })
            })
            .collect()
    }
}

pub(crate) fn health(word: &str, reason: Option<String>) -> Result<Health, Error> {
    match word {
        "healthy" => Ok(Health::Healthy),
        "paused" => Ok(Health::Paused),
        "dead" => Ok(Health::Dead {
            reason: reason.unwrap_or_default(),
        }),
        other => Err(Error::Unreadable {
            what: "a credential's health",
            detail: other.to_owned(),
        }),
    }
}

fn sourceless() -> Error {
    Error::Unreadable {
        what: "a credential",
        detail: "it has neither a token nor an application".to_owned(),
    }
}
