//! The second factor: one-time codes by time, and recovery codes for the day that the device is lost.

use domain::{PersonId, Secret};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use super::People;
use crate::error::found;
use crate::{Error, Sealer, seal};

/// A person's one-time codes.
#[derive(Debug, Clone)]
pub struct Totp {
    /// Their seed.
    pub secret: Secret,
    /// Whether the person has shown that her device makes them, and signing in asks for one.
    pub confirmed: bool,
    /// The time step of the last code that was accepted.
    pub last_step: u64,
}

impl People {
    /// A person's one-time codes, confirmed or not.
    #[instrument(name = "store.totps.open", skip_all)]
    pub async fn totp(&self, sealer: &Sealer, person: PersonId) -> Result<Option<Totp>, Error> {
        let row = sqlx::query!(
            r#"SELECT sealed, confirmed_at IS NOT NULL AS "confirmed!", last_step FROM totps WHERE person_id = $1"#,
            person.0,
        )
        .fetch_optional(&self.db.pool)
        .await?;
        row.map(|row| {
            Ok(Totp {
                secret: sealer.open_totp(person, &row.sealed)?,
                confirmed: row.confirmed,
                last_step: u64::try_from(row.last_step).unwrap_or_default(),
            })
        })
        .transpose()
    }

    /// Keeps the seed of codes that the person is about to confirm, in place of another unconfirmed one.
    #[instrument(name = "store.totps.begin", skip_all)]
    pub async fn begin_totp(
        &self,
        sealer: &Sealer,
        person: PersonId,
        secret: &Secret,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        seal::hold_off(&mut tx).await?;
        let result = sqlx::query!(
            r#"
            INSERT INTO totps (person_id, sealed, created_at)
            VALUES ($1, $2, $3)
            ON CONFLICT (person_id) DO UPDATE
            SET sealed = excluded.sealed, created_at = excluded.created_at, last_step = 0
            WHERE totps.confirmed_at IS NULL
            "#,
            person.0,
            sealer.seal_totp(person, secret)?,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        found("unconfirmed one-time code", "store.totps.begin", &result)?;
        tx.commit().await?;
        Ok(())
    }

    /// Turns the second factor on: the person has typed the code of a time step, and gets these recovery codes.
    /// Says whether that code had not been accepted before.
    #[instrument(name = "store.totps.confirm", skip_all)]
    pub async fn confirm_totp(
        &self,
        person: PersonId,
        step: u64,
        recovery_codes: &[[u8; 32]],
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE totps
            SET confirmed_at = $2, last_step = $3
            WHERE person_id = $1 AND confirmed_at IS NULL AND last_step < $3
            "#,
            person.0,
            self.db.clock.now(),
            to_step(step),
        )
        .execute(&mut *tx)
        .await?;
        if result.rows_affected() == 0 {
            return Ok(false);
        }
        put_recovery_codes(&mut tx, person, recovery_codes).await?;
        self.note_person(&mut tx, person, "person.add_second_factor", None, None)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Accepts the code of a time step, unless it or a later one was accepted before.
    #[instrument(name = "store.totps.spend", skip_all)]
    pub async fn spend_totp(&self, person: PersonId, step: u64) -> Result<bool, Error> {
        let result = sqlx::query!(
            r#"
            UPDATE totps
            SET last_step = $2
            WHERE person_id = $1 AND confirmed_at IS NOT NULL AND last_step < $2
            "#,
            person.0,
            to_step(step),
        )
        .execute(&self.db.pool)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Accepts a recovery code, unless it was accepted before.
    #[instrument(name = "store.recovery_codes.spend", skip_all)]
    pub async fn spend_recovery_code(
        &self,
        person: PersonId,
        code_hash: &[u8; 32],
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let result = sqlx::query!(
            "UPDATE recovery_codes SET used_at = $3 WHERE person_id = $1 AND code_hash = $2 AND used_at IS NULL",
            person.0,
            code_hash.as_slice(),
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        let accepted = result.rows_affected() == 1;
        if accepted {
            self.note_person(&mut tx, person, "person.use_recovery_code", None, None)
                .await?;
        }
        tx.commit().await?;
        Ok(accepted)
    }

    /// How many recovery codes a person has left.
    #[instrument(name = "store.recovery_codes.left", skip_all)]
    pub async fn recovery_codes_left(&self, person: PersonId) -> Result<u64, Error> {
        let left = sqlx::query_scalar!(
            r#"SELECT count(*) AS "left!" FROM recovery_codes WHERE person_id = $1 AND used_at IS NULL"#,
            person.0,
        )
        .fetch_one(&self.db.pool)
        .await?;
        Ok(u64::try_from(left).unwrap_or_default())
    }

    /// Gives a person other recovery codes; the present ones are worth nothing any more.
    #[instrument(name = "store.recovery_codes.replace", skip_all)]
    pub async fn replace_recovery_codes(
        &self,
        person: PersonId,
        recovery_codes: &[[u8; 32]],
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        put_recovery_codes(&mut tx, person, recovery_codes).await?;
        self.note_person(&mut tx, person, "person.replace_recovery_codes", None, None)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Turns the second factor off.
    #[instrument(name = "store.totps.remove", skip_all)]
    pub async fn remove_totp(&self, person: PersonId) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        if forget(&mut tx, person).await? {
            self.note_person(&mut tx, person, "person.remove_second_factor", None, None)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Deletes a person's second factor, and says whether it was in use.
pub(super) async fn forget(
    tx: &mut Transaction<'static, Postgres>,
    person: PersonId,
) -> Result<bool, Error> {
    sqlx::query!("DELETE FROM recovery_codes WHERE person_id = $1", person.0)
        .execute(&mut **tx)
        .await?;
    let confirmed = sqlx::query_scalar!(
        r#"DELETE FROM totps WHERE person_id = $1 RETURNING confirmed_at IS NOT NULL AS "confirmed!""#,
        person.0,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(confirmed.unwrap_or_default())
}

async fn put_recovery_codes(
    tx: &mut Transaction<'static, Postgres>,
    person: PersonId,
    hashes: &[[u8; 32]],
) -> Result<(), Error> {
    let hashes: Vec<_> = hashes.iter().map(|hash| hash.to_vec()).collect();
    sqlx::query!("DELETE FROM recovery_codes WHERE person_id = $1", person.0)
        .execute(&mut **tx)
        .await?;
    sqlx::query!(
        "INSERT INTO recovery_codes (person_id, code_hash) SELECT $1, hash FROM unnest($2::bytea[]) AS hash",
        person.0,
        &hashes,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn to_step(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}
