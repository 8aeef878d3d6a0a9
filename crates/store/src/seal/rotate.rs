//! Changing the master key while everything runs.
//!
//! 1. The new key is written before the old one into the file that all processes read. From then on whatever is sealed
//!    is sealed with the new key, and both open.
//! 2. Whatever the old key has sealed is sealed anew, in one transaction. It can be repeated at will.
//! 3. As nothing is left under the old key, it goes out of the file.
//!
//! A crash anywhere leaves both keys in the file and everything readable; the same command goes on.

use std::path::Path;

use domain::{ApplicationId, PersonId, Secret, TenantId};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Sealer, application_place, file, key_place, random_key, ring, totp_place};
use crate::error::meant;
use crate::{Act, Error, Fleet, audit};

/// What was sealed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resealed {
    /// Keys of tenants.
    pub tenant_keys: u64,
    /// Seeds of one-time codes.
    pub totps: u64,
    /// Keys of applications.
    pub applications: u64,
}

impl Sealer {
    /// How many master keys open what is read: more than one while the master key is being changed.
    pub fn key_count(&self) -> usize {
        self.0.len()
    }

    /// Writes a new master key into the file, before the present one. A file that holds two keys already stays as it is:
    /// the change that was begun goes on.
    pub fn begin_rotation(path: &Path, new: Option<&Secret>) -> Result<(), Error> {
        let (present, _) = file::read(path)?;
        if ring::texts(&present).count() > 1 {
            return Ok(());
        }
        let new = match new {
            Some(new) => {
                let new = Zeroizing::new(new.expose().trim().to_owned());
                ring::parse_key(&new)?;
                new
            }
            None => Zeroizing::new(hex::encode(random_key()?.as_slice())),
        };
        let keys = Zeroizing::new(format!("{}\n{}", *new, present.expose().trim()));
        file::replace(path, &keys)
    }

    /// Takes all master keys but the first out of the file.
    pub fn end_rotation(path: &Path) -> Result<(), Error> {
        let (present, _) = file::read(path)?;
        match ring::texts(&present).next() {
            Some(first) => file::replace(path, first),
            None => Ok(()),
        }
    }
}

impl Fleet {
    /// Seals anew with the first master key whatever another one has sealed, all of it or nothing.
    #[instrument(name = "store.seal.rotate", skip_all)]
    pub async fn reseal(&self, sealer: &Sealer) -> Result<Resealed, Error> {
        let mut done = Resealed::default();
        let mut tx = self.db.begin().await?;
        // Waits for whoever has begun to seal something, and makes whoever begins now wait; readers go on.
        sqlx::query!("LOCK TABLE tenant_keys, totps, applications IN SHARE ROW EXCLUSIVE MODE")
            .execute(&mut *tx)
            .await?;
        let keys = sqlx::query!("SELECT tenant_id, version, wrapped FROM tenant_keys")
            .fetch_all(&mut *tx)
            .await?;
        for key in keys {
            let place = key_place(TenantId(key.tenant_id), key.version);
            if let Some(wrapped) = sealer.0.reseal(&place, &key.wrapped)? {
                let result = sqlx::query!(
                    "UPDATE tenant_keys SET wrapped = $3 WHERE tenant_id = $1 AND version = $2",
                    key.tenant_id,
                    key.version,
                    wrapped,
                )
                .execute(&mut *tx)
                .await?;
                meant("store.tenant_keys.reseal", 1, &result)?;
                done.tenant_keys += 1;
            }
        }
        let totps = sqlx::query!("SELECT person_id, sealed FROM totps")
            .fetch_all(&mut *tx)
            .await?;
        for totp in totps {
            let place = totp_place(PersonId(totp.person_id));
            if let Some(sealed) = sealer.0.reseal(&place, &totp.sealed)? {
                let result = sqlx::query!(
                    "UPDATE totps SET sealed = $2 WHERE person_id = $1",
                    totp.person_id,
                    sealed,
                )
                .execute(&mut *tx)
                .await?;
                meant("store.totps.reseal", 1, &result)?;
                done.totps += 1;
            }
        }
        let applications = sqlx::query!(
            r#"SELECT id, sealed AS "sealed!" FROM applications WHERE sealed IS NOT NULL"#
        )
        .fetch_all(&mut *tx)
        .await?;
        for application in applications {
            let place = application_place(ApplicationId(application.id));
            if let Some(sealed) = sealer.0.reseal(&place, &application.sealed)? {
                let result = sqlx::query!(
                    "UPDATE applications SET sealed = $2 WHERE id = $1",
                    application.id,
                    sealed,
                )
                .execute(&mut *tx)
                .await?;
                meant("store.applications.reseal", 1, &result)?;
                done.applications += 1;
            }
        }
        if done != Resealed::default() {
            let act = Act {
                action: "master_key.rotate",
                subject: ("installation", Uuid::nil(), "Installation"),
                before: None,
                after: Some(json!({
                    "tenant_keys": done.tenant_keys,
                    "one_time_codes": done.totps,
                    "applications": done.applications,
                })),
            };
            audit::write(&mut tx, None, self.db.clock.now(), &self.actor, act).await?;
        }
        tx.commit().await?;
        Ok(done)
    }
}

/// Holds off a change of the master key until the transaction ends. Whoever stores what the master key itself seals
/// calls this before sealing: so it is sealed either before the change, which then finds it, or with the new key.
pub(crate) async fn hold_off(tx: &mut Transaction<'static, Postgres>) -> Result<(), Error> {
    sqlx::query!("LOCK TABLE tenant_keys, totps, applications IN ROW EXCLUSIVE MODE")
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
