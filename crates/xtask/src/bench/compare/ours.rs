//! Holdfast, as an admin uses it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;

use super::scene::ORGANIZATION;
use super::table::Measured;
use crate::admin::Admin;
use crate::bench::registered;
use crate::files;
use crate::process::Supervised;
use crate::setup::postgres::Database;
use crate::signals::Interrupt;
use crate::simulator::Simulator;
use crate::workspace::Workspace;

/// A server with a plan for the organization.
pub(super) struct Ours {
    admin: Admin,
    storage: PathBuf,
    _server: Supervised,
}

impl Ours {
    /// Registers everything; nothing is run yet. The database wants the same master key each time, which is in `common`.
    pub(super) fn start(
        workspace: &Workspace,
        database: &Database,
        simulator: &Simulator,
        common: &Path,
        folder: &Path,
    ) -> Result<Self> {
        let program = workspace.program("holdfast");
        let mut admin = Admin::new(program, common, database.url(), Interrupt::listen()?);
        let (server, _) = admin.serve(&folder.join("serve.log"))?;
        registered::tenant(&mut admin)?;
        registered::organization(&admin, simulator, ORGANIZATION, 1, folder)?;
        Ok(Self {
            admin,
            storage: folder.join("storage"),
            _server: server,
        })
    }

    /// One run, from the command to its end.
    pub(super) fn measure(&self, simulator: &Simulator) -> Result<Measured> {
        simulator.reset_statistics()?;
        let start = Instant::now();
        self.admin.ask(&["run", ORGANIZATION, "--wait"])?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(Measured::of(
            &simulator.statistics()?,
            seconds,
            files::size(&self.storage)?,
        ))
    }
}
