//! How tasks are said: states with their tones, lengths of time, progress.

use chrono::{DateTime, TimeDelta, Utc};
use domain::run::Tally;
use domain::{FetchState, RunState};
use store::{FetchView, RunGroup, RunRow, RunView, Trigger};

use crate::said::Value;
use crate::text;

/// A tone of the macro `state`, and the word beside it.
pub(crate) type State = (&'static str, String);

/// What a list and a page of tasks both show.
pub(crate) trait Shown {
    fn run_state(&self) -> RunState;
    fn tally(&self) -> &Tally;
    fn throttled_until(&self) -> Option<DateTime<Utc>>;
    fn is_cancelling(&self) -> bool;
    fn started_at(&self) -> Option<DateTime<Utc>>;
    fn ended_at(&self) -> Option<DateTime<Utc>>;
    fn throttled_s(&self) -> f64;
    fn asked_by(&self) -> (Trigger, Option<&str>);

    fn state(&self) -> State {
        if self.is_cancelling() {
            return ("hold", "Cancelling".to_owned());
        }
        run_state(self.run_state(), self.throttled_until())
    }

    /// How much of it is settled, of a hundred.
    fn percent(&self) -> u64 {
        let (settled, total) = (self.tally().settled(), self.tally().total());
        match self.run_state() {
            RunState::Complete | RunState::CompleteWithOmissions => 100,
            _ => (settled * 100).checked_div(total).unwrap_or_default(),
        }
    }

    /// The tone of its bar.
    fn bar(&self) -> &'static str {
        match self.run_state() {
            RunState::Complete => "ok",
            RunState::CompleteWithOmissions | RunState::Throttled => "warn",
            RunState::Failed => "bad",
            RunState::Queued | RunState::Running | RunState::Cancelled => "primary",
        }
    }

    /// How long it took, or has been taking so far.
    fn took(&self, now: impl Value<DateTime<Utc>>) -> String {
        let now = now.value();
        match (self.started_at(), self.ended_at()) {
            (Some(from), Some(until)) => text::duration(until - from),
            (Some(from), None) => format!("{} so far", text::duration(now - from)),
            (None, _) => "–".to_owned(),
        }
    }

    /// How long part of it waited for quota.
    fn waited(&self) -> String {
        seconds(self.throttled_s())
    }

    /// Who asked for it.
    fn who(&self) -> String {
        match self.asked_by() {
            (Trigger::Schedule(_), _) => "by its schedule".to_owned(),
            (Trigger::Person, Some(name)) => format!("by {name}"),
            (Trigger::Person, None) => "by a person".to_owned(),
        }
    }
}

macro_rules! shown {
    ($type:ty, $cancelling:expr) => {
        impl Shown for $type {
            fn run_state(&self) -> RunState {
                self.state
            }
            fn tally(&self) -> &Tally {
                &self.tally
            }
            fn throttled_until(&self) -> Option<DateTime<Utc>> {
                self.throttled_until
            }
            fn is_cancelling(&self) -> bool {
                let cancelling: fn(&$type) -> bool = $cancelling;
                cancelling(self)
            }
            fn started_at(&self) -> Option<DateTime<Utc>> {
                self.started_at
            }
            fn ended_at(&self) -> Option<DateTime<Utc>> {
                self.ended_at
            }
            fn throttled_s(&self) -> f64 {
                self.throttled_s
            }
            fn asked_by(&self) -> (Trigger, Option<&str>) {
                (self.trigger, self.requested_by.as_deref())
            }
        }
    };
}

shown!(RunRow, |_| false);
shown!(RunView, |run| run.cancelling);

/// A state and its tone.
pub(crate) fn run_state(state: RunState, until: Option<DateTime<Utc>>) -> State {
    match state {
        RunState::Queued => ("idle", "Queued".to_owned()),
        RunState::Running => ("run", "Running".to_owned()),
        RunState::Throttled => ("hold", throttled(until)),
        RunState::Complete => ("ok", "Complete".to_owned()),
        RunState::CompleteWithOmissions => ("warn", "Complete with omissions".to_owned()),
        RunState::Failed => ("bad", "Failed".to_owned()),
        RunState::Cancelled => ("idle", "Cancelled".to_owned()),
    }
}

