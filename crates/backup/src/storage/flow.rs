//! What comes out of a storage for somebody who takes it at a pace of his own: a few parts lie ready, never the whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::Error;

/// Parts that lie ready.
const READY: usize = 8;
/// How large a part is.
const PART: usize = 64 * 1024;
/// Whoever takes nothing for this long has gone away without saying so.
const PATIENCE: Duration = Duration::from_mins(5);

/// The taker's end. Dropping it ends the work at the other one.
#[derive(Debug)]
pub struct Flow {
    parts: mpsc::Receiver<Result<Bytes, Error>>,
}

/// The giver's end.
#[derive(Debug, Clone)]
pub(crate) struct Inflow {
    parts: mpsc::Sender<Result<Bytes, Error>>,
}

/// Nobody takes anything any more.
#[derive(Debug)]
pub(crate) struct Abandoned;

/// Both ends.
pub(crate) fn flow() -> (Inflow, Flow) {
    let (to, from) = mpsc::channel(READY);
    (Inflow { parts: to }, Flow { parts: from })
}

impl Stream for Flow {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.parts.poll_recv(context)
    }
}

impl Inflow {
    /// Gives a part, when there is room.
    pub(crate) async fn send(&self, part: Bytes) -> Result<(), Abandoned> {
        self.give(Ok(part)).await
    }

    /// Says that the rest does not come: whoever takes must not think that he has the whole.
    pub(crate) async fn break_off(&self, error: Error) {
        if self.give(Err(error)).await.is_err() {
            tracing::debug!("Nobody is there to hear that the rest does not come.");
        }
    }

    /// Comes back when nobody takes anything any more.
    pub(crate) async fn abandoned(&self) {
        self.parts.closed().await;
    }

    async fn give(&self, part: Result<Bytes, Error>) -> Result<(), Abandoned> {
        match timeout(PATIENCE, self.parts.send(part)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Abandoned),
        }
    }

    /// The same for threads that may block.
    pub(super) fn writer(self) -> Writer {
        Writer {
            to: self,
            runtime: Handle::current(),
            part: BytesMut::with_capacity(PART),
            written: 0,
        }
    }
}

/// Gathers what a thread writes into parts.
pub(super) struct Writer {
    to: Inflow,
    runtime: Handle,
    part: BytesMut,
    written: u64,
}

impl Writer {
    /// Bytes written so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }
}

impl io::Write for Writer {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(buffer);
        self.written += buffer.len() as u64;
        if self.part.len() >= PART {
            self.flush()?;
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.part, BytesMut::with_capacity(PART)).freeze();
        self.runtime
            .block_on(self.to.send(part))
            .map_err(|Abandoned| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn a_writer_waits_for_the_taker_and_ends_with_him() {
        let (to, mut from) = flow();
        let writing = tokio::task::spawn_blocking(move || {
            let mut writer = to.writer();
            let part = vec![7; PART];
            let mut count = 0_u32;
            while writer.write_all(&part).is_ok() {
                count += 1;
            }
            count
        });
        for _ in 0..3 {
            assert_eq!(from.next().await.unwrap().unwrap().len(), PART);
        }
        drop(from);
        let count = writing.await.unwrap();
        assert!(
            count <= 3 + u32::try_from(READY).unwrap() + 1,
            "{count} parts ran ahead"
        );
    }
}
