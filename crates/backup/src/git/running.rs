//! A running git command: fed, listened to, and ended.

use std::process::ExitStatus;
use std::time::Duration;

use bytes::BytesMut;
use forge::Body;
use futures_util::StreamExt;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc;

use super::failure::{Class, Failure};
use crate::storage::Inflow;

/// How much of the error stream is kept: its end.
const STDERR_KEPT: usize = 16 * 1024;

/// How much is handed on at once.
const PART: usize = 64 * 1024;

/// What a command reads.
#[derive(Debug)]
pub(super) enum Input {
    Nothing,
    Bytes(Vec<u8>),
    /// As it comes from a host.
    Stream(Body),
}

impl Input {
    /// Writes it all, unless the command has read enough and closes its end: its exit status tells whether that was right.
    async fn feed(self, mut stdin: ChildStdin) -> Result<(), forge::Error> {
        let written = match self {
            Self::Nothing => Ok(()),
            Self::Bytes(bytes) => stdin.write_all(&bytes).await,
            Self::Stream(mut body) => loop {
                match body.next().await {
                    Some(part) => {
                        if let Err(error) = stdin.write_all(&part?).await {
                            break Err(error);
                        }
                    }
                    None => break Ok(()),
                }
            },
        };
        if let Err(error) = written {
            tracing::debug!(%error, "git closed its input");
        }
        Ok(())
    }
}

/// What a command left.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    /// The end of the error stream.
    pub(super) stderr: String,
}

/// A running command. Dropped before its end, it is killed together with its children.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Running {
    pub(super) fn new(child: Child) -> Self {
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        Self { child, group }
    }

    pub(super) async fn wait(
        &mut self,
        input: Input,
        silence: Duration,
        most: usize,
        watcher: Option<mpsc::UnboundedSender<String>>,
    ) -> Result<Ended, Failure> {
        let broken =
            |error: std::io::Error| Failure::new(Class::Other, format!("git broke off ({error})"));
        let (stdin, stdout, stderr) = (
            self.child.stdin.take(),
            self.child.stdout.take(),
            self.child.stderr.take(),
        );
        let feed = async move {
            match stdin {
                Some(stdin) => input.feed(stdin).await,
                None => Ok(()),
            }
        };
        let (alive, heard) = mpsc::unbounded_channel();
        let stdout = drain(stdout, alive.clone(), Bound::Fail(most), None);
        let stderr = drain(stderr, alive, Bound::KeepEnd(STDERR_KEPT), watcher);
        let streams = async { tokio::join!(feed, stdout, stderr) };
        let (fed, stdout, stderr) = tokio::select! {
            streams = streams => streams,
            () = too_silent(heard, silence) => {
                return Err(Failure::new(Class::Host, format!("no sign of life for {} minutes", silence.as_secs() / 60)));
            }
        };
        let status = self.child.wait().await.map_err(broken)?;
        self.group = None;
        fed.map_err(|error| Failure::of_host(&error))?;
        Ok(Ended {
            status,
            stdout: stdout.map_err(broken)?,
            stderr: String::from_utf8_lossy(&stderr.map_err(broken)?).into_owned(),
        })
    }

    /// Hands on the output as it comes.
    pub(super) async fn pour(&mut self, to: &Inflow, silence: Duration) -> Result<Ended, Failure> {
        let broken =
            |error: std::io::Error| Failure::new(Class::Other, format!("git broke off ({error})"));
        let (alive, _heard) = mpsc::unbounded_channel();
        let stderr = drain(
            self.child.stderr.take(),
            alive,
            Bound::KeepEnd(STDERR_KEPT),
            None,
        );
        let stdout = self.child.stdout.take();
        let pour = async {
            let Some(mut stdout) = stdout else {
                return Ok(());
            };
            loop {
                let mut part = BytesMut::with_capacity(PART);
                let read = tokio::time::timeout(silence, stdout.read_buf(&mut part));
                let count = read
                    .await
                    .map_err(|_elapsed| Failure::new(Class::Other, "git was silent for too long"))?
                    .map_err(broken)?;
                if count == 0 {
                    return Ok(());
                }
                if to.send(part.freeze()).await.is_err() {
                    return Err(Failure::new(Class::Cancelled, "nobody takes the output"));
                }
            }
        };
        let (poured, stderr) = tokio::join!(pour, stderr);
        poured?;
        let status = self.child.wait().await.map_err(broken)?;
        self.group = None;
        Ok(Ended {
            status,
            stdout: Vec::new(),
            stderr: String::from_utf8_lossy(&stderr.map_err(broken)?).into_owned(),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Termination lets git remove its lock files; whatever ignores it loses its pipes and ends by itself.
        if let Some(group) = self.group
            && let Err(error) = kill_process_group(group, Signal::TERM)
        {
            tracing::debug!(%error, "git had ended already");
        }
    }
}

/// What happens when a stream is longer than this.
#[derive(Debug, Clone, Copy)]
enum Bound {
    /// Its end is kept.
    KeepEnd(usize),
    /// That is an error.
    Fail(usize),
}

/// Reads a stream to its end.
async fn drain<R: AsyncRead + Unpin>(
    stream: Option<R>,
    alive: mpsc::UnboundedSender<()>,
    bound: Bound,
    watcher: Option<mpsc::UnboundedSender<String>>,
) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let Some(mut stream) = stream else {
        return Ok(all);
    };
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(all);
        }
        let part = buffer.get(..count).unwrap_or_default();
        if alive.send(()).is_err() {
            return Ok(all);
        }
        if let Some(watcher) = &watcher
            && watcher
                .send(String::from_utf8_lossy(part).into_owned())
                .is_err()
        {
            tracing::trace!("nobody watches git any more");
        }
        all.extend_from_slice(part);
        match bound {
            Bound::KeepEnd(kept) if all.len() / 2 > kept => {
                all.drain(..all.len() - kept);
            }
            Bound::Fail(most) if all.len() > most => {
                return Err(std::io::Error::other(format!(
                    "it wrote more than {most} bytes"
                )));
            }
            Bound::KeepEnd(_) | Bound::Fail(_) => {}
        }
    }
}

/// Ends when nothing was heard for too long.
async fn too_silent(mut heard: mpsc::UnboundedReceiver<()>, silence: Duration) {
    loop {
        match tokio::time::timeout(silence, heard.recv()).await {
            Ok(Some(())) => {}
            Ok(None) => std::future::pending::<()>().await,
            Err(_elapsed) => return,
        }
    }
}
