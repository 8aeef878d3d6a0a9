//! Packages of Debian and Ubuntu, for whoever may install them.

use std::process::Command;
use std::sync::Once;

use anyhow::{Context, Result, bail};

use super::tools;
use crate::process;

/// Package lists are brought up to date once.
static LISTS: Once = Once::new();

/// Installs packages, or says which are needed.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let wanted = packages.join(" ");
    if !rustix::process::geteuid().is_root() || tools::find("apt-get").is_none() {
        bail!("{wanted} is missing: install it (Debian, Ubuntu: apt-get install {wanted})");
    }
    eprintln!("Installing {wanted}.");
    LISTS.call_once(|| {
        // Stale lists are no reason to stop: the installation below says what is really missing.
        let _updated = apt_get().args(["update", "-q"]).output();
    });
    process::output(
        apt_get()
            .args(["install", "-y", "-q", "--no-install-recommends"])
            .args(packages),
    )
    .with_context(|| format!("{wanted} could not be installed"))?;
    Ok(())
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
