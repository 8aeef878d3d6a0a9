//! Whose audit log is read.

use std::fmt::Display;

use store::{Act, AuditEntry, AuditFilter, AuditPlace, AuditWords, People, Scoped};

use crate::Console;
use crate::error::Error;
use crate::extract::{Member, ServiceOperator};

/// The log of a tenant, or of the installation itself, and who reads it.
#[derive(Debug, Clone)]
pub(super) enum Log {
    Tenant { scoped: Scoped, name: String },
    Installation { people: People },
}

impl Log {
    pub(super) fn of(member: &Member) -> Self {
        Self::Tenant {
            scoped: member.scoped.clone(),
            name: member.tenant_name.to_string(),
        }
    }

    pub(super) fn of_installation(console: &Console, operator: &ServiceOperator) -> Self {
        Self::Installation {
            people: console.db.people().acting(operator.0.actor()),
        }
    }

    /// What the log is of, as a part of a file's name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Tenant { name, .. } => name,
            Self::Installation { .. } => "installation",
        }
    }

    pub(super) fn is_of_installation(&self) -> bool {
        matches!(self, Self::Installation { .. })
    }

    pub(super) fn url(&self, rest: impl Display) -> String {
        match self {
            Self::Tenant { name, .. } => format!("/t/{name}/audit{rest}"),
            Self::Installation { .. } => format!("/audit{rest}"),
        }
    }

    pub(super) async fn words(&self) -> Result<AuditWords, Error> {
        Ok(match self {
            Self::Tenant { scoped, .. } => scoped.audit_words().await?,
            Self::Installation { people } => people.audit_words().await?,
        })
    }

    pub(super) async fn entries(
        &self,
        filter: &AuditFilter,
        older_than: Option<AuditPlace>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        Ok(match self {
            Self::Tenant { scoped, .. } => scoped.audit(filter, older_than, limit).await?,
            Self::Installation { people } => people.audit(filter, older_than, limit).await?,
        })
    }

    pub(super) async fn record(&self, act: Act<'_>) -> Result<(), Error> {
        match self {
            Self::Tenant { scoped, .. } => scoped.record(act).await?,
            Self::Installation { people } => people.record(act).await?,
        }
        Ok(())
    }
}