/// The same for one repository.
pub(crate) fn fetch_state(
    state: impl Value<FetchState>,
    until: impl Value<Option<DateTime<Utc>>>,
) -> State {
    match state.value() {
        FetchState::Queued => ("idle", "Queued".to_owned()),
        FetchState::Running => ("run", "Running".to_owned()),
        FetchState::Throttled => ("hold", throttled(until.value())),
        FetchState::Complete => ("ok", "Complete".to_owned()),
        FetchState::CompleteWithOmissions => ("warn", "Complete with omissions".to_owned()),
        FetchState::Unchanged => ("ok", "Unchanged".to_owned()),
        FetchState::Failed => ("bad", "Failed".to_owned()),
        FetchState::Cancelled => ("idle", "Cancelled".to_owned()),
    }
}

fn throttled(until: Option<DateTime<Utc>>) -> String {
    match until {
        Some(until) => format!("Throttled until {}", until.format("%H:%M")),
        None => "Waiting for the plan's window".to_owned(),
    }
}

/// Where a repository under way has come to: "Fetching issues, 120 of 400".
pub(crate) fn progress(fetch: &FetchView) -> Option<String> {
    let stage = match fetch.progress.get("stage")?.as_str()? {
        "hydrate" => "Bringing back the working copy",
        "fetch" => "Fetching",
        "store" => "Storing",
        "verify" => "Checking",
        _ => return None,
    };
    let done = fetch.progress.get("done")?.as_u64()?;
    let total = fetch
        .progress
        .get("total")
        .and_then(serde_json::Value::as_u64);
    let kind = fetch.progress.get("kind").and_then(|kind| kind.as_str());
    let what = kind.map_or_else(String::new, |kind| format!(" {}", kind.replace('_', " ")));
    let count = |number: u64| {
        if kind.is_some() {
            text::number(number)
        } else {
            text::size(number)
        }
    };
    let amount = match total {
        Some(total) => format!("{} of {}", count(done), count(total)),
        None => count(done),
    };
    Some(format!("{stage}{what}, {amount}"))
}

/// The word of a group in an address.
pub(crate) fn word(group: RunGroup) -> &'static str {
    match group {
        RunGroup::Open => "running",
        RunGroup::Throttled => "throttled",
        RunGroup::Complete => "complete",
        RunGroup::Omissions => "omissions",
        RunGroup::Failed => "failed",
        RunGroup::Cancelled => "cancelled",
    }
}

/// The group of a word.
pub(crate) fn group(text: &str) -> Option<RunGroup> {
    RunGroup::ALL.into_iter().find(|group| word(*group) == text)
}

/// What a group is called.
pub(crate) fn label(group: RunGroup) -> &'static str {
    match group {
        RunGroup::Open => "Running",
        RunGroup::Throttled => "Throttled",
        RunGroup::Complete => "Complete",
        RunGroup::Omissions => "With omissions",
        RunGroup::Failed => "Failed",
        RunGroup::Cancelled => "Cancelled",
    }
}

/// A count that stops at a limit: "99+".
pub(crate) fn up_to(count: u64, limit: u32) -> String {
    if count >= u64::from(limit) {
        format!("{}+", limit - 1)
    } else {
        count.to_string()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds of waiting stay far below the limit, and casts saturate"
)]
fn seconds(seconds: f64) -> String {
    text::duration(TimeDelta::seconds(seconds as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_a_word_of_its_own() {
        for one in RunGroup::ALL {
            assert_eq!(group(word(one)), Some(one));
        }
        assert_eq!(group("everything"), None);
    }

    #[test]
    fn waiting_is_never_called_an_error() {
        let until: DateTime<Utc> = "2026-03-02T13:41:00Z".parse().unwrap();
        let (tone, words) = run_state(RunState::Throttled, Some(until));
        assert_eq!((tone, words.as_str()), ("hold", "Throttled until 13:41"));
    }

    #[test]
    fn a_count_stops_at_its_limit() {
        assert_eq!(up_to(7, 100), "7");
        assert_eq!(up_to(100, 100), "99+");
    }
}
