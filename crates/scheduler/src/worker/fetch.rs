//! One fetch: a session with the host, a writer to the storage, a snapshot, and a verdict.

use std::collections::BTreeSet;

use backup::Progress;
use backup::snapshot::{self, Job, Labels, Previous, Taken};
use domain::Kind;
use forge::{Claim, Client, Repository, Scope};
use serde_json::Value;
use store::{ClaimedFetch, Settlement, Stored, Trigger};
use tracing::{debug, info};

use super::settle;
use super::staging::Staging;
use crate::apart::apart;
use crate::engine::Engine;
use crate::planner::Known;
use crate::report::Report;
use crate::running::{Held, Work};
use crate::storages::Site;
use crate::task::sentence;
use crate::verdict::Attempt;
use crate::{Error, members};

/// Works on a claimed fetch until it is settled.
pub(super) async fn work(engine: &Engine, claim: &ClaimedFetch) {
    let held = engine
        .running
        .begin(Work::Fetch(claim.fetch, claim.fence), claim.window_ends_at);
    debug!(failed_count = claim.failed_count, "The fetch begins.");
    let settlement = match Box::pin(attempt(engine, claim, &held)).await {
        Ok(stored) => Settlement::Stored(Box::new(stored)),
        Err(error) => {
            debug!(
                error = sentence(&error),
                "The attempt ended without a snapshot."
            );
            judge(engine, claim, &held, &error).await
        }
    };
    settle::write(engine, claim, settlement).await;
}

async fn judge(engine: &Engine, claim: &ClaimedFetch, held: &Held, error: &Error) -> Settlement {
    let storage = engine.db.tenant(claim.tenant).storage(claim.storage).await;
    let storage = match storage {
        Ok(Some(storage)) => storage.name.to_string(),
        Ok(None) | Err(_) => claim.storage.to_string(),
    };
    Attempt {
        error,
        stop: held.stop(),
        repository: &claim.repository_name.to_string(),
        storage: &storage,
        failures: claim.failed_count + 1,
        jitter: fastrand::f64(),
    }
    .judge(engine.clock.now())
}

async fn attempt(engine: &Engine, claim: &ClaimedFetch, held: &Held) -> Result<Stored, Error> {
    let repository = listing(claim)?;
    let pool = members::pool_of(engine, claim.tenant, claim.plan).await?;
    let credentials = engine.members.serving(&pool, repository.name.owner());
    let scope = Scope {
        credentials,
        repository: Some(claim.forge_id),
        patience: engine.config.patience,
        cancel: held.token().clone(),
    };
    let client = engine
        .forge
        .session_for(&claim.host, scope, entitled(claim), size(&repository));
    let report = Report::of_fetch(engine, &client, claim);
    let taking = Box::pin(take(engine, claim, held, repository, &client, &report));
    report.during(engine, taking).await
}

/// What the plan may ask of the pool.
fn entitled(claim: &ClaimedFetch) -> Claim {
    Claim {
        tenant_weight: claim.tenant_weight.into(),
        weight: claim.plan_weight.into(),
        is_urgent: claim.trigger == Trigger::Person,
        most_percent: claim.pool_part.percent(),
        ..Claim::of(claim.tenant, claim.plan)
    }
}

/// The larger repository goes first, as far as the list can tell.
fn size(repository: &Repository) -> u32 {
    u32::try_from(repository.disk_kib).unwrap_or(u32::MAX)
}

/// What the list said of the repository. A plan may name one that the host does not list.
fn listing(claim: &ClaimedFetch) -> Result<Repository, Error> {
    if claim.listing == Value::Null {
        return Err(Error::Unlisted {
            repository: claim.repository_name.to_string(),
        });
    }
    serde_json::from_value(claim.listing.clone()).map_err(|error| {
        store::Error::Unreadable {
            what: "a repository's entry in the host's list",
            detail: error.to_string(),
        }
        .into()
    })
}

async fn take(
    engine: &Engine,
    claim: &ClaimedFetch,
    held: &Held,
    repository: Repository,
    client: &Client,
    report: &Report<'_>,
) -> Result<Stored, Error> {
    let writer = engine
        .storages
        .writer(
            Site {
                tenant: claim.tenant,
                organization: claim.organization,
                storage: claim.storage,
            },
            claim.run,
        )
        .await?;
    let staging = Staging::lock(&engine.config.data, claim, held.token()).await?;
    let taken_at = engine.clock.now();
    let marks = serde_json::to_value(&repository.marks).unwrap_or_default();
    let previous = claim.previous.as_ref().and_then(|state| {
        Some(Previous {
            snapshot: state.snapshot.clone(),
            marks: Known::read(state)?.marks,
        })
    });
    let swept = claim.sweep || previous.is_none();
    let kinds = claim.content.kinds_of(claim.host.kind());
    let job = Job {
        kinds: kinds.clone(),
        staging: staging.path.clone(),
        repository,
        sweep: swept,
        labels: Labels {
            host: claim.host.authority(),
            tenant: claim.tenant_name.to_string(),
            organization: claim.organization_name.to_string(),
            plan: claim.plan_name.to_string(),
            run: claim.run.to_string(),
        },
        taken_at,
        cancel: held.token().clone(),
        wiki_known: None,
        previous,
    };
    let (client, storage) = (client.clone(), writer.storage.clone());
    let note = report.noting();
    let taken = apart(move || async move {
        let progress = |progress: Progress| {
            note(serde_json::to_value(progress).unwrap_or_default());
        };
        snapshot::take(job, &client, &storage, &progress).await
    })
    .await;
    writer.note(taken.as_ref().map(|_| ()));
    let taken = taken?;
    if !taken.new {
        info!("Nothing has changed: the newest snapshot stands.");
    }
    Ok(stored(taken, marks, taken_at, swept, kinds))
}

fn stored(
    taken: Taken,
    marks: Value,
    taken_at: chrono::DateTime<chrono::Utc>,
    swept: bool,
    kinds: BTreeSet<Kind>,
) -> Stored {
    Stored {
        restic_id: taken.snapshot,
        tree: taken.tree,
        manifest_sha256: taken.manifest_sha256,
        taken_at,
        bytes_total: taken.bytes_total,
        bytes_added: taken.bytes_added,
        counts: taken.counts,
        omissions: taken.omissions,
        marks,
        wiki: taken.wiki,
        swept,
        kinds,
    }
}
