//! Reading the audit log: newest first, a page at a time.

use chrono::{DateTime, Utc};
use domain::PersonId;
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};
use tracing::instrument;
use uuid::Uuid;

use crate::{Error, Scoped};

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
    /// Everybody and every action that the log names. It jumps from one to the next, however many entries there are.
    #[instrument(name = "store.audit.words", skip_all)]
    pub async fn audit_words(&self) -> Result<AuditWords, Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            WITH RECURSIVE
            person (name) AS (
                (SELECT person_name FROM audit WHERE tenant_id = $1 ORDER BY person_name LIMIT 1)
                UNION ALL
                SELECT (
                    SELECT a.person_name FROM audit a
                    WHERE a.tenant_id = $1 AND a.person_name > person.name ORDER BY a.person_name LIMIT 1
                )
                FROM person
                WHERE person.name IS NOT NULL
            ),
            act (name) AS (
                (SELECT action FROM audit WHERE tenant_id = $1 ORDER BY action LIMIT 1)
                UNION ALL
                SELECT (
                    SELECT a.action FROM audit a
                    WHERE a.tenant_id = $1 AND a.action > act.name ORDER BY a.action LIMIT 1
                )
                FROM act
                WHERE act.name IS NOT NULL
            )
            SELECT
                ARRAY(SELECT name FROM person WHERE name IS NOT NULL) AS "person_names!",
                ARRAY(SELECT name FROM act WHERE name IS NOT NULL) AS "actions!"
            "#,
            self.tenant.0,
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(AuditWords {
            person_names: row.person_names,
            actions: row.actions,
        })
    }

    /// Entries of the audit log, newest first: those older than a place, at most so many.
    #[instrument(name = "store.audit.list", skip_all)]
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        older_than: Option<AuditPlace>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        let mut query = QueryBuilder::<Postgres>::new(
            "SELECT id, at, person_id, person_name, address, action, \
             subject_kind, subject_id, subject_name, before, after FROM audit WHERE tenant_id = ",
        );
        query.push_bind(self.tenant.0);
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
        let mut tx = self.begin().await?;
        let entries = query.build_query_as().fetch_all(&mut *tx).await?;
        tx.commit().await?;
        Ok(entries)
    }
}
