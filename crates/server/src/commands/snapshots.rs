//! What has been stored.

use bytesize::ByteSize;
use clap::Args;
use domain::RepositoryName;
use serde_json::{Value, json};
use store::{Scoped, Snapshot, SnapshotFilter};

use super::plan;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Table;

/// Which snapshots to list.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Those of one plan.
    #[arg(long)]
    plan: Option<String>,
    /// Those of one repository, owner/name.
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<RepositoryName>,
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    let mut filter = SnapshotFilter::default();
    if let Some(name) = &arguments.plan {
        filter.plan = Some(plan::find(&scoped, name).await?.id);
    }
    filter.repository = arguments.repository;
    let snapshots = scoped.snapshots(&filter).await?;
    let document: Vec<Value> = snapshots.iter().map(shown).collect();
    context.output.answer(&document, || {
        let mut table = Table::new([
            "snapshot",
            "repository",
            "taken",
            "size",
            "omissions",
            "verified",
            "plan",
        ]);
        for snapshot in &snapshots {
            table.row([
                snapshot.id.clone(),
                snapshot.repository_name.to_string(),
                snapshot.taken_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                ByteSize::b(snapshot.bytes).to_string(),
                snapshot.omissions.len().to_string(),
                snapshot.verified_at.map_or_else(
                    || "no".to_owned(),
                    |at| at.format("%Y-%m-%d %H:%M").to_string(),
                ),
                snapshot.plan_name.to_string(),
            ]);
        }
        table.text("There are no snapshots.")
    });
    Ok(Exit::Complete)
}

/// The one snapshot whose id begins so.
pub(crate) async fn find(scoped: &Scoped, prefix: &str) -> Result<Snapshot, Error> {
    let mut found = scoped.snapshots_by_prefix(prefix).await?;
    match (found.len(), found.pop()) {
        (1, Some(snapshot)) => Ok(snapshot),
        (0, _) => Err(Error::input(format!(
            "There is no snapshot \"{prefix}\": holdfast snapshots lists them."
        ))),
        (count, _) => Err(Error::input(format!(
            "{count} snapshots begin with \"{prefix}\": give more of the id."
        ))),
    }
}

fn shown(snapshot: &Snapshot) -> Value {
    json!({
        "snapshot": snapshot.id,
        "restic_id": snapshot.restic_id,
        "repository": snapshot.repository_name,
        "repository_gone": snapshot.repository_gone,
        "forge_id": snapshot.forge_id,
        "run": snapshot.run,
        "plan": snapshot.plan_name,
        "organization": snapshot.organization_name,
        "storage": snapshot.storage_name,
        "taken_at": snapshot.taken_at,
        "bytes": snapshot.bytes,
        "counts": snapshot.counts,
        "omissions": snapshot.omissions,
        "verified_at": snapshot.verified_at,
    })
}
