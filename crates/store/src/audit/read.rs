//! Reading the audit log: newest first, a page at a time.

use chrono::{DateTime, Utc};
use domain::{PersonId, TenantId};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::{Error, People, Scoped};

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct AuditEntry {
    /// Its id.
    pub id: Uuid,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// Who did it, if it was a person who had signed in.
    #[sqlx(rename = "person_id")]
    person: Option<Uuid>,
    /// Who did it, as she was called then.
    pub person_name: String,
    /// From where.
    pub address: Option<String>,
    /// `noun.verb`.
    pub action: String,
    /// The kind of thing it was done to.
    pub subject_kind: String,
    /// The id of the thing.
    pub subject_id: Uuid,
    /// What the thing was called then.
    pub subject_name: String,
    /// How it was before.
    pub before: Option<Value>,
    /// How it was afterwards.
    pub after: Option<Value>,
}

impl AuditEntry {
    /// Who did it, if it was a person who had signed in.
    pub fn person(&self) -> Option<PersonId> {
        self.person.map(PersonId)
    }

    /// Its place in the log: what a list of older entries begins after.
    pub fn place(&self) -> AuditPlace {
        AuditPlace {
            at: self.at,
            id: self.id,
        }
    }
}

/// A place in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditPlace {
    /// When.
    pub at: DateTime<Utc>,
    /// Which of the entries of that time.
    pub id: Uuid,
}

/// Which entries are wanted; what is `None` or empty does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Who did it, as the log names her.
    pub person_name: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// What it was done to.
    pub subject: Option<Uuid>,
    /// Not before this time.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
    /// Words that the entry holds, all of them, in whatever case.
    pub search: String,
}

/// What the entries of a log can be narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditWords {
    /// Who has done something, in alphabetical order.
    pub person_names: Vec<String>,
    /// What was done, in alphabetical order.
    pub actions: Vec<String>,
}

impl Scoped {
    /// Everybody and every action that the tenant's log names.
    #[instrument(name = "store.audit.words", skip_all)]
    pub async fn audit_words(&self) -> Result<AuditWords, Error> {
        let mut tx = self.begin().await?;
        let words = words(&mut tx, Some(self.tenant)).await?;
        tx.commit().await?;
        Ok(words)
    }

    /// Entries of the tenant's log, newest first: those older than a place, at most so many.
    #[instrument(name = "store.audit.list", skip_all)]
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        older_than: Option<AuditPlace>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        let mut tx = self.begin().await?;
        let entries = entries(&mut tx, Some(self.tenant), filter, older_than, limit).await?;
        tx.commit().await?;
        Ok(entries)
    }
}

impl People {
    /// Everybody and every action that the installation's own log names.
    #[instrument(name = "store.audit.installation_words", skip_all)]
    pub async fn audit_words(&self) -> Result<AuditWords, Error> {
        let mut tx = self.db.begin().await?;
        let words = words(&mut tx, None).await?;
        tx.commit().await?;
        Ok(words)
    }

    /// Entries of the installation's own log, newest first: those older than a place, at most so many.
    #[instrument(name = "store.audit.installation_list", skip_all)]
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        older_than: Option<AuditPlace>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        let mut tx = self.db.begin().await?;
        let entries = entries(&mut tx, None, filter, older_than, limit).await?;
        tx.commit().await?;
        Ok(entries)
    }
}

/// It jumps from one name to the next, however many entries there are.
async fn words(
    tx: &mut Transaction<'static, Postgres>,
    tenant: Option<TenantId>,
) -> Result<AuditWords, Error> {
    let mut found = AuditWords::default();
    for (column, names) in [
        ("person_name", &mut found.person_names),
        ("action", &mut found.actions),
    ] {
        let mut query = QueryBuilder::<Postgres>::new("WITH RECURSIVE word (name) AS ((SELECT ");
        query.push(column).push(" FROM audit WHERE ");
        of(&mut query, tenant);
        query.push(" ORDER BY 1 LIMIT 1) UNION ALL SELECT (SELECT ");
        query.push(column).push(" FROM audit WHERE ");
        of(&mut query, tenant);
        query
            .push(" AND ")
            .push(column)
            .push(" > word.name ORDER BY 1 LIMIT 1) FROM word WHERE word.name IS NOT NULL)")
            .push(" SELECT name FROM word WHERE name IS NOT NULL");
        *names = query.build_query_scalar().fetch_all(&mut **tx).await?;
    }
    Ok(found)
}

async fn entries(
    tx: &mut Transaction<'static, Postgres>,
    tenant: Option<TenantId>,
    filter: &AuditFilter,
    older_than: Option<AuditPlace>,
    limit: u32,
) -> Result<Vec<AuditEntry>, Error> {
    let mut query = QueryBuilder::<Postgres>::new(
        "SELECT id, at, person_id, person_name, address, action, \
         subject_kind, subject_id, subject_name, before, after FROM audit WHERE ",
    );
    of(&mut query, tenant);
    if let Some(name) = &filter.person_name {
        query.push(" AND person_name = ").push_bind(name);
    }
    if let Some(action) = &filter.action {
        query.push(" AND action = ").push_bind(action);
    }
    if let Some(subject) = filter.subject {
        query.push(" AND subject_id = ").push_bind(subject);
    }
    if let Some(from) = filter.from {
        query.push(" AND at >= ").push_bind(from);
    }
    if let Some(until) = filter.until {
        query.push(" AND at < ").push_bind(until);
    }
    for word in filter.search.split_whitespace() {
        query
            .push(" AND strpos(searched, lower(")
            .push_bind(word)
            .push(")) > 0");
    }
    if let Some(place) = older_than {
        query
            .push(" AND (at, id) < (")
            .push_bind(place.at)
            .push(", ")
            .push_bind(place.id)
            .push(")");
    }
    query
        .push(" ORDER BY at DESC, id DESC LIMIT ")
        .push_bind(i64::from(limit));
    Ok(query.build_query_as().fetch_all(&mut **tx).await?)
}

/// Whose log: both conditions use the indexes, which `IS NOT DISTINCT FROM` does not.
fn of(query: &mut QueryBuilder<Postgres>, tenant: Option<TenantId>) {
    match tenant {
        Some(tenant) => query.push("tenant_id = ").push_bind(tenant.0),
        None => query.push("tenant_id IS NULL"),
    };
}
