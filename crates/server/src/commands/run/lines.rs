//! A run as plain lines, one for each thing that changes.

use std::io::Write;

use domain::RunState;
use domain::run::Tally;

use super::watch::Seen;

/// What has been said already.
#[derive(Debug, Default)]
pub(super) struct Lines {
    state: Option<RunState>,
    tally: Tally,
    worker_alive: bool,
}

impl Lines {
    /// Says what is new.
    pub(super) fn show(&mut self, seen: &Seen) {
        let run = &seen.run;
        let moved = run.tally.settled() != self.tally.settled();
        let is_same = self.state == Some(run.state) && self.worker_alive == seen.worker_alive;
        if is_same && !moved {
            return;
        }
        let text = line(seen);
        self.state = Some(run.state);
        self.tally = run.tally;
        self.worker_alive = seen.worker_alive;
        let _gone = writeln!(std::io::stderr(), "{} {text}", seen.now.format("%H:%M:%S"));
    }
}

/// Where a run stands, in one line.
pub(super) fn line(seen: &Seen) -> String {
    let run = &seen.run;
    let tally = run.tally;
    if !seen.worker_alive && !run.state.is_final() {
        return "no worker is alive: start one with holdfast serve".to_owned();
    }
    let state = match (run.state, run.throttled_until) {
        (RunState::Queued, _) => return "queued".to_owned(),
        (RunState::Running, _) if run.listed_at.is_none() => {
            return "listing repositories".to_owned();
        }
        (RunState::Throttled, Some(until)) => {
            format!("throttled until {}", until.format("%H:%M:%S UTC"))
        }
        (state, _) => state.as_str().replace('_', " "),
    };
    let mut parts = vec![format!("{state}: {} of {}", tally.settled(), tally.total())];
    for (count, word) in [
        (tally.unchanged, "unchanged"),
        (tally.complete_with_omissions, "with omissions"),
        (tally.throttled, "throttled"),
        (tally.failed, "failed"),
        (tally.cancelled, "cancelled"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests;
