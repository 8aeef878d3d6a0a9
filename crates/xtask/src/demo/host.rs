//! The host of the demo: one organization of very different repositories, this project's own history among them.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::simulator::{Repository, Simulator, World};
use crate::workspace::Workspace;

/// The organization on the simulated host.
pub(super) const ORGANIZATION: &str = "acme";

/// Repositories on it: this project's own history, and made-up ones.
pub(super) const REPOSITORIES: u64 = 40;

/// How many of them are restored and compared with their source.
pub(super) const RESTORED: usize = 2;

/// The name by which this project's own history is served.
const OWN: &str = "holdfast";

/// The main credential, the additional one that the plan may use, and the one that it may not.
pub(super) const USERS: [&str; 3] = ["main", "switched-on", "left-off"];

/// Requests that each user may make in one window: two users need about two windows for a first run.
const QUOTA: u32 = 130;

/// Length of a window, on GitHub an hour: longer than a fetch waits before it is put aside as throttled.
const WINDOW_SECONDS: u32 = 45;

/// One organization of very different repositories, and users whose quota is far too small for them.
pub(super) fn start(workspace: &Workspace, folder: &Path) -> Result<Simulator> {
    let mut arguments: Vec<OsString> = [
        "--seed",
        "1",
        "--organization",
        ORGANIZATION,
        "--profile",
        "mixed",
        "--repositories",
    ]
    .map(OsString::from)
    .to_vec();
    let has_own = has_whole_history(workspace);
    let made_up = REPOSITORIES - u64::from(has_own);
    arguments.push(made_up.to_string().into());
    for login in USERS {
        arguments.extend(["--user".into(), login.into()]);
    }
    arguments.extend(["--quota".into(), QUOTA.to_string().into()]);
    arguments.extend(["--window".into(), WINDOW_SECONDS.to_string().into()]);
    if has_own {
        let mut own = OsString::from(format!("{OWN}="));
        own.push(workspace.root());
        arguments.extend(["--git".into(), own]);
    } else {
        eprintln!("This checkout does not hold the project's whole history, which is left out.");
    }
    Simulator::start(workspace, folder, &arguments)
}

/// Git serves no refs out of a shallow clone, and nothing out of an unpacked archive.
fn has_whole_history(workspace: &Workspace) -> bool {
    process::output(
        Command::new("git")
            .arg("-C")
            .arg(workspace.root())
            .args(["-c", "safe.directory=*"])
            .args(["rev-parse", "--is-shallow-repository"]),
    )
    .is_ok_and(|answer| answer.starts_with(b"false"))
}

/// This project's own history, if it is there, then the repositories that hold the most kinds of data and the most of them.
pub(super) fn worth_restoring(world: &World) -> Vec<&Repository> {
    let mut ranked: Vec<&Repository> = world.repositories().collect();
    ranked.sort_by_key(|one| {
        let extras = [
            one.wiki_refs.is_some(),
            !one.lfs_objects.is_empty(),
            !one.assets.is_empty(),
        ];
        let kinds = extras.into_iter().filter(|has| *has).count();
        let items: usize = one.counts.values().sum();
        Reverse((one.name == OWN, kinds, items))
    });
    ranked.truncate(RESTORED);
    ranked
}
