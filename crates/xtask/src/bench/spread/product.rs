//! Holdfast with some of the credentials.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::{Measured, ORGANIZATION};
use crate::admin::Admin;
use crate::bench::registered;
use crate::setup::postgres::Database;
use crate::signals::Interrupt;
use crate::simulator::Simulator;
use crate::workspace::Workspace;

/// Backs the organization up with the first so many users' credentials; from the command to its end.
pub(super) fn measure(
    workspace: &Workspace,
    database: &Database,
    simulator: &Simulator,
    common: &Path,
    folder: &Path,
    users: usize,
) -> Result<Measured> {
    let program = workspace.program("holdfast");
    let mut admin = Admin::new(program, common, database.url(), Interrupt::listen()?);
    let (_server, _) = admin.serve(&folder.join("serve.log"))?;
    registered::tenant(&mut admin)?;
    registered::organization(&admin, simulator, ORGANIZATION, users, folder)?;
    simulator.reset_statistics()?;
    let start = Instant::now();
    admin.ask(&["run", ORGANIZATION, "--wait"])?;
    Measured::of(simulator, start.elapsed().as_secs_f64())
}
