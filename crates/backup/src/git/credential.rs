//! How a token reaches git: through an inherited pipe that a helper reads, for one host only.
//!
//! A token in the address, in an extra header or in the environment can be seen by other processes or is sent along to wherever a
//! redirect leads; a file or a named pipe outlives a kill. This pipe has no name, answers once, and ends with the processes that
//! hold it.

use std::io::{self, PipeReader, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use forge::GitAccess;
use rustix::io::{FdFlags, fcntl_setfd};
use tokio::process::{Child, Command};

use super::failure::Failure;

/// Name of the variable that tells the helper the pipe's number.
const DESCRIPTOR: &str = "HOLDFAST_CREDENTIAL_DESCRIPTOR";

/// Answers git's question for user name and password with the two lines of the pipe.
pub(super) const HELPER: &str = r#"!f() { test "$1" = get || exit 0; { IFS= read -r user && IFS= read -r password; } < "/dev/fd/$HOLDFAST_CREDENTIAL_DESCRIPTOR" || exit 1; printf 'username=%s\npassword=%s\n' "$user" "$password"; }; f"#;

/// Held while a command is started: a pipe that one may inherit is inherited by all that start at the same time.
static STARTING: Mutex<()> = Mutex::new(());

/// A pipe with the token in it.
#[derive(Debug)]
pub(super) struct CredentialPipe(PipeReader);

impl CredentialPipe {
    pub(super) fn new(access: &GitAccess) -> Result<Self, Failure> {
        let fill = || -> io::Result<Self> {
            let (reader, mut writer) = io::pipe()?;
            for line in [access.username.as_str(), access.token.expose()] {
                writer.write_all(line.as_bytes())?;
                writer.write_all(b"\n")?;
            }
            Ok(Self(reader))
        };
        fill().map_err(|error| Failure::file(Path::new("the credential pipe"), &error))
    }
}

/// Starts a command, with a pipe that this command and no other inherits.
pub(super) fn start(command: &mut Command, pipe: Option<CredentialPipe>) -> io::Result<Child> {
    let alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(CredentialPipe(reader)) = &pipe {
        fcntl_setfd(reader, FdFlags::empty())?;
        command.env(DESCRIPTOR, reader.as_raw_fd().to_string());
    }
    let started = command.spawn();
    drop(pipe);
    drop(alone);
    started
}
