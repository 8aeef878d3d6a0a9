//! Checking that snapshots are whole.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use clap::Args;
use domain::{OrganizationId, StorageId};
use serde_json::json;
use store::{Scoped, Snapshot, SnapshotFilter};

use super::{plan, snapshots};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;

/// What to check, and how thoroughly.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// One snapshot, by the beginning of its id [default: all].
    snapshot: Option<String>,
    /// The snapshots of one plan.
    #[arg(long, conflicts_with = "snapshot")]
    plan: Option<String>,
    /// Read every stored byte, compare each file with the manifest, and let git check what it holds.
    #[arg(long)]
    read_data: bool,
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    let chosen = choose(&scoped, &arguments).await?;
    if chosen.is_empty() {
        return Err(Error::input(
            "There is no snapshot to verify: run a plan first.",
        ));
    }
    let mut places: BTreeMap<(OrganizationId, StorageId), Vec<&Snapshot>> = BTreeMap::new();
    for snapshot in &chosen {
        places
            .entry((snapshot.organization, snapshot.storage))
            .or_default()
            .push(snapshot);
    }
    let whole = arguments.snapshot.is_none() && arguments.plan.is_none();
    let mut found = Found::default();
    for ((organization, storage), snapshots) in places {
        let place = context.open_storage(&scoped, organization, storage).await?;
        let sound = if whole {
            found.check(&place, None, arguments.read_data).await?
        } else {
            let mut sound = true;
            for snapshot in &snapshots {
                sound &= found
                    .check(&place, Some(&snapshot.restic_id), arguments.read_data)
                    .await?;
            }
            sound
        };
        if sound {
            for snapshot in snapshots {
                scoped
                    .set_verified(organization, storage, &snapshot.restic_id)
                    .await?;
            }
        }
    }
    Ok(found.answer(context))
}

async fn choose(scoped: &Scoped, arguments: &Arguments) -> Result<Vec<Snapshot>, Error> {
    if let Some(prefix) = &arguments.snapshot {
        return Ok(vec![snapshots::find(scoped, prefix).await?]);
    }
    let mut filter = SnapshotFilter::default();
    if let Some(name) = &arguments.plan {
        filter.plan = Some(plan::find(scoped, name).await?.id);
    }
    Ok(scoped.snapshots(&filter).await?)
}

/// What was found, over all storages.
#[derive(Debug, Default)]
struct Found {
    snapshots: u64,
    bytes_read: u64,
    problems: Vec<String>,
}

impl Found {
    /// Checks one snapshot, or all of a storage; whether it is sound.
    async fn check(
        &mut self,
        place: &backup::Storage,
        snapshot: Option<&str>,
        read_data: bool,
    ) -> Result<bool, Error> {
        let found = place.verify(snapshot, read_data).await?;
        let sound = found.problems.is_empty();
        self.snapshots += found.snapshots;
        self.bytes_read += found.bytes_read;
        self.problems.extend(found.problems);
        Ok(sound)
    }

    fn answer(&self, context: &Context) -> Exit {
        let document = json!({
            "snapshots": self.snapshots,
            "bytes_read": self.bytes_read,
            "problems": self.problems,
        });
        context.output.answer(&document, || {
            let mut text = format!(
                "Verified {} snapshots, {} read: ",
                self.snapshots,
                ByteSize::b(self.bytes_read)
            );
            if self.problems.is_empty() {
                text.push_str("all are whole.");
            } else {
                text.push_str("not all are whole.\n");
                text.push_str(&self.problems.join("\n"));
            }
            text
        });
        if self.problems.is_empty() {
            Exit::Complete
        } else {
            Exit::Failed
        }
    }
}
