//! Pictures of every page of the console, of an installation that looks lived in.

mod company;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::admin::{self, Admin};
use crate::setup::{assets, browser, postgres::Database, tools};
use crate::signals::Interrupt;
use crate::workspace::Workspace;

/// Where pictures go.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder; `screenshots` below the target folder when absent.
    folder: Option<PathBuf>,
}

/// Sets everything up and lets the browser take the pictures.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    tools::require_git()?;
    let assets = assets::prepare()?;
    let browser = browser::require()?;
    workspace.build()?;
    let pictures = match &options.folder {
        Some(folder) => std::path::absolute(folder)?,
        None => workspace.target().join("screenshots"),
    };
    std::fs::create_dir_all(&pictures)
        .with_context(|| format!("{} cannot be created", pictures.display()))?;
    let server = Database::open()?;
    let scratch = server.scratch("screenshots")?;
    let folder = tempfile::tempdir()?;
    let simulator = company::host(workspace, folder.path())?;
    let mut admin = Admin::new(
        workspace.program("holdfast"),
        folder.path(),
        scratch.url(),
        Interrupt::listen()?,
    );
    let log = folder.path().join("serve.log");
    let (_server, base) = admin.serve(&log)?;
    company::settle(&mut admin, &simulator, folder.path())?;
    let known = json!({
        "base": base,
        "code": admin::set_up_code(&log)?,
        "tenant": company::TENANT,
        "pictures": pictures,
    });
    draw(workspace.root(), &assets, &browser, &known)?;
    eprintln!("The pictures are in {}.", pictures.display());
    Ok(ExitCode::SUCCESS)
}

fn draw(root: &Path, assets: &Path, browser: &Path, known: &Value) -> Result<()> {
    let mut child = Command::new("node")
        .arg(root.join("tests/browser/screenshots.mjs"))
        .env("HOLDFAST_TEST_ASSETS", assets)
        .env("HOLDFAST_TEST_BROWSER", browser)
        .stdin(Stdio::piped())
        .spawn()
        .context("node could not be started")?;
    child
        .stdin
        .take()
        .context("node does not listen")?
        .write_all(known.to_string().as_bytes())?;
    let status = child.wait()?;
    if !status.success() {
        bail!("the browser's script ended with {status}");
    }
    Ok(())
}
