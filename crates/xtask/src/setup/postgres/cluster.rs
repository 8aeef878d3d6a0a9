//! A private cluster: a child process that listens on a Unix socket only.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::Signal;
use tempfile::TempDir;

use super::Binaries;
use crate::process::{self, Supervised, tied_as};

/// The user and group `nobody`: Postgres refuses to run as root.
const NOBODY: u32 = 65534;

/// Longest folder whose socket still fits into the 107 bytes that a socket's address may have.
const LONGEST_FOLDER: usize = 80;

/// A running cluster; dropping it stops it and removes its data.
#[derive(Debug)]
pub(crate) struct Cluster {
    url: String,
    // Dropped in this order: the server must have ended before its folder goes.
    _server: Supervised,
    _folder: TempDir,
}

impl Cluster {
    /// Creates a cluster and waits until it accepts connections. It does not survive a power cut: its data is not meant to be kept.
    pub(crate) fn start(binaries: &Binaries) -> Result<Self> {
        let owner = rustix::process::geteuid().is_root().then_some(NOBODY);
        let folder = new_folder(owner)?;
        let data = folder.path().join("data");
        process::output(
            postgres_command(owner, &binaries.program("initdb"), folder.path())
                .args(["-U", "holdfast", "-A", "trust", "--no-sync", "-E", "UTF8"])
                .args(["--locale=C", "-D"])
                .arg(&data),
        )
        .context("the private Postgres could not be created")?;
        let mut child = postgres_command(owner, &binaries.program("postgres"), folder.path())
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .args(["-c", "full_page_writes=off", "-c", "synchronous_commit=off"])
            .args(["-c", "max_connections=400"])
            .arg("-c")
            .arg(format!(
                "unix_socket_directories={}",
                folder.path().display()
            ))
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("the private Postgres could not be started")?;
        let log = child.stderr.take().context("Postgres has no log")?;
        let server = Supervised::adopt("Postgres", child, Signal::INT);
        process::wait_for_line(log, &folder.path().join("postgres.log"), |line| {
            line.contains("database system is ready to accept connections")
                .then_some(())
        })
        .context("the private Postgres did not start")?;
        Ok(Self {
            url: format!(
                "postgres:///postgres?host={}&user=holdfast",
                folder.path().display()
            ),
            _server: server,
            _folder: folder,
        })
    }

    /// Where to connect, as superuser.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn new_folder(owner: Option<u32>) -> Result<TempDir> {
    let temporary = std::env::temp_dir();
    let parent = if temporary.as_os_str().len() > LONGEST_FOLDER {
        Path::new("/tmp")
    } else {
        &temporary
    };
    let folder = tempfile::Builder::new()
        .prefix("holdfast-pg-")
        .permissions(Permissions::from_mode(0o711))
        .tempdir_in(parent)?;
    if let Some(uid) = owner {
        chown(folder.path(), Some(uid), Some(uid))?;
    }
    Ok(folder)
}

fn postgres_command(owner: Option<u32>, program: &Path, home: &Path) -> Command {
    let mut command = tied_as(owner, program, "INT");
    command
        .current_dir(home)
        .env("HOME", home)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}
