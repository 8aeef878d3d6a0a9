//! A run on a terminal: one bar for all of it, a line for each repository in flight and for each credential.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::FetchState;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::Value;
use store::FetchView;

use super::lines::line;
use super::watch::Seen;

/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(120);

/// The bars on the terminal.
pub(super) struct Bars {
    all: MultiProgress,
    overall: ProgressBar,
    repositories: BTreeMap<String, ProgressBar>,
    credentials: BTreeMap<String, ProgressBar>,
}

impl Bars {
    pub(super) fn new() -> Self {
        let all = MultiProgress::new();
        let overall = all.add(ProgressBar::new(1));
        overall.set_style(style("{bar:40.green} {msg} [{elapsed_precise}]"));
        overall.enable_steady_tick(TURN);
        Self {
            all,
            overall,
            repositories: BTreeMap::new(),
            credentials: BTreeMap::new(),
        }
    }

    /// Shows where everything stands.
    pub(super) fn show(&mut self, seen: &Seen) {
        let tally = seen.run.tally;
        self.overall.set_length(tally.total().max(1));
        self.overall.set_position(tally.settled());
        self.overall.set_message(line(seen));
        let in_flight: BTreeMap<String, String> = seen
            .run
            .active
            .iter()
            .filter(|fetch| fetch.state == FetchState::Running)
            .map(|fetch| (fetch.repository.to_string(), doing(fetch)))
            .collect();
        update(
            &self.all,
            &mut self.repositories,
            &in_flight,
            "  {spinner} {prefix} {msg}",
        );
        let quotas: BTreeMap<String, String> = seen
            .quotas
            .iter()
            .map(|quota| (quota.credential.clone(), quota.text(seen.now)))
            .collect();
        update(&self.all, &mut self.credentials, &quotas, "  {msg:.cyan}");
    }

    /// Leaves the terminal as it was.
    pub(super) fn clear(&self) {
        // A terminal that has gone away needs no clearing.
        let _cleared = self.all.clear();
    }
}

/// Adds, changes and removes lines, so that there is one for each entry.
fn update(
    all: &MultiProgress,
    lines: &mut BTreeMap<String, ProgressBar>,
    wanted: &BTreeMap<String, String>,
    template: &str,
) {
    lines.retain(|name, line| {
        let stays = wanted.contains_key(name);
        if !stays {
            line.finish_and_clear();
            all.remove(line);
        }
        stays
    });
    for (name, message) in wanted {
        let line = lines.entry(name.clone()).or_insert_with(|| {
            let line = all.add(ProgressBar::new_spinner());
            line.set_style(style(template));
            line.set_prefix(name.clone());
            line.enable_steady_tick(TURN);
            line
        });
        line.set_message(message.clone());
    }
}

/// What a fetch is at, as its worker last reported.
fn doing(fetch: &FetchView) -> String {
    let word = |name: &str| fetch.progress.get(name).and_then(Value::as_str);
    let number = |name: &str| fetch.progress.get(name).and_then(Value::as_u64);
    let mut parts: Vec<String> = [word("stage"), word("kind")]
        .into_iter()
        .flatten()
        .map(|part| part.replace('_', " "))
        .collect();
    match (number("done"), number("total")) {
        (Some(done), Some(total)) => parts.push(format!("{done}/{total}")),
        (Some(done), None) if done > 0 => parts.push(done.to_string()),
        (Some(_) | None, _) => {}
    }
    parts.join(" ")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
