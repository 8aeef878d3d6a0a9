//! The tables of a large installation, and what Postgres counts about them.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::setup::postgres::Scratch;

/// Tables that grow with use: reading one of them from end to end shows up as soon as somebody has much.
const LARGE: [&str; 10] = [
    "audit",
    "choices",
    "credentials",
    "fetches",
    "repositories",
    "runs",
    "secrets",
    "snapshots",
    "throttles",
    "usages",
];

/// Months of use, made in seconds.
const SEED: &str = include_str!("seed.sql");

/// Fills the tables of the tenants that are there.
pub(super) fn fill(database: &Scratch) -> Result<()> {
    database.say(SEED).map(|_| ())
}

/// How often each large table has been read from end to end so far.
pub(super) fn scans(database: &Scratch) -> Result<BTreeMap<String, u64>> {
    let tables = LARGE.map(|table| format!("'{table}'")).join(", ");
    let answer = database.say(&format!(
            "SELECT pg_stat_clear_snapshot();
            SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname IN ({tables}) ORDER BY relname"
    ))?;
    answer
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(table, scans)| Ok((table.to_owned(), scans.parse()?)))
        .collect()
}

/// The large tables that have been read from end to end since then, and how often.
pub(super) fn scanned_since(
    database: &Scratch,
    before: &BTreeMap<String, u64>,
) -> Result<BTreeMap<String, u64>> {
    let now = scans(database)?;
    Ok(now
        .into_iter()
        .filter_map(|(table, scans)| {
            let fresh = scans.saturating_sub(before.get(&table).copied().unwrap_or_default());
            (fresh > 0).then_some((table, fresh))
        })
        .collect())
}
