//! Child processes that cannot outlive this one.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::setup::tools;

/// How long a process may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a waiting task looks whether it was interrupted.
const GLANCE: Duration = Duration::from_millis(200);

/// A command that the kernel signals when this process dies, in whatever way: `setpriv` (util-linux) asks for it.
pub(crate) fn tied(program: impl AsRef<std::ffi::OsStr>, on_death: &str) -> Command {
    tied_as(None, program, on_death)
}

/// The same, under another user and group id.
pub(crate) fn tied_as(
    uid: Option<u32>,
    program: impl AsRef<std::ffi::OsStr>,
    on_death: &str,
) -> Command {
    let Some(setpriv) = tools::find("setpriv") else {
        let mut command = Command::new(program);
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        return command;
    };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", on_death]);
    if let Some(uid) = uid {
        command.arg(format!("--reuid={uid}"));
        command.arg(format!("--regid={uid}"));
        command.arg("--clear-groups");
    }
    command.arg("--").arg(program);
    command
}

/// Runs a command to its end and insists on success.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let shown = command.get_program().to_owned();
    let status = command
        .status()
        .with_context(|| format!("{} could not be started", shown.display()))?;
    if !status.success() {
        bail!("{} ended with {status}", shown.display());
    }
    Ok(())
}

/// Runs a command to its end, insists on success and answers what it printed.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let shown = command.get_program().to_owned();
    let output = command
        .output()
        .with_context(|| format!("{} could not be started", shown.display()))?;
    if !output.status.success() {
        // A program that answers with a document says in it what went wrong.
        let said = if output.stderr.trim_ascii().is_empty() {
            &output.stdout
        } else {
            &output.stderr
        };
        bail!(
            "{} ended with {}: {}",
            shown.display(),
            output.status,
            String::from_utf8_lossy(said).trim()
        );
    }
    Ok(output.stdout)
}

/// Reads what a process says until a line answers what is asked of it; everything goes into a file, then and later.
pub(crate) fn wait_for_line<T>(
    output: impl Read + Send + 'static,
    file: &Path,
    asked: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    let mut lines = BufReader::new(output).lines();
    let mut log = File::create(file).with_context(|| file.display().to_string())?;
    let mut seen = String::new();
    for line in lines.by_ref() {
        let line = line?;
        writeln!(log, "{line}")?;
        if let Some(answer) = asked(&line) {
            std::thread::spawn(move || -> std::io::Result<()> {
                for line in lines {
                    writeln!(log, "{}", line?)?;
                }
                Ok(())
            });
            return Ok(answer);
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    bail!("it ended with:\n{seen}")
}

/// A running child process; dropping it asks it to end, waits, and kills it if need be.
#[derive(Debug)]
pub(crate) struct Supervised {
    name: &'static str,
    pid: Pid,
    stop: Signal,
    ended: Receiver<std::io::Result<ExitStatus>>,
}

impl Supervised {
    /// Takes over a child. `stop` is the signal that asks it to end in good order.
    pub(crate) fn adopt(name: &'static str, mut child: Child, stop: Signal) -> Self {
        let pid = Pid::from_child(&child);
        let (sender, ended) = channel();
        std::thread::spawn(move || sender.send(child.wait()));
        Self {
            name,
            pid,
            stop,
            ended,
        }
    }

    /// Waits for the end of the process, or for `interrupted` to say that nobody waits any more: then it is stopped.
    pub(crate) fn wait(self, interrupted: impl Fn() -> bool) -> Result<ExitStatus> {
        loop {
            match self.ended.recv_timeout(GLANCE) {
                Ok(status) => return Ok(status?),
                Err(_) if interrupted() => bail!("interrupted"),
                Err(_) => {}
            }
        }
    }

    /// Fails if the process has ended, which nobody asked it to.
    pub(crate) fn check(&self) -> Result<()> {
        match self.ended.try_recv() {
            Ok(Ok(status)) => bail!("{} ended by itself with {status}", self.name),
            Ok(Err(error)) => bail!("{} was lost: {error}", self.name),
            Err(_) => Ok(()),
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        for signal in [self.stop, Signal::KILL] {
            if kill_process(self.pid, signal).is_err() {
                return;
            }
            match self.ended.recv_timeout(PATIENCE) {
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    eprintln!("{} does not end, killing it.", self.name);
                }
            }
        }
    }
}
