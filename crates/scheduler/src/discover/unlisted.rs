//! Repositories that a plan names and the host does not list: they become fetches that fail with a sentence.

use std::collections::BTreeSet;

use domain::{RepositoryId, RepositoryName};
use forge::Repository;
use serde_json::Value;
use store::{ClaimedRun, FetchKind, ListedRepository, NewFetch, SnapshotFilter};

use crate::Error;
use crate::engine::Engine;
use crate::planner;

/// Enters the repositories that are missing from a whole listing. What the list says of them is nothing, literally.
pub(super) async fn enter(
    engine: &Engine,
    claim: &ClaimedRun,
    listed: &[Repository],
) -> Result<Vec<NewFetch>, Error> {
    let names: BTreeSet<RepositoryName> = listed
        .iter()
        .map(|repository| repository.name.clone())
        .collect();
    let mut rows = Vec::new();
    for name in planner::vanished(&claim.plan.selection, &names) {
        rows.push(ListedRepository {
            forge_id: known_as(engine, claim, &name, listed).await?,
            name,
            listing: Value::Null,
        });
    }
    let ids = engine
        .fleet
        .upsert_repositories(claim.tenant, claim.organization.id, &rows)
        .await?;
    Ok(ids
        .into_iter()
        .map(|repository| NewFetch {
            repository,
            kind: FetchKind::Changed,
            size: None,
        })
        .collect())
}

/// Those of a limited run's repositories that the host does not list: fetching them finds out whether they are gone.
pub(super) fn among(only: &[RepositoryId], listed: &[RepositoryId]) -> Vec<NewFetch> {
    let listed: BTreeSet<&RepositoryId> = listed.iter().collect();
    only.iter()
        .filter(|repository| !listed.contains(repository))
        .map(|repository| NewFetch {
            repository: *repository,
            kind: FetchKind::Changed,
            size: None,
        })
        .collect()
}

/// The number under which the repository's snapshots are kept, unless the host now lists that number under another name; for one without
/// snapshots a negative number, which no host gives.
async fn known_as(
    engine: &Engine,
    claim: &ClaimedRun,
    name: &RepositoryName,
    listed: &[Repository],
) -> Result<i64, Error> {
    let filter = SnapshotFilter {
        organization: Some(claim.organization.id),
        repository: Some(name.clone()),
        ..SnapshotFilter::default()
    };
    let snapshots = engine.db.tenant(claim.tenant).snapshots(&filter).await?;
    Ok(snapshots
        .first()
        .map(|snapshot| snapshot.forge_id)
        .filter(|id| listed.iter().all(|repository| repository.id != *id))
        .unwrap_or_else(|| placeholder(name)))
}

/// The same negative number for the same name, always: FNV-1a over the name, with the sign set.
fn placeholder(name: &RepositoryName) -> i64 {
    let hash = name
        .to_string()
        .to_ascii_lowercase()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    (hash | 1 << 63).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_without_a_number_gets_one_that_no_host_gives() {
        let number = |name: &str| placeholder(&name.parse().unwrap());
        assert!(number("acme/gone") < 0);
        assert_eq!(number("acme/gone"), number("Acme/Gone"));
        assert_ne!(number("acme/gone"), number("acme/lost"));
    }
}
