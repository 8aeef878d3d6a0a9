//! What happened to the pool, in sentences: what befell buckets, how runs took it, and when it was over.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{BucketKey, RunId};
use store::{BucketEvent, BucketEventKind, ThrottleEvent, Throttling};

use super::bucket::clock;

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) at: DateTime<Utc>,
    pub(super) tone: &'static str,
    /// In two words.
    pub(super) kind: &'static str,
    pub(super) sentence: String,
    /// The run that it befell, and its plan.
    pub(super) run: Option<(RunId, String)>,
}

impl Event {
    /// The newest first.
    pub(super) fn all(picture: &Throttling, now: DateTime<Utc>) -> Vec<Self> {
        let mut titles: BTreeMap<&BucketKey, &str> = BTreeMap::new();
        for one in &picture.credentials {
            titles.entry(&one.key).or_insert(&one.title);
        }
        let mut all: Vec<Self> = Vec::new();
        for event in &picture.events {
            match event {
                ThrottleEvent::Bucket(event) => {
                    let title = titles.get(&event.key).copied().unwrap_or("A credential");
                    all.push(Self::of_bucket(title, event));
                    all.extend(Self::over(title, event).filter(|over| over.at <= now));
                }
                ThrottleEvent::Run {
                    run,
                    plan_name,
                    line,
                } => all.push(Self {
                    at: line.at,
                    tone: "hold",
                    kind: kind(&line.sentence),
                    sentence: line.sentence.clone(),
                    run: Some((*run, plan_name.to_string())),
                }),
            }
        }
        all.sort_by_key(|event| std::cmp::Reverse(event.at));
        all.truncate(picture.events.len());
        all
    }

    fn of_bucket(title: &str, event: &BucketEvent) -> Self {
        let budget = match &event.resource {
            Some(resource) if resource.0 == "graphql" => " for GraphQL",
            Some(_) | None => "",
        };
        let (tone, kind, sentence) = match &event.kind {
            BucketEventKind::Spent { until } => (
                "hold",
                "Spent",
                format!(
                    "{title} has nothing left to spend{budget} until its window ends at {}.",
                    clock(*until)
                ),
            ),
            BucketEventKind::BackedOff { until, reason } => (
                "warn",
                "Slowed down",
                format!("{title} stands still until {}: {reason}", clock(*until)),
            ),
            BucketEventKind::Refused { reason } => ("bad", "Refused", reason.clone()),
        };
        Self {
            at: event.at,
            tone,
            kind,
            sentence,
            run: None,
        }
    }

    /// The end of what befell a bucket, which follows from its beginning.
    fn over(title: &str, event: &BucketEvent) -> Option<Self> {
        let (at, sentence) = match &event.kind {
            BucketEventKind::Spent { until } => (
                *until,
                format!("{title} can go again: its window has ended."),
            ),
            BucketEventKind::BackedOff { until, .. } => (
                *until,
                format!("{title} can go again: it has stood still for long enough."),
            ),
            BucketEventKind::Refused { .. } => return None,
        };
        Some(Self {
            at,
            tone: "ok",
            kind: "Free again",
            sentence,
            run: None,
        })
    }
}

/// What the log's sentence is about.
fn kind(sentence: &str) -> &'static str {
    if sentence.contains(": moved from ") {
        "Switched"
    } else if sentence.starts_with("Goes on") {
        "Resumed"
    } else {
        "Waits"
    }
}
