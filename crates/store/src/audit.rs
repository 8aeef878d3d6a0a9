//! The audit log: who changed what and who read something sensitive, from where, and how it was before and after.
//!
//! An entry is written in the transaction of what it tells of, so that neither exists without the other. The database
//! refuses to change or delete one. An entry keeps names, not references, and so still reads well when what it names is
//! gone. It never holds a secret: callers name the fields that they keep.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::{PersonId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::{Error, Scoped};

mod read;

pub use read::{AuditEntry, AuditFilter, AuditPlace, AuditWords};

/// On whose behalf something is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The person, if one has signed in.
    pub person: Option<PersonId>,
    /// The name that the log shows.
    pub name: String,
    /// Where the request came from.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// A person at the command line of the server, who needs no account.
    pub fn command_line() -> Self {
        Self {
            person: None,
            name: "Command line".to_owned(),
            address: None,
        }
    }

    /// Holdfast by itself: schedules, discovery, retention.
    pub fn scheduler() -> Self {
        Self {
            person: None,
            name: "Holdfast".to_owned(),
            address: None,
        }
    }
}

/// What was done, for the audit log.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    /// `noun.verb`, such as `plan.edit`.
    pub action: &'static str,
    /// The kind, id and name of what it was done to.
    pub subject: (&'static str, Uuid, &'a str),
    /// How it was before, without secrets.
    pub before: Option<Value>,
    /// How it is now, without secrets.
    pub after: Option<Value>,
}

impl Scoped {
    /// Writes what a transaction does into the tenant's audit log.
    pub(crate) async fn note(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        act: Act<'_>,
    ) -> Result<(), Error> {
        write(tx, Some(self.tenant), self.db.clock.now(), &self.actor, act).await
    }

    /// Writes into the audit log what changes nothing but must be known: that something sensitive was read.
    #[instrument(name = "store.audit.record", skip_all, fields(action = act.action))]
    pub async fn record(&self, act: Act<'_>) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        self.note(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Writes an entry into the log of a tenant, or of the installation itself.
pub(crate) async fn write(
    tx: &mut Transaction<'static, Postgres>,
    tenant: Option<TenantId>,
    at: DateTime<Utc>,
    actor: &Actor,
    act: Act<'_>,
) -> Result<(), Error> {
    let (kind, id, name) = act.subject;
    sqlx::query!(
        r#"
        INSERT INTO audit (
            tenant_id, id, at, person_id, person_name, address,
            action, subject_kind, subject_id, subject_name, before, after
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        "#,
        tenant.map(|tenant| tenant.0),
        Uuid::now_v7(),
        at,
        actor.person.map(|person| person.0),
        actor.name,
        actor.address.map(|address| address.to_string()),
        act.action,
        kind,
        id,
        name,
        act.before,
        act.after,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
