//! Holdfast with some of the credentials.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::{Measured, ORGANIZATION};
use crate::admin::Admin;
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
    let tenant = format!("bench-{:08x}", fastrand::u32(..));
    admin.ask(&["tenant", "add", &tenant])?;
    admin.act_for(&tenant);
    let storage = folder.join("storage").display().to_string();
    admin.ask(&["storage", "add", "vault", "local", &storage])?;
    let users = simulator
        .users()
        .get(..users)
        .context("the simulator has too few users")?;
    let (main, additional) = users.split_first().context("there is no user")?;
    let token = main.token_file.display().to_string();
    let host = [
        "organization",
        "add",
        "--host",
        simulator.web(),
        "--name",
        ORGANIZATION,
    ];
    admin.ask(&[&host[..], &["--user", &main.login, "--token-file", &token]].concat())?;
    let mut plan = vec![
        "plan",
        "add",
        "all",
        "--organization",
        ORGANIZATION,
        "--repositories",
        "all",
        "--storage",
        "vault",
    ];
    for user in additional {
        let token = user.token_file.display().to_string();
        admin.ask(&[
            "credential",
            "add",
            ORGANIZATION,
            "--user",
            &user.login,
            "--token-file",
            &token,
        ])?;
        plan.extend(["--use", &user.login]);
    }
    if !additional.is_empty() {
        plan.extend(["--additional-credentials", "on"]);
    }
    admin.ask(&plan)?;
    simulator.reset_statistics()?;
    let start = Instant::now();
    admin.ask(&["run", "all", "--wait"])?;
    Measured::of(simulator, start.elapsed().as_secs_f64())
}
