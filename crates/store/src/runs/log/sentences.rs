//! What can happen in a run, and the sentence for each.

use bytesize::ByteSize;
use chrono::{DateTime, TimeDelta, Utc};
use domain::run::Tally;
use domain::{Omission, RunState};

use super::Tone;

/// Something that happened in a run.
#[derive(Debug)]
pub(crate) enum Happening<'a> {
    /// Somebody asked for it.
    Asked { by: &'a str },
    /// The plan's schedule asked for it.
    Due { at: DateTime<Utc> },
    /// Somebody asked for what another run had not got.
    AskedAgain {
        by: &'a str,
        repositories: u64,
        of: DateTime<Utc>,
    },
    /// The whole plan was asked for while this run was limited to some repositories.
    Widened { by: &'a str },
    /// The same, when it was too late to widen it.
    Follows { by: &'a str },
    /// It goes on that another run was asked for.
    BeganAfter,
    /// What was parked goes on.
    Resumed { by: &'a str },
    /// The organization is being listed.
    Listing { organization: &'a str },
    /// The organization has been listed.
    Listed {
        organization: &'a str,
        repositories: usize,
        unchanged: usize,
    },
    /// The organization could not be listed.
    NotListed { cause: &'a str },
    /// Something failed for a passing reason.
    Again {
        what: &'a str,
        at: DateTime<Utc>,
        cause: &'a str,
    },
    /// Every credential is spent.
    Throttled {
        until: DateTime<Utc>,
        cause: &'a str,
    },
    /// There is quota again, after so long a wait.
    WentOn {
        at: DateTime<Utc>,
        waited: Option<TimeDelta>,
    },
    /// The window has ended.
    Parked { window_ended_at: DateTime<Utc> },
    /// A credential could not go on, and another one did.
    Moved {
        what: &'a str,
        from: &'a str,
        because: &'a str,
        to: &'a str,
        why: &'a str,
    },
    /// A snapshot holds the repository's state.
    Stored {
        repository: &'a str,
        bytes_added: u64,
        omissions: &'a [Omission],
    },
    /// The newest snapshot still is the repository's state.
    Unchanged { repository: &'a str },
    /// No snapshot was made.
    Failed { repository: &'a str, cause: &'a str },
    /// A process died, and what it held goes to others.
    Released { repositories: u64 },
    /// Somebody asked for the run's end.
    Cancelling { by: &'a str },
    /// It ended.
    Ended { state: RunState, tally: Tally },
}

impl Happening<'_> {
    /// How it is meant, the sentence, and what keeps it from being said again.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm per happening, read as a list"
    )]
    pub(super) fn line(self) -> (Tone, String, Option<String>) {
        let (tone, sentence) = match self {
            Self::Throttled { until, cause } => {
                let once = format!("throttled {}", until.format("%FT%H:%M"));
                return (Tone::Wait, cause.to_owned(), Some(once));
            }
            Self::WentOn { at, waited } => {
                let once = format!("went on {}", at.format("%FT%H:%M"));
                let sentence = match waited {
                    Some(waited) => {
                        format!("Goes on: there is quota again after {}.", span(waited))
                    }
                    None => "Goes on: there is quota again.".to_owned(),
                };
                return (Tone::Wait, sentence, Some(once));
            }
            Self::Parked { window_ended_at } => {
                let once = format!("parked {}", window_ended_at.to_rfc3339());
                let sentence =
                    "The plan's window has ended: what is left goes on when the next one begins.";
                return (Tone::Wait, sentence.to_owned(), Some(once));
            }
            Self::Asked { by } => (Tone::Plain, format!("Asked for by {by}.")),
            Self::Due { at } => (
                Tone::Plain,
                format!("Asked for by the plan's schedule, for {}.", minute(at)),
            ),
            Self::AskedAgain {
                by,
                repositories,
                of,
            } => (
                Tone::Plain,
                format!(
                    "Asked for by {by}: {} that failed or had omissions in the task of {}.",
                    plural(repositories, "repository", "repositories"),
                    minute(of),
                ),
            ),
            Self::Widened { by } => (
                Tone::Plain,
                format!("{by} asked for the whole plan: this task does all of it now."),
            ),
            Self::Follows { by } => (
                Tone::Plain,
                format!("{by} asked for the whole plan: that task begins when this one ends."),
            ),
            Self::BeganAfter => (
                Tone::Plain,
                "Begins now that the task for some of the plan's repositories has ended."
                    .to_owned(),
            ),
            Self::Resumed { by } => (
                Tone::Plain,
                format!("{by} asked for a run: what was parked goes on."),
            ),
            Self::Listing { organization } => (
                Tone::Plain,
                format!("Listing the repositories of {organization}."),
            ),
            Self::Listed {
                organization,
                repositories,
                unchanged,
            } => (
                Tone::Plain,
                format!(
                    "{organization} is listed: {} to back up, {unchanged} of them unchanged since their newest snapshot.",
                    plural(repositories as u64, "repository", "repositories"),
                ),
            ),
            Self::NotListed { cause } => (
                Tone::Bad,
                format!("The organization cannot be listed. {cause}"),
            ),
            Self::Again { what, at, cause } => (
                Tone::Warn,
                format!(
                    "{what}: tried again at {}. {cause}",
                    at.format("%H:%M:%S UTC")
                ),
            ),
            Self::Moved {
                what,
                from,
                because,
                to,
                why,
            } => (
                Tone::Wait,
                format!("{what}: moved from {from} ({because}) to {to}. {why}"),
            ),
            Self::Stored {
                repository,
                bytes_added,
                omissions,
            } => stored(repository, bytes_added, omissions),
            Self::Unchanged { repository } => (Tone::Plain, format!("{repository}: unchanged.")),
            Self::Failed { repository, cause } => {
                (Tone::Bad, format!("{repository}: failed. {cause}"))
            }
            Self::Released { repositories } => (
                Tone::Warn,
                format!(
                    "A process of Holdfast ended: {} it worked on {} to others.",
                    plural(repositories, "repository", "repositories"),
                    if repositories == 1 { "goes" } else { "go" },
                ),
            ),
            Self::Cancelling { by } => (
                Tone::Warn,
                format!("{by} cancelled the task; what it has stored stays."),
            ),
            Self::Ended { state, tally } => ended(state, tally),
        };
        (tone, sentence, None)
    }
}

fn stored(repository: &str, bytes_added: u64, omissions: &[Omission]) -> (Tone, String) {
    let added = ByteSize::b(bytes_added);
    match omissions {
        [] => (Tone::Plain, format!("{repository}: done, {added} added.")),
        [first, others @ ..] => {
            let more = match others.len() {
                0 => String::new(),
                count => format!(
                    " And {}.",
                    plural(count as u64, "other omission", "other omissions")
                ),
            };
            (
                Tone::Warn,
                format!(
                    "{repository}: done with omissions, {added} added. {}: {}{more}",
                    first.kind, first.detail
                ),
            )
        }
    }
}

fn ended(state: RunState, tally: Tally) -> (Tone, String) {
    let (tone, word) = match state {
        RunState::Complete => (Tone::Good, "complete"),
        RunState::CompleteWithOmissions => (Tone::Warn, "complete with omissions"),
        RunState::Failed => (Tone::Bad, "failed"),
        RunState::Cancelled => (Tone::Warn, "cancelled"),
        RunState::Queued | RunState::Running | RunState::Throttled => (Tone::Plain, "open"),
    };
    let parts: Vec<String> = [
        (tally.complete, "stored"),
        (tally.complete_with_omissions, "stored with omissions"),
        (tally.unchanged, "unchanged"),
        (tally.failed, "failed"),
        (tally.cancelled, "cancelled"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    let sentence = if parts.is_empty() {
        format!("Ended: {word}.")
    } else {
        format!("Ended: {word}. Repositories: {}.", parts.join(", "))
    };
    (tone, sentence)
}

fn span(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min {:02} s", seconds % 60),
        (hours, minutes) => format!("{hours} h {minutes:02} min"),
    }
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use domain::{Kind, Reason};

    use super::*;

    #[test]
    fn a_move_says_why_it_was_made() {
        let (_, sentence, once) = Happening::Moved {
            what: "octo/web",
            from: "main",
            because: "spent in this window until 13:27:00 UTC",
            to: "bot",
            why: "bot has the most left: 3120.",
        }
        .line();
        assert_eq!(
            sentence,
            "octo/web: moved from main (spent in this window until 13:27:00 UTC) to bot. bot has the most left: 3120."
        );
        assert_eq!(once, None);
    }

    #[test]
    fn what_is_missing_is_said_with_its_reason() {
        let omission = Omission {
            kind: Kind::Wiki,
            reason: Reason::Denied,
            detail: "The host refused it.".to_owned(),
        };
        let (tone, sentence, _) = Happening::Stored {
            repository: "octo/web",
            bytes_added: 0,
            omissions: &[omission.clone(), omission],
        }
        .line();
        assert_eq!(tone, Tone::Warn);
        assert!(
            sentence.ends_with("wiki: The host refused it. And 1 other omission."),
            "{sentence}"
        );
    }

    #[test]
    fn going_on_is_said_once_a_minute_with_the_time_that_was_lost() {
        let at: DateTime<Utc> = "2026-03-02T13:41:07Z".parse().unwrap();
        let line = |seconds, waited: Option<i64>| {
            let at = at + TimeDelta::seconds(seconds);
            let waited = waited.map(TimeDelta::seconds);
            Happening::WentOn { at, waited }.line()
        };
        assert_eq!(
            line(0, Some(75)).1,
            "Goes on: there is quota again after 1 min 15 s."
        );
        assert_eq!(line(0, Some(75)).2, line(20, None).2);
        assert_ne!(line(0, None).2, line(60, None).2);
    }

    #[test]
    fn many_waits_for_one_minute_are_one_line() {
        let until: DateTime<Utc> = "2026-03-02T13:41:07Z".parse().unwrap();
        let once = |until| {
            let cause = "Throttled.";
            Happening::Throttled { until, cause }.line().2
        };
        assert_eq!(once(until), once(until + TimeDelta::seconds(20)));
        assert_ne!(once(until), once(until + TimeDelta::minutes(1)));
    }
}
