//! Checks: trials of tokens at their hosts. A person asks for one, a worker does it, and what it finds becomes rows again.
//!
//! A token that was given for a trial lies sealed in the check and is wiped when the trial ends: what was accepted is an entry
//! of the Password Manager by then, what was refused is nowhere.

use chrono::{DateTime, Utc};
use domain::{
    CheckId, CheckState, CredentialId, Errand, Findings, Host, Name, OrganizationId, Refusal,
    Secret, SecretId, Step,
};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::bell::announce;
use crate::{Error, Scoped, Sealer, TokenSource, decode};

mod accept;
mod work;

pub use accept::{Accepted, Seen};
pub use work::ClaimedCheck;

/// A check to ask for.
#[derive(Debug, Clone)]
pub struct NewCheck {
    /// What for.
    pub errand: Errand,
    /// The token; nothing for a credential that is checked again, which has one.
    pub token: Option<TokenSource>,
    /// The same text asks only once, however often it comes.
    pub once: Option<String>,
}

/// A check, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its id.
    pub id: CheckId,
    /// What for.
    pub errand: Errand,
    /// How far it is.
    pub state: CheckState,
    /// The entry that is tried, if one was picked.
    pub secret: Option<SecretId>,
    /// The steps that were begun; all but the last are done.
    pub steps: Vec<Step>,
    /// What the host said, once it is accepted.
    pub findings: Option<Findings>,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
    /// The organization that it is about, or that it made.
    pub organization: Option<(OrganizationId, Name)>,
    /// The host that is asked, if it is one.
    pub host: Option<Host>,
    /// The credential that it is about, or that it made.
    pub credential: Option<(CredentialId, Name)>,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// What a check is about before it has begun.
#[derive(Debug, Default)]
struct Subject {
    organization: Option<OrganizationId>,
    credential: Option<CredentialId>,
    secret: Option<SecretId>,
}

impl Scoped {
    /// Asks for a check.
    #[instrument(name = "store.checks.request", skip_all, fields(kind = new.errand.word()))]
    pub async fn request_check(&self, sealer: &Sealer, new: NewCheck) -> Result<CheckId, Error> {
        let mut tx = self.begin().await?;
        let id = self.request_check_in(&mut tx, sealer, new).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub(crate) async fn request_check_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        sealer: &Sealer,
        new: NewCheck,
    ) -> Result<CheckId, Error> {
        let id = CheckId::new();
        let mut subject = self.subject(tx, &new.errand).await?;
        let (key_version, content) = match &new.token {
            Some(TokenSource::New(token)) => {
                let (version, content) = self
                    .seal_in(tx, sealer, SecretId(id.0), FIRST, token)
                    .await?;
                (Some(version), Some(content))
            }
            Some(TokenSource::Entry(secret)) => {
                self.lock_token(tx, *secret).await?;
                subject.secret = Some(*secret);
                (None, None)
            }
            // What an application asks for itself is not tried: it is proven first.
            Some(TokenSource::Grant { .. } | TokenSource::Installation(_)) | None => (None, None),
        };
        let asked = sqlx::query!(
            r#"
            INSERT INTO checks (
                tenant_id, id, errand, state, secret_id, key_version, sealed,
                organization_id, credential_id, asked_by, once, requested_at
            )
            VALUES ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, $10, $11)
            ON CONFLICT ON CONSTRAINT checks_once_key DO NOTHING
            "#,
            self.tenant.0,
            id.0,
            decode::to_json("an errand", &new.errand)?,
            subject.secret.map(|id| id.0),
            key_version,
            content,
            subject.organization.map(|id| id.0),
            subject.credential.map(|id| id.0),
            decode::to_json("an actor", &self.actor)?,
            new.once,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await?;
        if asked.rows_affected() == 0 {
            let first = sqlx::query_scalar!(
                "SELECT id FROM checks WHERE tenant_id = $1 AND once = $2",
                self.tenant.0,
                new.once,
            )
            .fetch_one(&mut **tx)
            .await?;
            return Ok(CheckId(first));
        }
        announce(tx).await?;
        Ok(id)
    }

