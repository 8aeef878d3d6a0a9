//! Writing a snapshot into a folder, or bringing it back to a host.

mod gitlab;

use std::path::{Path, PathBuf};

use backup::Progress;
use bytesize::ByteSize;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use store::Act;

use super::snapshots;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;

/// What to restore, and where to.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The snapshot, by the beginning of its id.
    snapshot: String,
    /// A folder that is empty or does not exist yet.
    #[arg(long, value_name = "DIR", required_unless_present = "to_gitlab")]
    to: Option<PathBuf>,
    #[command(flatten)]
    gitlab: gitlab::ToGitLab,
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<Exit, Error> {
    let Some(to) = arguments.to else {
        return gitlab::execute(context, &arguments.snapshot, arguments.gitlab).await;
    };
    check_target(&to)?;
    let scoped = context.scoped().await?;
    let snapshot = snapshots::find(&scoped, &arguments.snapshot).await?;
    let place = context
        .open_storage(&scoped, snapshot.organization, snapshot.storage)
        .await?;
    let repository = snapshot.repository_name.to_string();
    scoped
        .record(Act {
            action: "snapshot.restore",
            subject: ("repository", snapshot.repository.0, &repository),
            before: None,
            after: Some(json!({ "snapshot": snapshot.id, "to": to })),
        })
        .await?;
    let bar = bar(context, snapshot.bytes);
    let restored = place
        .restore(&snapshot.restic_id, &to, &|progress: Progress| {
            bar.set_position(progress.done);
        })
        .await;
    bar.finish_and_clear();
    let restored = restored?;
    let document = json!({
        "snapshot": snapshot.id,
        "repository": snapshot.repository_name,
        "to": to,
        "files": restored.files,
        "bytes": restored.bytes,
        "omissions": snapshot.omissions,
    });
    context.output.answer(&document, || {
        format!(
            "Restored {} of {} to {}: {} files, {}.",
            snapshot.repository_name,
            snapshot.taken_at.format("%Y-%m-%d %H:%M:%S UTC"),
            to.display(),
            restored.files,
            ByteSize::b(restored.bytes)
        )
    });
    Ok(Exit::Complete)
}

/// How far it is, for a person at a terminal.
fn bar(context: &Context, bytes: u64) -> ProgressBar {
    if context.output.is_json() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40.green} {bytes} of {total_bytes}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}

/// Nothing is ever overwritten.
fn check_target(to: &Path) -> Result<(), Error> {
    let refuse = |why: &str| {
        Error::input(format!(
            "{} {why}: name a folder that is empty or does not exist yet.",
            to.display()
        ))
    };
    match std::fs::read_dir(to) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(refuse("is not empty")),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            Err(refuse("is not a folder"))
        }
        Err(error) => Err(refuse(&format!("cannot be read ({error})"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_or_a_new_folder_is_a_target() {
        let folder = tempfile::tempdir().unwrap();
        check_target(folder.path()).unwrap();
        check_target(&folder.path().join("new")).unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        for (target, word) in [
            (folder.path(), "not empty"),
            (file.as_path(), "not a folder"),
        ] {
            let refused = check_target(target).unwrap_err().to_string();
            assert!(refused.contains(word), "{refused}");
        }
    }
}
