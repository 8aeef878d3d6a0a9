//! The past of one bucket: what was left, and who spent it, drawn by the server.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{CredentialId, Resource};
use serde::Deserialize;
use store::{PastPoint, Span};

use super::bucket::Bucket;
use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::form::Query;
use crate::page::{self, Page, Tab};

mod plot;

use plot::Plot;

/// Which span of time is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Narrowing {
    span: Option<String>,
}

/// The word of a span in an address, its label, and what it is called in a sentence.
const SPANS: [(&str, Span, &str, &str); 2] = [
    ("day", Span::Day, "24 h", "the last 24 hours"),
    ("quarter", Span::Quarter, "90 d", "the last 90 days"),
];

/// A row of the table: an hour of a day, or a day of a quarter.
struct Line {
    from: DateTime<Utc>,
    own: u64,
    others: u64,
    refused: u64,
    waits: u64,
    /// The least that was left.
    least: Option<u64>,
}

impl Line {
    fn all(points: &[PastPoint], span: Span) -> Vec<Self> {
        let step = match span {
            Span::Day => TimeDelta::hours(1),
            Span::Quarter => TimeDelta::days(1),
        };
        let mut lines: Vec<Self> = Vec::new();
        let mut outside = plot::Outside::of(span);
        for point in points {
            let stamp = point.at.timestamp();
            let from = DateTime::from_timestamp(stamp - stamp.rem_euclid(step.num_seconds()), 0)
                .unwrap_or(point.at);
            if lines.last().is_none_or(|line| line.from != from) {
                lines.push(Self {
                    from,
                    own: 0,
                    others: 0,
                    refused: 0,
                    waits: 0,
                    least: None,
                });
            }
            let taken = outside.take(point);
            if let Some(line) = lines.last_mut() {
                line.own += point.own;
                line.others += point.neighbours + taken;
                line.refused += point.refused;
                line.waits += point.waits;
                let left = point.left.map(|(left, _)| left);
                line.least = [line.least, left].into_iter().flatten().min();
            }
        }
        lines.reverse();
        lines
    }
}

#[derive(Template)]
#[template(path = "throttling/past.html")]
struct PastPage {
    page: Page,
    bucket: Bucket,
    url: String,
    spans: Vec<(&'static str, &'static str, bool)>,
    sentence: &'static str,
    plot: Plot,
    lines: Vec<Line>,
    is_day: bool,
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, credential)): Path<(String, CredentialId)>,
    Query(narrowing): Query<Narrowing>,
) -> Result<Response, Error> {
    let word = narrowing.span.as_deref().filter(|word| !word.is_empty());
    let (_, span, _, sentence) = SPANS
        .into_iter()
        .find(|(one, ..)| *one == word.unwrap_or("day"))
        .ok_or_else(|| {
            Error::Invalid("There is no such span of time: choose one above the plots.".to_owned())
        })?;
    let past = member
        .scoped
        .bucket_past(credential, &Resource::core(), span)
        .await?
        .ok_or(Error::NotFound)?;
    let picture = member.scoped.throttling(None, 0).await?;
    let now = console.clock.now();
    let bucket = Bucket::all(&picture, now)
        .into_iter()
        .find(|bucket| bucket.key == past.key)
        .ok_or(Error::NotFound)?;
    page::show(&PastPage {
        page: Page::new(&member, Tab::Throttling, bucket.title.clone()),
        url: member.url(format_args!("throttling/{credential}")),
        spans: SPANS
            .iter()
            .map(|(word, one, label, _)| (*word, *label, *one == span))
            .collect(),
        sentence,
        plot: Plot::of(&past.points, span, bucket.reserve_percent, now),
        lines: Line::all(&past.points, span),
        is_day: span == Span::Day,
        bucket,
    })
}
