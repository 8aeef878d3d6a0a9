//! Failed attempts to sign in, by which guessing is slowed down: strictly for one account, generously for one address,
//! behind which there may be a whole office.

use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use super::People;
use crate::Error;

/// Failures after which an account is locked.
const ACCOUNT_FAILURES: u32 = 8;

/// Failures after which an address is locked.
const ADDRESS_FAILURES: u32 = 100;

/// How long failures count, and how long a lock lasts after the last of them.
const LOCKED: TimeDelta = TimeDelta::minutes(15);

/// As much of an account's name as is kept, in characters: nobody has a longer one.
const ACCOUNT_MAX: usize = 254;

/// Whether somebody may try to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Whether a try is looked at.
    pub may_try: bool,
    /// How many tries are left before a lock.
    pub left: u32,
    /// Until when no try is looked at.
    pub locked_until: Option<DateTime<Utc>>,
}

impl Attempts {
    fn after(failures: i64, last: Option<DateTime<Utc>>, allowed: u32) -> Self {
        let left = allowed.saturating_sub(u32::try_from(failures).unwrap_or(u32::MAX));
        Self {
            may_try: left > 0,
            left,
            locked_until: last.filter(|_| left == 0).map(|last| last + LOCKED),
        }
    }
}

impl People {
    /// Whether somebody at an address may try to sign in to an account, which need not exist.
    #[instrument(name = "store.sign_in_attempts.look", skip_all)]
    pub async fn attempts(&self, account: &str, address: IpAddr) -> Result<Attempts, Error> {
        let mut tx = self.db.begin().await?;
        let attempts = self.attempts_in(&mut tx, account, address).await?;
        tx.commit().await?;
        Ok(attempts)
    }

    async fn attempts_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        account: &str,
        address: IpAddr,
    ) -> Result<Attempts, Error> {
        // What counts are the failures up to the last one, so that a lock lasts from there on and does not wear off
        // while the first of them grow old.
        let row = sqlx::query!(
            r#"
            SELECT
                (
                    SELECT count(*) FROM sign_in_attempts
                    WHERE account = $1 AND attempted_at > l.account_last - $4::interval
                ) AS "failed!",
                l.account_last,
                (
                    SELECT count(*) FROM sign_in_attempts
                    WHERE address = $2 AND attempted_at > l.address_last - $4::interval
                ) AS "address_failed!",
                l.address_last
            FROM (
                SELECT
                    (SELECT max(attempted_at) FROM sign_in_attempts WHERE account = $1 AND attempted_at > $3)
                        AS account_last,
                    (SELECT max(attempted_at) FROM sign_in_attempts WHERE address = $2 AND attempted_at > $3)
                        AS address_last
            ) AS l
            "#,
            account_key(account),
            address_key(address),
            self.db.clock.now() - LOCKED,
            LOCKED as _,
        )
        .fetch_one(&mut **tx)
        .await?;
        let of_account = Attempts::after(row.failed, row.account_last, ACCOUNT_FAILURES);
        let of_address = Attempts::after(row.address_failed, row.address_last, ADDRESS_FAILURES);
        Ok(if of_address.left < of_account.left {
            of_address
        } else {
            of_account
        })
    }

    /// Counts an attempt as failed before it is looked at, if one may be made: of many attempts at once no more are
    /// looked at than are left. What comes back is as it was before this one.
    #[instrument(name = "store.sign_in_attempts.begin", skip_all)]
    pub async fn begin_attempt(&self, account: &str, address: IpAddr) -> Result<Attempts, Error> {
        let mut tx = self.db.begin().await?;
        // In one order, so that two of these cannot wait for each other.
        let mut keys = [account_key(account), address_key(address)];
        keys.sort();
        for key in keys {
            sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
                .execute(&mut *tx)
                .await?;
        }
        let attempts = self.attempts_in(&mut tx, account, address).await?;
        if attempts.may_try {
            self.note_in(&mut tx, account, address, false).await?;
        }
        tx.commit().await?;
        Ok(attempts)
    }

    /// Says how an attempt ended. One that succeeded makes the account's failures forgotten.
    #[instrument(name = "store.sign_in_attempts.note", skip_all)]
    pub async fn note_attempt(
        &self,
        account: &str,
        address: IpAddr,
        succeeded: bool,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        self.note_in(&mut tx, account, address, succeeded).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn note_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        account: &str,
        address: IpAddr,
        succeeded: bool,
    ) -> Result<(), Error> {
        let now = self.db.clock.now();
        sqlx::query!(
            "DELETE FROM sign_in_attempts WHERE attempted_at <= $1 OR $2 AND account = $3",
            now - LOCKED * 2,
            succeeded,
            account_key(account),
        )
        .execute(&mut **tx)
        .await?;
        if !succeeded {
            sqlx::query!(
                "INSERT INTO sign_in_attempts (id, account, address, attempted_at) VALUES ($1, $2, $3, $4)",
                Uuid::now_v7(),
                account_key(account),
                address_key(address),
                now,
            )
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }
}

fn account_key(account: &str) -> String {
    account
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_control())
        .take(ACCOUNT_MAX)
        .collect()
}

/// One household or office has a whole /64 of IPv6 addresses.
fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}
