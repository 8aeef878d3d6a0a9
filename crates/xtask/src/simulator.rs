//! The simulated host as a child process, and the door through which one looks at its world.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use rustix::process::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::process::{self, Supervised, tied};
use crate::workspace::Workspace;

/// A running simulator.
#[derive(Debug)]
pub(crate) struct Simulator {
    announcement: Announcement,
    _process: Supervised,
}

/// The line by which it says where everything is.
#[derive(Debug, Deserialize)]
struct Announcement {
    web: String,
    control: String,
    secure: Option<Secure>,
    users: Vec<User>,
}

/// Its second listener, which speaks TLS.
#[derive(Debug, Deserialize)]
pub(crate) struct Secure {
    pub(crate) web: String,
    pub(crate) certificate: PathBuf,
}

/// A user of the simulated host.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) login: String,
    pub(crate) token_file: PathBuf,
}

/// What the simulated host holds.
#[derive(Debug, Deserialize)]
pub(crate) struct World {
    organizations: Vec<Organization>,
}

#[derive(Debug, Deserialize)]
struct Organization {
    repositories: Vec<Repository>,
}

/// A repository of the simulated host.
#[derive(Debug, Deserialize)]
pub(crate) struct Repository {
    pub(crate) name: String,
    pub(crate) full_name: String,
    pub(crate) counts: BTreeMap<String, usize>,
    pub(crate) refs: BTreeMap<String, String>,
    pub(crate) wiki_refs: Option<BTreeMap<String, String>>,
    pub(crate) lfs_objects: BTreeMap<String, u64>,
    pub(crate) assets: BTreeMap<String, String>,
}

impl Simulator {
    /// Starts it with these arguments; everything that it keeps is below `folder`.
    pub(crate) fn start(
        workspace: &Workspace,
        folder: &Path,
        arguments: &[OsString],
    ) -> Result<Self> {
        let mut child = tied(workspace.program("forge-sim"), "INT")
            .arg("--state")
            .arg(folder.join("forge-sim"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.join("forge-sim.log"))?)
            .process_group(0)
            .spawn()
            .context("the simulator could not be started")?;
        let output = child.stdout.take().context("the simulator is mute")?;
        let process = Supervised::adopt("the simulator", child, Signal::INT);
        let announcement = process::wait_for_line(output, &folder.join("forge-sim.out"), |line| {
            serde_json::from_str(line).ok()
        })
        .with_context(|| format!("the simulator did not start: see {}", folder.display()))?;
        Ok(Self {
            announcement,
            _process: process,
        })
    }

    /// Its address, as a host is registered.
    pub(crate) fn web(&self) -> &str {
        &self.announcement.web
    }

    /// Its address for clients that insist on TLS.
    pub(crate) fn secure(&self) -> Result<&Secure> {
        self.announcement
            .secure
            .as_ref()
            .context("the simulator was started without TLS")
    }

    /// The users that were asked for, in that order.
    pub(crate) fn users(&self) -> &[User] {
        &self.announcement.users
    }

    /// What it holds at this moment.
    pub(crate) fn world(&self) -> Result<World> {
        Ok(serde_json::from_value(self.get("/world")?)?)
    }

    /// What has arrived since the counters were last reset.
    pub(crate) fn statistics(&self) -> Result<Value> {
        self.get("/statistics")
    }

    /// Counts from zero again.
    pub(crate) fn reset_statistics(&self) -> Result<()> {
        self.post("/reset-statistics", &Value::Null)
    }

    /// Moves its clock forward.
    pub(crate) fn advance(&self, seconds: u32) -> Result<()> {
        self.post("/advance", &json!({ "seconds": seconds }))
    }

    /// Changes its world.
    pub(crate) fn mutate(&self, mutation: &Value) -> Result<()> {
        self.post("/mutate", mutation)
    }

    fn get(&self, path: &str) -> Result<Value> {
        Ok(ureq::get(format!("{}{path}", self.announcement.control))
            .call()?
            .body_mut()
            .read_json()?)
    }

    fn post(&self, path: &str, body: &Value) -> Result<()> {
        ureq::post(format!("{}{path}", self.announcement.control)).send_json(body)?;
        Ok(())
    }
}

impl World {
    /// All repositories.
    pub(crate) fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.organizations.iter().flat_map(|one| &one.repositories)
    }
}
