//! Forgets the snapshots that a plan's rule does not keep.
//!
//! Guards: a repository's newest snapshot stays, whatever the rule; a repository that the host does not list any more keeps all;
//! nothing is forgotten but what the rule drops; and only while nobody else works on the storage. What is forgotten frees no room
//! until somebody prunes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::retention::Candidate;
use domain::{OrganizationId, RepositoryId, Retention, StorageId};
use store::{LeaseMode, Plan, Scoped, Snapshot, SnapshotFilter};
use tracing::{debug, info};

use crate::Error;
use crate::engine::Engine;
use crate::storages::open_storage;

/// One round over all plans.
pub(crate) async fn round(engine: &Engine) -> Result<(), Error> {
    for tenant in engine.fleet.tenants().await? {
        let scoped = engine.db.tenant(tenant.id);
        for plan in scoped.plans().await? {
            if !plan.retention.is_forever() {
                apply(engine, &scoped, &plan).await?;
            }
        }
    }
    Ok(())
}

async fn apply(engine: &Engine, scoped: &Scoped, plan: &Plan) -> Result<(), Error> {
    let filter = SnapshotFilter {
        plan: Some(plan.id),
        ..SnapshotFilter::default()
    };
    let snapshots = scoped.snapshots(&filter).await?;
    for ((organization, storage), ids) in dropped(plan.retention, &snapshots, engine.clock.now()) {
        let lease = scoped
            .lease_storage(organization, storage, LeaseMode::Exclusive)
            .await?;
        let Some(lease) = lease else {
            debug!(plan = %plan.name, "The storage is in use; snapshots are forgotten in a later round.");
            continue;
        };
        let opened = open_storage(
            scoped,
            &engine.sealer,
            organization,
            storage,
            &engine.config.data,
        )
        .await?;
        lease.check().await?;
        // The rows first: a row without a snapshot would promise what cannot be restored, a snapshot without a row only takes room.
        scoped.forget(organization, storage, &ids).await?;
        opened.forget(&ids).await?;
        lease.give_back().await?;
        info!(plan = %plan.name, forgotten = ids.len(), "Snapshots were forgotten by the plan's retention rule.");
    }
    Ok(())
}

/// What a rule drops, by storage repository.
fn dropped(
    rule: Retention,
    snapshots: &[Snapshot],
    now: DateTime<Utc>,
) -> BTreeMap<(OrganizationId, StorageId), Vec<String>> {
    type Shelf = (OrganizationId, StorageId, RepositoryId);
    let mut shelves: BTreeMap<Shelf, Vec<Candidate<&str>>> = BTreeMap::new();
    for snapshot in snapshots.iter().filter(|one| !one.repository_gone) {
        shelves
            .entry((snapshot.organization, snapshot.storage, snapshot.repository))
            .or_default()
            .push(Candidate {
                snapshot: snapshot.restic_id.as_str(),
                taken_at: snapshot.taken_at,
                whole: snapshot.omissions.is_empty(),
            });
    }
    let mut all: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for ((organization, storage, _), shelf) in shelves {
        let ids = rule.dropped(&shelf, now);
        if !ids.is_empty() {
            all.entry((organization, storage))
                .or_default()
                .extend(ids.into_iter().map(str::to_owned));
        }
    }
    all
}

#[cfg(test)]
mod tests;
