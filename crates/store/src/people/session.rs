//! Sessions: the browsers that somebody has signed in with.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{PersonId, SessionId};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use super::People;
use crate::error::found;
use crate::{Actor, Error};

/// How long a session lives without a request.
pub(super) const IDLE: TimeDelta = TimeDelta::hours(12);

/// How long a session lives at most.
pub(super) const ABSOLUTE: TimeDelta = TimeDelta::days(30);

/// As much of what a browser says of itself as is kept, in characters.
const AGENT_MAX: usize = 300;

/// A session to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Who has signed in.
    pub person: PersonId,
    /// The hash of the token in the cookie.
    pub token_hash: [u8; 32],
    /// From where.
    pub address: IpAddr,
    /// With what, as the browser says.
    pub agent: String,
}

/// A browser that somebody has signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// From where it was begun.
    pub address: String,
    /// With what, as the browser says.
    pub agent: String,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When the last request came, within a minute.
    pub last_seen_at: DateTime<Utc>,
}

impl People {
    /// Begins a session, and sweeps those away that nobody can use any more.
    #[instrument(name = "store.sessions.open", skip_all)]
    pub async fn open_session(&self, new: NewSession) -> Result<SessionId, Error> {
        let id = SessionId::new();
        let now = self.db.clock.now();
        let agent: String = new
            .agent
            .chars()
            .filter(|c| !c.is_control())
            .take(AGENT_MAX)
            .collect();
        let mut tx = self.db.begin().await?;
        sqlx::query!(
            "DELETE FROM sessions WHERE last_seen_at <= $1 OR person_id = $2 AND created_at <= $3",
            now - IDLE,
            new.person.0,
            now - ABSOLUTE,
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            r#"
            INSERT INTO sessions (id, person_id, token_hash, address, agent, created_at, last_seen_at)
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            "#,
            id.0,
            new.person.0,
            new.token_hash.as_slice(),
            new.address.to_string(),
            agent,
            now,
        )
        .execute(&mut *tx)
        .await?;
        self.clone()
            .acting(Actor {
                person: Some(new.person),
                name: String::new(),
                address: Some(new.address),
            })
            .note_person(
                &mut tx,
                new.person,
                "person.sign_in",
                None,
                Some(json!({ "agent": agent })),
            )
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// A person's living sessions, the last used first.
    #[instrument(name = "store.sessions.list", skip_all)]
    pub async fn sessions(&self, of: PersonId) -> Result<Vec<Session>, Error> {
        let now = self.db.clock.now();
        let rows = sqlx::query!(
            r#"
            SELECT id, address, agent, created_at, last_seen_at
            FROM sessions
            WHERE person_id = $1 AND last_seen_at > $2 AND created_at > $3
            ORDER BY last_seen_at DESC, id
            "#,
            of.0,
            now - IDLE,
            now - ABSOLUTE,
        )
        .fetch_all(&self.db.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Session {
                id: SessionId(row.id),
                address: row.address,
                agent: row.agent,
                created_at: row.created_at,
                last_seen_at: row.last_seen_at,
            })
            .collect())
    }

    /// Ends one of a person's sessions; one that has ended already is no error.
    #[instrument(name = "store.sessions.close", skip_all)]
    pub async fn close_session(&self, id: SessionId, of: PersonId) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let result = sqlx::query!(
            "DELETE FROM sessions WHERE id = $1 AND person_id = $2",
            id.0,
            of.0,
        )
        .execute(&mut *tx)
        .await?;
        if result.rows_affected() > 0 {
            self.note_person(&mut tx, of, "person.sign_out", None, None)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Ends all of a person's sessions but one, and says how many.
    #[instrument(name = "store.sessions.close_others", skip_all)]
    pub async fn close_other_sessions(&self, of: PersonId, keep: SessionId) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let closed = close_others(&mut tx, of, keep).await?;
        if closed > 0 {
            self.note_person(
                &mut tx,
                of,
                "person.sign_out_others",
                None,
                Some(json!({ "sessions": closed })),
            )
            .await?;
        }
        tx.commit().await?;
        Ok(closed)
    }

    /// Changes a person's password: her other sessions end, and the one that is kept goes on under another token.
    #[instrument(name = "store.people.change_password", skip_all)]
    pub async fn change_password(
        &self,
        person: PersonId,
        password_hash: &str,
        keep: SessionId,
        token_hash: &[u8; 32],
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        self.put_password(&mut tx, person, password_hash).await?;
        close_others(&mut tx, person, keep).await?;
        let result = sqlx::query!(
            "UPDATE sessions SET token_hash = $3 WHERE id = $1 AND person_id = $2",
            keep.0,
            person.0,
            token_hash.as_slice(),
        )
        .execute(&mut *tx)
        .await?;
        found("session", "store.sessions.rotate", &result)?;
        self.note_person(&mut tx, person, "person.change_password", None, None)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn close_others(
    tx: &mut Transaction<'static, Postgres>,
    of: PersonId,
    keep: SessionId,
) -> Result<u64, Error> {
    let result = sqlx::query!(
        "DELETE FROM sessions WHERE person_id = $1 AND id <> $2",
        of.0,
        keep.0,
    )
    .execute(&mut **tx)
    .await?;
    Ok(result.rows_affected())
}
