//! What an admin registers before anything can be measured.

use std::path::Path;

use anyhow::{Context, Result};

use crate::admin::Admin;
use crate::simulator::{Simulator, User};

/// A tenant of its own: a database that was given may hold what an earlier bench left.
pub(super) fn tenant(admin: &mut Admin) -> Result<()> {
    let tenant = format!("bench-{:08x}", fastrand::u32(..));
    admin.ask(&["tenant", "add", &tenant])?;
    admin.act_for(&tenant);
    Ok(())
}

/// A storage below the folder, an organization with these users' credentials, the first one's being the main one, and a plan of the
/// same name for all its repositories that may use them all.
pub(super) fn organization(
    admin: &Admin,
    simulator: &Simulator,
    organization: &str,
    users: usize,
    folder: &Path,
) -> Result<()> {
    let storage = folder.join("storage").display().to_string();
    admin.ask(&["storage", "add", "vault", "local", &storage])?;
    let users = simulator
        .users()
        .get(..users)
        .context("the simulator has too few users")?;
    let (main, additional) = users.split_first().context("there is no user")?;
    let host = [
        "organization",
        "add",
        "--host",
        simulator.web(),
        "--name",
        organization,
    ];
    admin.ask(&[&host[..], &credential(main, &token_file(main))].concat())?;
    let mut plan = vec![
        "plan",
        "add",
        organization,
        "--organization",
        organization,
        "--repositories",
        "all",
        "--storage",
        "vault",
    ];
    for user in additional {
        let added = ["credential", "add", organization];
        admin.ask(&[&added[..], &credential(user, &token_file(user))].concat())?;
        plan.extend(["--use", &user.login]);
    }
    if !additional.is_empty() {
        plan.extend(["--additional-credentials", "on"]);
    }
    admin.ask(&plan)?;
    Ok(())
}

fn token_file(user: &User) -> String {
    user.token_file.display().to_string()
}

fn credential<'a>(user: &'a User, token_file: &'a str) -> [&'a str; 4] {
    ["--user", &user.login, "--token-file", token_file]
}
