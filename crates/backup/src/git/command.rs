//! Running git: an empty environment, no terminal, killed with all its children when nobody waits for it any more.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use forge::{Body, GitAccess};
use tokio::process::Command;
use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;

use super::credential::{self, CredentialPipe, HELPER};
use super::failure::{Class, Failure};
use super::running::{Ended, Input, Running};
use crate::Error;
use crate::storage::Inflow;

/// From this version on git sends the token with the first request, so that public repositories are not read anonymously, which
/// GitHub throttles (git release notes 2.46, `http.proactiveAuth`).
pub const GIT_WITH_PROACTIVE_AUTHENTICATION: (u32, u32) = (2, 46);

/// Where programs are looked for: the environment is not passed on.
const SEARCH_PATH: &str =
    "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/usr/local/sbin:/usr/sbin:/sbin";
/// Where git is. Found once: a program that is started by its full path is started without a copy of this process, which takes a
/// quarter of the time.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let found = SEARCH_PATH
        .split(':')
        .map(|folder| Path::new(folder).join("git"))
        .find(|program| program.is_file());
    found.unwrap_or_else(|| PathBuf::from("git"))
});
/// How long git may be silent. Long work reports its progress every second.
const SILENCE: Duration = Duration::from_mins(15);
/// A transfer slower than this many bytes a second for this many seconds is given up.
const TOO_SLOW: (&str, &str) = ("http.lowSpeedLimit=1", "http.lowSpeedTime=120");

static VERSION: OnceCell<(u32, u32)> = OnceCell::const_new();

/// Major and minor version of the git command.
pub async fn git_version() -> Result<(u32, u32), Error> {
    let found = VERSION.get_or_try_init(|| async {
        let output = Git::new(["version"]).run(&CancellationToken::new()).await?;
        let text = String::from_utf8_lossy(&output);
        parse_version(&text).ok_or_else(|| {
            Failure::new(
                Class::Other,
                format!("\"{}\" names no version", text.trim()),
            )
        })
    });
    found
        .await
        .copied()
        .map_err(|failure| failure.into_error("Asking git for its version"))
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let number = text.strip_prefix("git version ")?;
    let mut parts = number.split('.');
    Some((
        parts.next()?.parse().ok()?,
        parts.next()?.trim().parse().ok()?,
    ))
}

/// One git command.
#[derive(Debug)]
pub(super) struct Git {
    command: Command,
    input: Input,
    pipe: Option<CredentialPipe>,
    silence: Duration,
    most: usize,
    accepted: fn(ExitStatus) -> bool,
    watcher: Option<mpsc::UnboundedSender<String>>,
}

impl Git {
    /// A command outside of any repository.
    pub(super) fn new<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(PROGRAM.as_path());
        command
            .env_clear()
            .env("PATH", SEARCH_PATH)
            .env("HOME", "/nonexistent")
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .current_dir("/")
            .args(["-c", "safe.directory=*"])
            .args(arguments);
        Self {
            command,
            input: Input::Nothing,
            pipe: None,
            silence: SILENCE,
            most: usize::MAX,
            accepted: |status| status.success(),
            watcher: None,
        }
    }

    /// A command on a repository.
    pub(super) fn on<'a>(repository: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut git = Self::new(arguments);
        git.command.env("GIT_DIR", repository);
        git
    }

    /// A command that speaks to a host with a token.
    pub(super) async fn to_host(
        repository: &Path,
        access: &GitAccess,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        let origin = access.url.origin().ascii_serialization();
        let helper = format!("credential.{origin}.helper={HELPER}");
        let mut all = vec![
            "-c",
            "credential.helper=",
            "-c",
            &helper,
            // A redirect could carry the request elsewhere; a renamed repository is asked for by its new name instead.
            "-c",
            "http.followRedirects=false",
            "-c",
            TOO_SLOW.0,
            "-c",
            TOO_SLOW.1,
        ];
        let version = git_version()
            .await
            .map_err(|error| Failure::new(Class::Other, error.to_string()))?;
        if version >= GIT_WITH_PROACTIVE_AUTHENTICATION {
            all.extend(["-c", "http.proactiveAuth=basic"]);
        }
        let authority = access
            .certificate_authority
            .as_ref()
            .map(|file| format!("http.{origin}/.sslCAInfo={}", file.display()));
        if let Some(authority) = &authority {
            all.extend(["-c", authority]);
        }
        all.extend(arguments);
        let mut git = Self::on(repository, all);
        git.command.env("GIT_ALLOW_PROTOCOL", access.url.scheme());
        git.pipe = Some(CredentialPipe::new(access)?);
        Ok(git)
    }

    /// What the command reads.
    pub(super) fn input(mut self, input: Vec<u8>) -> Self {
        self.input = Input::Bytes(input);
        self
    }

    /// What the command reads, as it comes from a host.
    pub(super) fn stream(mut self, input: Body) -> Self {
        self.input = Input::Stream(input);
        self
    }

    /// How long the command may be silent.
    pub(super) fn silent_for(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// How many bytes the command may write: it fails when they are more.
    pub(super) fn at_most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// Which ends are not failures.
    pub(super) fn accepting(mut self, accepted: fn(ExitStatus) -> bool) -> Self {
        self.accepted = accepted;
        self
    }

    /// Tells pieces of the error stream as they come.
    pub(super) fn watched_by(mut self, watcher: mpsc::UnboundedSender<String>) -> Self {
        self.watcher = Some(watcher);
        self
    }

    /// Runs the command and answers what it wrote.
    pub(super) async fn run(self, cancel: &CancellationToken) -> Result<Vec<u8>, Failure> {
        self.run_whole(cancel).await.map(|ended| ended.stdout)
    }

    /// Runs the command and hands on what it writes as it comes, no faster than it is taken.
    pub(super) async fn run_into(mut self, to: &Inflow) -> Result<(), Failure> {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let started = credential::start(&mut self.command, None);
        let child = started.map_err(|error| {
            Failure::new(Class::Other, format!("git cannot be started ({error})"))
        })?;
        let mut running = Running::new(child);
        let ended = running.pour(to, self.silence).await?;
        if (self.accepted)(ended.status) {
            Ok(())
        } else {
            Err(Failure::read(&ended.stderr))
        }
    }

    /// Runs the command and answers all there is to know of its end.
    pub(super) async fn run_whole(mut self, cancel: &CancellationToken) -> Result<Ended, Failure> {
        self.command
            .stdin(match self.input {
                Input::Nothing => Stdio::null(),
                Input::Bytes(_) | Input::Stream(_) => Stdio::piped(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let started = credential::start(&mut self.command, self.pipe.take());
        let child = started.map_err(|error| {
            Failure::new(Class::Other, format!("git cannot be started ({error})"))
        })?;
        let mut running = Running::new(child);
        let ended = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::new(Class::Cancelled, "cancelled")),
            ended = running.wait(self.input, self.silence, self.most, self.watcher.take()) => ended,
        }?;
        if (self.accepted)(ended.status) {
            Ok(ended)
        } else {
            Err(Failure::read(&ended.stderr))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_version("git version 2.47.3\n"), Some((2, 47)));
        assert_eq!(
            parse_version("git version 2.39.5 (Apple Git-154)\n"),
            Some((2, 39))
        );
        assert_eq!(parse_version("git version 3.0\n"), Some((3, 0)));
        assert_eq!(parse_version("hg 6"), None);
    }

    #[tokio::test]
    async fn a_cancelled_command_ends() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let failure = Git::new(["version"]).run(&cancel).await.unwrap_err();
        assert_eq!(failure.class, Class::Cancelled);
    }
}