    async fn subject(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        errand: &Errand,
    ) -> Result<Subject, Error> {
        match errand {
            Errand::Register { .. } => Ok(Subject::default()),
            Errand::Add { organization, .. } | Errand::Take { organization, .. } => {
                self.lock_organization(tx, *organization).await?;
                Ok(Subject {
                    organization: Some(*organization),
                    ..Subject::default()
                })
            }
            Errand::Recheck { credential } => {
                let row = sqlx::query!(
                    r#"
                    SELECT organization_id, secret_id
                    FROM credentials
                    WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL
                    "#,
                    self.tenant.0,
                    credential.0,
                )
                .fetch_optional(&mut **tx)
                .await?
                .ok_or(Error::Missing { what: "credential" })?;
                Ok(Subject {
                    organization: Some(OrganizationId(row.organization_id)),
                    credential: Some(*credential),
                    secret: row.secret_id.map(SecretId),
                })
            }
            Errand::Return { purpose, .. } => {
                if let Some(organization) = purpose.organization() {
                    self.lock_organization(tx, organization).await?;
                }
                Ok(Subject {
                    organization: purpose.organization(),
                    ..Subject::default()
                })
            }
            Errand::Replace { secret } | Errand::Rotate { secret } => {
                self.lock_token(tx, *secret).await?;
                Ok(Subject::default())
            }
        }
    }

    /// One check.
    #[instrument(name = "store.checks.find", level = "debug", skip_all, fields(check = %id))]
    pub async fn check(&self, id: CheckId) -> Result<Option<Check>, Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT
                k.errand,
                k.state,
                k.secret_id,
                k.steps,
                k.findings,
                k.refusal,
                k.organization_id,
                o.name AS "organization_name?",
                o.host_kind AS "host_kind?",
                o.host_url AS "host_url?",
                k.credential_id,
                c.name AS "credential_name?",
                k.requested_at,
                k.ended_at
            FROM checks k
            LEFT JOIN organizations o ON o.tenant_id = k.tenant_id AND o.id = k.organization_id
            LEFT JOIN credentials c ON c.tenant_id = k.tenant_id AND c.id = k.credential_id
            WHERE k.tenant_id = $1 AND k.id = $2
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let errand: Errand = decode::json("an errand", row.errand)?;
        let named =
            |name: Option<String>| name.map(|name| decode::text("a name", &name)).transpose();
        let host = match (row.host_kind, row.host_url, &errand) {
            (Some(kind), Some(url), _) => Some(decode::host(&kind, &url)?),
            (_, _, Errand::Register { host, forge, .. } | Errand::Return { host, forge, .. }) => {
                Some(decode::host(forge.as_str(), host)?)
            }
            _ => None,
        };
        Ok(Some(Check {
            id,
            errand,
            state: decode::word("the state of a check", &row.state)?,
            secret: row.secret_id.map(SecretId),
            steps: decode::json("the steps of a check", row.steps)?,
            findings: row
                .findings
                .map(|findings| decode::json("findings", findings))
                .transpose()?,
            refusal: row
                .refusal
                .map(|refusal| decode::json("a refusal", refusal))
                .transpose()?,
            organization: row
                .organization_id
                .map(OrganizationId)
                .zip(named(row.organization_name)?),
            host,
            credential: row
                .credential_id
                .map(CredentialId)
                .zip(named(row.credential_name)?),
            requested_at: row.requested_at,
            ended_at: row.ended_at,
        }))
    }

    /// Opens the token of a check that was not picked from the Password Manager.
    fn open_given(
        &self,
        sealer: &Sealer,
        id: CheckId,
        key: (i32, &[u8]),
        content: &[u8],
    ) -> Result<Secret, Error> {
        let (version, wrapped) = key;
        sealer
            .unwrap(self.tenant, version, wrapped)?
            .open(self.place(SecretId(id.0), FIRST), content)
    }
}

/// The version under which a token that is tried is sealed: it is never set anew.
const FIRST: i32 = 1;

#[cfg(test)]
mod tests;
