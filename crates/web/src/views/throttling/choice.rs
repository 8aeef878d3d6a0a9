//! "Why this credential": a choice that was made, in words.

use domain::Resource;
use store::{ChoiceView, RunnerUp};

use super::bucket::clock;
use crate::text;

/// Of those that were not chosen, so many are named with their reason.
const NAMED: usize = 3;

/// A choice as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) at: chrono::DateTime<chrono::Utc>,
    /// `alice: 4,812 of 5,000 left, resets 14:05:00`.
    pub(crate) sentence: String,
    /// `bob 3,100`.
    pub(crate) next: Option<String>,
    /// What it was for.
    pub(crate) about: String,
    /// Others, each with the reason against it.
    pub(crate) others: Vec<String>,
}

impl Choice {
    pub(crate) fn of(choice: &ChoiceView) -> Self {
        let of = choice
            .limit
            .map(|limit| format!(" of {}", text::number(limit)))
            .unwrap_or_default();
        let resets = choice
            .reset_at
            .map(|at| format!(", resets {}", clock(at)))
            .unwrap_or_default();
        let sentence = match choice.limit {
            None if choice.reset_at.is_none() => {
                format!("{}: its window begins with this request", choice.credential)
            }
            _ => format!(
                "{}: {}{of} left{resets}",
                choice.credential,
                text::number(choice.remaining)
            ),
        };
        let next = choice
            .runners_up
            .iter()
            .find_map(|one| Some((one, one.remaining.filter(|left| *left > 0)?)));
        let others = choice.runners_up.iter().filter(|one| {
            next.is_none_or(|(next, _): (&RunnerUp, u64)| next.credential != one.credential)
        });
        let budget = if choice.resource == Resource::graphql() {
            ", GraphQL"
        } else {
            ""
        };
        let what = choice
            .repository
            .clone()
            .unwrap_or_else(|| "the listing".to_owned());
        Self {
            at: choice.at,
            sentence,
            next: next.map(|(one, left)| format!("{} {}", one.credential, text::number(left))),
            about: format!("For {what} of {}{budget}", choice.plan_name),
            others: others
                .take(NAMED)
                .map(|one| format!("{} ({})", one.credential, one.why))
                .collect(),
        }
    }

    pub(crate) fn all(choices: &[ChoiceView]) -> Vec<Self> {
        choices.iter().map(Self::of).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::RunId;

    use super::*;

    fn runner(credential: &str, remaining: Option<u64>, why: &str) -> RunnerUp {
        RunnerUp {
            credential: credential.to_owned(),
            remaining,
            why: why.to_owned(),
        }
    }

    fn view() -> ChoiceView {
        ChoiceView {
            at: "2026-03-02T13:01:00Z".parse().unwrap(),
            run: RunId::new(),
            plan_name: "nightly".parse().unwrap(),
            repository: Some("octo/web".to_owned()),
            credential: "alice".to_owned(),
            resource: Resource::core(),
            remaining: 4_812,
            limit: Some(5_000),
            reset_at: Some("2026-03-02T14:05:00Z".parse().unwrap()),
            runners_up: vec![
                runner("bob", Some(3_100), "has less left"),
                runner("carol", Some(0), "spent in this window"),
                runner("dave", None, "does not see the repository"),
            ],
            why: "alice has the most left: 4812.".to_owned(),
        }
    }

    #[test]
    fn a_choice_says_what_was_left_and_who_came_next() {
        let choice = Choice::of(&view());
        assert_eq!(
            choice.sentence,
            "alice: 4,812 of 5,000 left, resets 14:05:00"
        );
        assert_eq!(choice.next.as_deref(), Some("bob 3,100"));
        assert_eq!(choice.about, "For octo/web of nightly");
        assert_eq!(
            choice.others,
            [
                "carol (spent in this window)",
                "dave (does not see the repository)"
            ]
        );
    }

    #[test]
    fn a_first_request_says_that_its_window_begins() {
        let choice = Choice::of(&ChoiceView {
            limit: None,
            reset_at: None,
            runners_up: Vec::new(),
            repository: None,
            ..view()
        });
        assert_eq!(
            choice.sentence,
            "alice: its window begins with this request"
        );
        assert_eq!(
            (choice.next, choice.about.as_str()),
            (None, "For the listing of nightly")
        );
    }
}
