//! A server with much to show, and a run that goes on for as long as pages are read.

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;

use super::tables;
use super::visitor::Visitor;
use crate::admin::{self, Admin};
use crate::bench::registered;
use crate::process::Supervised;
use crate::setup::postgres::Scratch;
use crate::signals::Interrupt;
use crate::simulator::Simulator;
use crate::workspace::Workspace;

/// Tenants of the installation; the first one's pages are read.
const TENANTS: usize = 50;

/// The organization that is backed up meanwhile, and the plan that does it.
const ORGANIZATION: &str = "live";

/// So many small repositories, so few requests in each window, and so short a window, that a run takes minutes.
const HOST: [&str; 8] = [
    "--repositories",
    "600",
    "--profile",
    "tiny",
    "--quota",
    "300",
    "--window",
    "20",
];

/// Lists of a tenant.
const LISTS: [&str; 9] = [
    "/github",
    "/plans",
    "/tasks",
    "/snapshots",
    "/storages",
    "/passwords",
    "/members",
    "/audit",
    "/search?q=repository",
];

/// Lists inside of what another list links to: the first link below the list that ends so.
const INSIDE: [(&str, &str); 5] = [
    ("/github", "/edit"),
    ("/github", "/credentials"),
    ("/plans", "/edit"),
    ("/tasks", ""),
    ("/snapshots", ""),
];

/// Who reads.
const EMAIL: &str = "reader@example.com";
const PASSWORD: &str = "a password that only this bench uses";

/// A running installation.
pub(super) struct Installation {
    admin: Admin,
    base: String,
    code: String,
    _server: Supervised,
    _simulator: Simulator,
    _folder: TempDir,
}

impl Installation {
    /// Registers what must be real, fills in the rest, and serves.
    pub(super) fn start(workspace: &Workspace, scratch: &Scratch) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut arguments: Vec<std::ffi::OsString> = HOST.map(Into::into).to_vec();
        arguments.extend(["--organization".into(), ORGANIZATION.into()]);
        arguments.extend(["--user".into(), "reader".into()]);
        let simulator = Simulator::start(workspace, folder.path(), &arguments)?;
        let mut admin = Admin::new(
            workspace.program("holdfast"),
            folder.path(),
            scratch.url(),
            Interrupt::listen()?,
        );
        admin.ask(&["migrate"])?;
        for number in 1..=TENANTS {
            admin.ask(&["tenant", "add", &tenant(number)])?;
        }
        admin.act_for(&tenant(1));
        registered::organization(&admin, &simulator, ORGANIZATION, 1, folder.path())?;
        eprintln!("Filling the database.");
        tables::fill(scratch)?;
        let log = folder.path().join("serve.log");
        let (server, base) = admin.serve(&log)?;
        let code = admin::set_up_code(&log)?;
        Ok(Self {
            admin,
            base,
            code,
            _server: server,
            _simulator: simulator,
            _folder: folder,
        })
    }

    /// The first tenant's owner.
    pub(super) fn visitor(&self) -> Result<Visitor> {
        let mut visitor = Visitor::new(&self.base);
        visitor.send(
            "/setup",
            &[
                ("setup_code", &self.code),
                ("name", "Reader"),
                ("email", EMAIL),
                ("tenant", &tenant(1)),
                ("new_password", PASSWORD),
            ],
        )?;
        Ok(visitor)
    }

    /// Begins the backup that goes on while pages are read.
    pub(super) fn start_run(&self) -> Result<()> {
        self.admin.ask(&["run", ORGANIZATION]).map(|_| ())
    }

    /// Whether it still goes on.
    pub(super) fn is_running(&self) -> Result<bool> {
        let runs = self.admin.ask(&["runs"])?;
        let open = |run: &Value| run["plan"] == ORGANIZATION && run["ended_at"].is_null();
        Ok(runs.as_array().is_some_and(|runs| runs.iter().any(open)))
    }
}

/// Every list, and the panels and pages that hold one.
pub(super) fn lists(visitor: &Visitor) -> Result<Vec<String>> {
    let root = format!("/t/{}", tenant(1));
    let mut pages: Vec<String> = LISTS.iter().map(|list| format!("{root}{list}")).collect();
    for (list, part) in INSIDE {
        let found = visitor
            .open(&format!("{root}{list}"))?
            .split('"')
            .find(|link| link.starts_with(&format!("{root}{list}/")) && link.ends_with(part))
            .map(str::to_owned)
            .with_context(|| format!("{root}{list} links to no …{part}"))?;
        pages.push(found);
    }
    Ok(pages)
}

/// The name of one of the tenants.
fn tenant(number: usize) -> String {
    format!("tenant-{number:02}")
}
