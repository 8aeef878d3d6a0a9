//! Between the password and the one-time code.

use chrono::TimeDelta;
use domain::{Email, PersonId};
use tracing::instrument;

use super::People;
use crate::{Error, decode};

/// How long the question for the code waits.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

impl People {
    /// Keeps that somebody has given the right password and is asked for a code.
    #[instrument(name = "store.sign_ins.begin", skip_all)]
    pub async fn begin_sign_in(
        &self,
        person: PersonId,
        token_hash: &[u8; 32],
    ) -> Result<(), Error> {
        let now = self.db.clock.now();
        let mut tx = self.db.begin().await?;
        sqlx::query!("DELETE FROM sign_ins WHERE begun_at <= $1", now - PATIENCE)
            .execute(&mut *tx)
            .await?;
        sqlx::query!(
            "INSERT INTO sign_ins (token_hash, person_id, begun_at) VALUES ($1, $2, $3)",
            token_hash.as_slice(),
            person.0,
            now,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Who is asked for a code.
    #[instrument(name = "store.sign_ins.look", skip_all)]
    pub async fn signing_in(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<(PersonId, Email)>, Error> {
        let row = sqlx::query!(
            r#"
            SELECT p.id, p.email
            FROM sign_ins s
            JOIN people p ON p.id = s.person_id
            WHERE s.token_hash = $1 AND s.begun_at > $2
            "#,
            token_hash.as_slice(),
            self.db.clock.now() - PATIENCE,
        )
        .fetch_optional(&self.db.pool)
        .await?;
        row.map(|row| {
            Ok((
                PersonId(row.id),
                decode::text("an e-mail address", &row.email)?,
            ))
        })
        .transpose()
    }

    /// Forgets that somebody was asked, once she has answered.
    #[instrument(name = "store.sign_ins.end", skip_all)]
    pub async fn end_sign_in(&self, token_hash: &[u8; 32]) -> Result<(), Error> {
        sqlx::query!(
            "DELETE FROM sign_ins WHERE token_hash = $1",
            token_hash.as_slice()
        )
        .execute(&self.db.pool)
        .await?;
        Ok(())
    }
}
