//! Many who read one page, over and over.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::visitor::Visitor;

/// How hard a page is read.
#[derive(Debug)]
pub(super) struct Load {
    /// Each has a connection of its own, as browsers have.
    pub(super) readers: u32,
    /// Views of each per second; with none, the next as soon as the last has come.
    pub(super) pace: Option<f64>,
    pub(super) duration: Duration,
}

/// How long each view took.
#[derive(Debug)]
pub(super) struct Times {
    sorted: Vec<Duration>,
    duration: Duration,
}

impl Load {
    /// Lets all of them read one page.
    pub(super) fn on(&self, visitor: &Visitor, page: &str) -> Result<Times> {
        let start = Instant::now();
        let mut sorted = std::thread::scope(|scope| -> Result<Vec<Duration>> {
            let readers: Vec<_> = (0..self.readers)
                .map(|number| scope.spawn(move || self.read(visitor, page, number)))
                .collect();
            let mut all = Vec::new();
            for reader in readers {
                let times = reader.join().ok().context("a reader panicked")?;
                all.extend(times?);
            }
            Ok(all)
        })?;
        sorted.sort_unstable();
        Ok(Times {
            sorted,
            duration: start.elapsed(),
        })
    }

    fn read(&self, visitor: &Visitor, page: &str, number: u32) -> Result<Vec<Duration>> {
        let visitor = visitor.with_own_connection();
        // The first view opens the connection.
        visitor.open(page)?;
        let between = self.pace.map(|pace| Duration::from_secs_f64(1.0 / pace));
        let start = Instant::now();
        // Readers do not click in step.
        let mut next = start
            + between.map_or(Duration::ZERO, |between| {
                between * number / self.readers.max(1)
            });
        let mut times = Vec::new();
        while start.elapsed() < self.duration {
            if let Some(between) = between {
                wait_until(next);
                next += between;
            }
            let asked = Instant::now();
            visitor.open(page)?;
            times.push(asked.elapsed());
        }
        Ok(times)
    }
}

impl Times {
    pub(super) fn count(&self) -> usize {
        self.sorted.len()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate to be read")]
    pub(super) fn per_second(&self) -> f64 {
        self.sorted.len() as f64 / self.duration.as_secs_f64()
    }

    /// So many of a hundred views took no longer.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        let index = (self.sorted.len() * percent / 100).min(last);
        self.sorted.get(index).copied().unwrap_or_default()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a reader looks at a page for a while before opening the next"
)]
fn wait_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(Instant::now()));
}
