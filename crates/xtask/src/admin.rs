//! Drives `holdfast` as an admin would: every command is shown before it is run.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;

use crate::process::{self, Supervised, tied};
use crate::signals::Interrupt;

/// What the server prints before the code.
const SET_UP_CODE: &str = "enter the code ";

/// An admin at a terminal, with the environment that the server has too.
#[derive(Debug)]
pub(crate) struct Admin {
    program: PathBuf,
    environment: Vec<(&'static str, String)>,
    interrupt: Interrupt,
}

impl Admin {
    /// Everything below `folder`: working copies, master key.
    pub(crate) fn new(
        program: PathBuf,
        folder: &Path,
        database: &str,
        interrupt: Interrupt,
    ) -> Self {
        let environment = vec![
            ("DATABASE_URL", database.to_owned()),
            ("HOLDFAST_DATA", folder.join("data").display().to_string()),
            ("HOLDFAST_LISTEN", "127.0.0.1:0".to_owned()),
        ];
        Self {
            program,
            environment,
            interrupt,
        }
    }

    /// Acts for this tenant from here on.
    pub(crate) fn act_for(&mut self, tenant: &str) {
        self.environment
            .push(("HOLDFAST_TENANT", tenant.to_owned()));
    }

    /// Gives every command a setting from here on.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.environment.push((name, value.to_owned()));
    }

    /// Starts `holdfast serve` and answers it with the address that it serves on.
    pub(crate) fn serve(&self, log: &Path) -> Result<(Supervised, String)> {
        self.start("serve", &[], log, |line| {
            let (_, address) = line.split_once("Serving on ")?;
            Some(address.trim().trim_end_matches('.').to_owned())
        })
    }

    /// Starts `holdfast worker` with working copies of its own and the master key of the others.
    pub(crate) fn work(&self, master_key: &Path, data: &Path, log: &Path) -> Result<Supervised> {
        let own = [
            ("HOLDFAST_MASTER_KEY_FILE", master_key),
            ("HOLDFAST_DATA", data),
        ];
        let (worker, ()) = self.start("worker", &own, log, |line| {
            line.contains("The scheduler has started").then_some(())
        })?;
        Ok(worker)
    }

    /// Starts a command that goes on, and waits for the line that says that it does.
    fn start<T>(
        &self,
        command: &'static str,
        own: &[(&str, &Path)],
        log: &Path,
        is_up: impl Fn(&str) -> Option<T>,
    ) -> Result<(Supervised, T)> {
        eprintln!("$ holdfast {command} > {} &", log.display());
        let mut child = tied(&self.program, "TERM");
        let mut child = self
            .prepare(&mut child)
            .envs(own.iter().copied())
            .arg(command)
            .env("HOLDFAST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("holdfast {command} could not be started"))?;
        let output = child
            .stderr
            .take()
            .with_context(|| format!("holdfast {command} has no log"))?;
        let process = Supervised::adopt(command, child, Signal::TERM);
        let sign = process::wait_for_line(output, log, is_up)
            .with_context(|| format!("holdfast {command} did not begin"))?;
        Ok((process, sign))
    }

    /// Runs a command before the eyes of the person at the terminal.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<ExitStatus> {
        let shown: Vec<_> = arguments
            .iter()
            .map(|one| one.as_ref().to_string_lossy())
            .collect();
        eprintln!("\n$ holdfast {}", shown.join(" "));
        let child = self
            .prepare(&mut tied(&self.program, "TERM"))
            .args(arguments)
            .spawn()
            .context("holdfast could not be started")?;
        Supervised::adopt("holdfast", child, Signal::TERM).wait(|| self.interrupt.asked())
    }

    /// The same, and insists on success.
    pub(crate) fn succeed<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<()> {
        let status = self.run(arguments)?;
        if !status.success() {
            bail!("the command above ended with {status}");
        }
        Ok(())
    }

    /// Asks for a document, unseen.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.program);
        let document = process::output(self.prepare(&mut command).args(arguments).arg("--json"))?;
        serde_json::from_slice(&document)
            .with_context(|| format!("holdfast {} --json is not JSON", arguments.join(" ")))
    }

    fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
    }
}

/// The code that the server has printed for whoever sets it up in a browser.
pub(crate) fn set_up_code(log: &Path) -> Result<String> {
    let log = std::fs::read_to_string(log).with_context(|| log.display().to_string())?;
    let (_, code) = log
        .split_once(SET_UP_CODE)
        .context("the server printed no set-up code")?;
    let code = code.split_whitespace().next().unwrap_or_default();
    Ok(code.trim_end_matches('.').to_owned())
}
