//! Orderly ends: the first signal drains, the second aborts.

use std::future::Future;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;

/// The signals that ask a process to end.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From here on a signal no longer ends the process by itself.
    pub(crate) fn listen() -> Result<Self, Error> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Error::Failed(format!("Signals cannot be heard: {error}.")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Lets an orderly end take its time, until the next signal says that there is none. Whether it came to its end.
    pub(crate) async fn unless_repeated(&mut self, orderly: impl Future<Output = ()>) -> bool {
        tokio::select! {
            () = orderly => true,
            () = self.next() => false,
        }
    }
}
