//! Ways to a host and back: what somebody has gone for, told by a state that counts once, in one session.

use chrono::TimeDelta;
use domain::{
    ApplicationId, Arrival, CheckId, Errand, Host, MemberRole, Purpose, Secret, SecretId,
    SessionId, Slot, TenantId,
};
use tracing::instrument;
use uuid::Uuid;

use crate::{Actor, Error, Fleet, NewCheck, Scoped, Sealer, TokenSource, decode};

/// Whoever takes longer begins again. An owner may have to be found, and a second factor.
const LIFETIME: TimeDelta = TimeDelta::hours(1);

/// The number under which a verifier is sealed: it is never set anew.
const FIRST: i32 = 1;

/// A way to begin.
#[derive(Debug, Clone)]
pub struct NewAuthorization {
    /// The hash of the state that the host sends back.
    pub state_hash: [u8; 32],
    /// The session that it counts in.
    pub session: SessionId,
    /// The application.
    pub application: ApplicationId,
    /// What for.
    pub purpose: Purpose,
    /// What proves to the host that who comes back is who went; nothing said where the host does not ask.
    pub verifier: Secret,
    /// Where the host was told to send the person back to, which some hosts want to hear a second time.
    pub returns_to: Option<String>,
}

/// What somebody who came back asks to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorized {
    /// In which tenant.
    pub tenant: TenantId,
    /// The check.
    pub check: CheckId,
}

struct Begun {
    tenant: TenantId,
    id: Uuid,
}

