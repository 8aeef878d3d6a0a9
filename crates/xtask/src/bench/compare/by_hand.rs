//! What a careful person does without a backup tool: mirror everything, sixteen at a time, then one restic backup.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result};

use super::table::Measured;
use crate::files;
use crate::process;
use crate::simulator::Simulator;

/// Clones at a time.
const AT_ONCE: usize = 16;

/// Answers git's question for credentials from a file, so that the token is no argument.
const HELPER: &str = "!f() { test \"$1\" = get && printf 'username=x-access-token\\npassword=%s\\n' \"$(cat \"$TOKEN_FILE\")\"; }; f";

/// The mirrors, and the backup of them.
pub(super) fn measure(
    simulator: &Simulator,
    restic: &Path,
    folder: &Path,
) -> Result<(Measured, Measured)> {
    let token_file = &simulator
        .users()
        .first()
        .context("there is no user")?
        .token_file;
    let mirrors = folder.join("mirrors");
    std::fs::create_dir(&mirrors)?;
    let names: Vec<String> = simulator
        .world()?
        .repositories()
        .map(|one| one.full_name.clone())
        .collect();
    simulator.reset_statistics()?;
    let start = Instant::now();
    clone_all(simulator.web(), &names, token_file, &mirrors)?;
    let seconds = start.elapsed().as_secs_f64();
    let cloned = Measured::of(&simulator.statistics()?, seconds, files::size(&mirrors)?);

    let repository = folder.join("restic");
    let command = || {
        let mut command = Command::new(restic);
        command
            .args(["--quiet", "--repo"])
            .arg(&repository)
            .env("RESTIC_PASSWORD", "bench")
            .env("HOME", folder)
            .stdout(Stdio::null());
        command
    };
    process::succeed(command().arg("init"))?;
    let start = Instant::now();
    process::succeed(command().arg("backup").arg(&mirrors))?;
    let kept = Measured {
        seconds: start.elapsed().as_secs_f64(),
        bytes: files::size(&repository)?,
        ..Measured::default()
    };
    Ok((Measured { bytes: 0, ..cloned }, kept))
}

fn clone_all(web: &str, names: &[String], token_file: &Path, mirrors: &Path) -> Result<()> {
    let left = Mutex::new(names.iter());
    let next = || left.lock().ok().and_then(|mut left| left.next());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(name) = next() {
                        let target: PathBuf = mirrors.join(name.replace('/', "_"));
                        process::succeed(
                            Command::new("git")
                                .args(["clone", "--quiet", "--mirror", "--template="])
                                .arg(format!("{web}/{name}.git"))
                                .arg(target)
                                .env("GIT_CONFIG_COUNT", "1")
                                .env("GIT_CONFIG_KEY_0", "credential.helper")
                                .env("GIT_CONFIG_VALUE_0", HELPER)
                                .env("TOKEN_FILE", token_file)
                                .env("GIT_TERMINAL_PROMPT", "0"),
                        )?;
                    }
                    Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_panic| anyhow::anyhow!("a clone ended in an unexpected way"))??;
        }
        Ok(())
    })
}