impl Scoped {
    /// Begins a way to a host.
    #[instrument(name = "store.authorizations.begin", skip_all, fields(application = %new.application))]
    pub async fn begin_authorization(
        &self,
        sealer: &Sealer,
        new: &NewAuthorization,
    ) -> Result<(), Error> {
        let id = SecretId::new();
        let now = self.db.clock.now();
        let mut tx = self.begin().await?;
        if let Some(organization) = new.purpose.organization() {
            self.lock_organization(&mut tx, organization).await?;
        }
        sqlx::query!(
            "DELETE FROM authorizations WHERE tenant_id = $1 AND expires_at <= $2",
            self.tenant.0,
            now,
        )
        .execute(&mut *tx)
        .await?;
        let (key_version, sealed) = self
            .seal_in(&mut tx, sealer, id, FIRST, &new.verifier)
            .await?;
        sqlx::query!(
            r#"
            INSERT INTO authorizations (
                tenant_id, id, state_hash, session_id, application_id, purpose,
                key_version, sealed, asked_by, created_at, expires_at, returns_to
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            "#,
            self.tenant.0,
            id.0,
            new.state_hash.as_slice(),
            new.session.0,
            new.application.0,
            decode::to_json("a purpose", &new.purpose)?,
            key_version,
            sealed,
            decode::to_json("an actor", &self.actor)?,
            now,
            now + LIFETIME,
            new.returns_to,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Fleet {
    /// Somebody has come back from a host. What she brought is sealed and asked to be checked; the state has counted from here on.
    ///
    /// Nothing, if nobody went with that state from this session, it has counted already, it is too old, or whoever went may not
    /// do any more in the tenant what she went for.
    #[instrument(name = "store.authorizations.return", skip_all)]
    pub async fn came_back(
        &self,
        sealer: &Sealer,
        state_hash: [u8; 32],
        session: SessionId,
        arrival: Arrival,
        code: Option<&Secret>,
    ) -> Result<Option<Authorized>, Error> {
        let Some(begun) = self.begun(state_hash, session).await? else {
            return Ok(None);
        };
        let scoped = self.db.tenant(begun.tenant);
        let mut tx = scoped.begin().await?;
        let row = sqlx::query!(
            r#"
            WITH taken AS (
                DELETE FROM authorizations
                WHERE tenant_id = $1 AND id = $2
                RETURNING application_id, purpose, key_version, sealed, asked_by, returns_to
            )
            SELECT
                t.application_id,
                t.purpose,
                t.key_version,
                t.sealed,
                t.asked_by,
                t.returns_to,
                k.wrapped,
                a.slot,
                a.host_kind,
                a.host_url
            FROM taken t
            JOIN tenant_keys k ON k.tenant_id = $1 AND k.version = t.key_version
            JOIN applications a ON a.id = t.application_id
            "#,
            begun.tenant.0,
            begun.id,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let verifier = sealer
            .unwrap(begun.tenant, row.key_version, &row.wrapped)?
            .open(scoped.place(SecretId(begun.id), FIRST), &row.sealed)?;
        let host: Host = decode::host(&row.host_kind, &row.host_url)?;
        let slot: Slot = decode::text("an application's slot", &row.slot)?;
        let actor: Actor = decode::json("an actor", row.asked_by)?;
        let errand = Errand::Return {
            application: ApplicationId(row.application_id),
            slot,
            host: host.to_string(),
            forge: host.kind(),
            purpose: decode::json("a purpose", row.purpose)?,
            arrival,
        };
        let brought = Sealed {
            code: code.map(|code| code.expose().to_owned()),
            verifier: verifier.expose().to_owned(),
            returns_to: row.returns_to,
        };
        let new = NewCheck {
            errand,
            token: Some(TokenSource::New(brought.close()?)),
            once: None,
        };
        let check = scoped
            .clone()
            .acting(actor)
            .request_check_in(&mut tx, sealer, new)
            .await?;
        tx.commit().await?;
        Ok(Some(Authorized {
            tenant: begun.tenant,
            check,
        }))
    }

    /// Who went with that state from this session, and may still do what she went for.
    async fn begun(
        &self,
        state_hash: [u8; 32],
        session: SessionId,
    ) -> Result<Option<Begun>, Error> {
        let row = sqlx::query!(
            r#"
            SELECT z.tenant_id, z.id, m.role
            FROM authorizations z
            JOIN sessions s ON s.id = z.session_id
            JOIN memberships m ON m.person_id = s.person_id AND m.tenant_id = z.tenant_id
            WHERE z.state_hash = $1 AND z.session_id = $2 AND z.expires_at > $3
            "#,
            state_hash.as_slice(),
            session.0,
            self.db.clock.now(),
        )
        .fetch_optional(&self.db.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let role: MemberRole = decode::text("a member's role", &row.role)?;
        Ok((role >= MemberRole::Admin).then_some(Begun {
            tenant: TenantId(row.tenant_id),
            id: row.id,
        }))
    }
}

/// What somebody brought back, with what proves that she is who went.
#[derive(Debug, Clone)]
pub struct Brought {
    /// What the host gave her; nothing if she came without.
    pub code: Option<Secret>,
    /// What proves to the host that who comes back is who went; empty where it does not ask.
    pub verifier: Secret,
    /// Where the host was told to send her.
    pub returns_to: Option<String>,
}

/// The same as it is sealed.
#[derive(serde::Serialize, serde::Deserialize)]
struct Sealed {
    code: Option<String>,
    verifier: String,
    #[serde(default)]
    returns_to: Option<String>,
}

impl Sealed {
    fn close(&self) -> Result<Secret, Error> {
        serde_json::to_string(self)
            .map(Secret::new)
            .map_err(|_error: serde_json::Error| unreadable())
    }
}

fn unreadable() -> Error {
    Error::Unreadable {
        what: "what came back from a host",
        detail: "it is not what was kept".to_owned(),
    }
}

/// What is sealed in the check of somebody's return.
pub fn brought(sealed: &Secret) -> Result<Brought, Error> {
    let sealed: Sealed =
        serde_json::from_str(sealed.expose()).map_err(|_error: serde_json::Error| unreadable())?;
    Ok(Brought {
        code: sealed.code.map(Secret::new),
        verifier: Secret::new(sealed.verifier),
        returns_to: sealed.returns_to,
    })
}

#[cfg(test)]
mod tests;
