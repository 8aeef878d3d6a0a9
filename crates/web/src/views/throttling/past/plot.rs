//! Two plots over the same span of time: what was left, and what was spent. Each series is one path, so that a day of minutes is a
//! few kilobytes.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use store::{PastPoint, Span};

use crate::text;

/// The plots' own units.
pub(super) const WIDTH: i64 = 1_440;
pub(super) const HEIGHT: u64 = 200;

/// Ends of windows that are closer together are one: a host's idea of it flickers.
const SAME_WINDOW: TimeDelta = TimeDelta::seconds(5);

/// More marks than this would be a bar.
const MARKS: usize = 120;

/// What is drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plot {
    /// What was left, as a line and as the area below it.
    pub(super) line: String,
    pub(super) area: String,
    /// Where windows ended.
    pub(super) resets: Vec<i64>,
    /// The height of the reserve.
    pub(super) reserve: Option<u64>,
    /// The largest limit.
    pub(super) limit: u64,
    /// Requests as strokes: this tenant's, and everybody's together.
    pub(super) own: String,
    pub(super) all: String,
    pub(super) refused: String,
    /// The width of a stroke.
    pub(super) stroke: i64,
    /// The most requests of one step.
    pub(super) most: u64,
    /// Labels of the axis of time, each with its place.
    pub(super) ticks: Vec<(i64, String)>,
    /// The same in a sentence.
    pub(super) says: String,
}

/// Tells how much somebody outside took from one point to the next.
#[derive(Debug)]
pub(super) struct Outside {
    /// Minutes tell what was taken of the whole window so far.
    is_running: bool,
    before: Option<(DateTime<Utc>, u64)>,
}

impl Outside {
    pub(super) fn of(span: Span) -> Self {
        Self {
            is_running: span == Span::Day,
            before: None,
        }
    }

    pub(super) fn take(&mut self, point: &PastPoint) -> u64 {
        if !self.is_running {
            return point.others;
        }
        let Some(reset_at) = point.reset_at else {
            return 0;
        };
        let before = self.before.replace((reset_at, point.others));
        match before {
            Some((window, others)) if (window - reset_at).abs() <= SAME_WINDOW => {
                point.others.saturating_sub(others)
            }
            Some(_) | None => point.others,
        }
    }
}

impl Plot {
    pub(super) fn of(
        points: &[PastPoint],
        span: Span,
        reserve_percent: u8,
        now: DateTime<Utc>,
    ) -> Self {
        let from = now - span.length();
        let length = span.length().num_seconds();
        let x = |at: DateTime<Utc>| ((at - from).num_seconds() * WIDTH / length).clamp(0, WIDTH);
        let limit = points
            .iter()
            .filter_map(|point| point.left.map(|(_, limit)| limit))
            .max()
            .unwrap_or_default();
        let mut outside = Outside::of(span);
        let spent: Vec<(i64, u64, u64, u64)> = points
            .iter()
            .map(|point| {
                let all = point.own + point.neighbours + outside.take(point);
                (x(point.at), point.own, all, point.refused)
            })
            .collect();
        let most = spent.iter().map(|(_, _, all, _)| *all).max().unwrap_or(0);
        let strokes = |count: fn(&(i64, u64, u64, u64)) -> u64| {
            let mut path = String::new();
            for one in spent.iter().filter(|one| count(one) > 0) {
                let height = (count(one) * HEIGHT / most.max(1)).max(1);
                let _infallible = write!(path, "M{} {HEIGHT}v-{height}", one.0);
            }
            path
        };
        let (line, area) = left(points, limit, x, span, now);
        Self {
            line,
            area,
            resets: resets(points, now).map(x).collect(),
            reserve: (reserve_percent > 0 && limit > 0)
                .then(|| HEIGHT - HEIGHT * u64::from(reserve_percent) / 100),
            own: strokes(|one| one.1),
            all: strokes(|one| one.2),
            refused: strokes(|one| one.3),
            stroke: (WIDTH * span.step().num_seconds() / length).max(1),
            limit,
            most,
            ticks: ticks(span, now).map(|(at, label)| (x(at), label)).collect(),
            says: says(points, &spent),
        }
    }

    /// Whether there is anything to draw.
    pub(super) fn is_empty(&self) -> bool {
        self.line.is_empty() && self.all.is_empty()
    }
}

/// The line of what was left. A window that has ended leaves a full one; where nothing is known for long there is a gap.
fn left(
    points: &[PastPoint],
    limit: u64,
    x: impl Fn(DateTime<Utc>) -> i64,
    span: Span,
    now: DateTime<Utc>,
) -> (String, String) {
    let (mut line, mut area) = (String::new(), String::new());
    let y = |left: u64| HEIGHT - (left.min(limit) * HEIGHT / limit.max(1));
    let mut pen: Option<(i64, u64)> = None;
    let mut begun = 0;
    let mut window: Option<DateTime<Utc>> = None;
    let ends: Vec<_> = points.iter().filter(|point| point.left.is_some()).collect();
    for point in ends {
        let Some((now_left, _)) = point.left else {
            continue;
        };
        let at = x((point.at + span.step()).min(now));
        let height = y(now_left);
        let ended = window.filter(|end| *end + SAME_WINDOW < point.at && span == Span::Day);
        if let (Some(end), Some((_, before))) = (ended, pen) {
            let full = x(end);
            let _infallible = write!(line, "L{full} {before}V0H{at}");
            let _infallible = write!(area, "L{full} {before}V0H{at}");
        }
        match pen {
            None => {
                let _infallible = write!(line, "M{at} {height}");
                let _infallible = write!(area, "M{at} {height}");
                begun = at;
            }
            Some(before) if before == (at, height) => {}
            Some(_) => {
                let _infallible = write!(line, "L{at} {height}");
                let _infallible = write!(area, "L{at} {height}");
            }
        }
        pen = Some((at, height));
        window = point.reset_at;
    }
    if let Some((at, _)) = pen {
        let _infallible = write!(area, "L{at} {HEIGHT}L{begun} {HEIGHT}Z");
    }
    (line, area)
}

/// When windows ended, each once.
fn resets(points: &[PastPoint], now: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    let mut ends: Vec<DateTime<Utc>> = points
        .iter()
        .filter_map(|point| point.reset_at)
        .filter(|end| *end <= now)
        .collect();
    ends.sort_unstable();
    ends.dedup_by(|later, earlier| *later - *earlier <= SAME_WINDOW);
    let skipped = ends.len().saturating_sub(MARKS);
    ends.into_iter().skip(skipped)
}

/// Round times of day, or days.
fn ticks(span: Span, now: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, String)> {
    let (step, format) = match span {
        Span::Day => (TimeDelta::hours(4), "%H:%M"),
        Span::Quarter => (TimeDelta::days(15), "%-d %b"),
    };
    let seconds = step.num_seconds();
    let stamp = now.timestamp();
    let last = DateTime::from_timestamp(stamp - stamp.rem_euclid(seconds), 0).unwrap_or(now);
    let from = now - span.length() + step / 4;
    (0..8)
        .map(move |count| last - step * count)
        .take_while(move |at| *at > from)
        .map(move |at| (at, at.format(format).to_string()))
}

fn says(points: &[PastPoint], spent: &[(i64, u64, u64, u64)]) -> String {
    let own: u64 = spent.iter().map(|one| one.1).sum();
    let all: u64 = spent.iter().map(|one| one.2).sum();
    let refused: u64 = spent.iter().map(|one| one.3).sum();
    let least = points.iter().filter_map(|point| point.left).min();
    let mut sentence = format!(
        "{} by your tasks, {} by others, {} refused.",
        text::count(own, "request", "requests"),
        text::number(all - own),
        text::number(refused)
    );
    if let Some((left, limit)) = least {
        let _infallible = write!(
            sentence,
            " At the least {} of {} were left.",
            text::number(left),
            text::number(limit)
        );
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    fn point(minutes: i64, own: u64, left: u64, reset_minutes: i64) -> PastPoint {
        PastPoint {
            at: now() + TimeDelta::minutes(minutes),
            own,
            neighbours: 0,
            refused: 0,
            waits: 0,
            others: 0,
            left: Some((left, 5_000)),
            reset_at: Some(now() + TimeDelta::minutes(reset_minutes)),
        }
    }

    #[test]
    fn a_window_that_ended_shows_as_a_mark_and_a_leap() {
        let points = [point(-60, 2_500, 2_500, -30), point(-10, 100, 4_900, 50)];
        let plot = Plot::of(&points, Span::Day, 10, now());
        assert_eq!(plot.resets, [1_410]);
        assert_eq!(plot.line, "M1381 100L1410 100V0H1431L1431 4");
        assert_eq!(plot.reserve, Some(180));
        assert_eq!(plot.own, "M1380 200v-200M1430 200v-8");
        assert_eq!(
            plot.says,
            "2,600 requests by your tasks, 0 by others, 0 refused. At the least 2,500 of 5,000 were left."
        );
    }

    #[test]
    fn an_end_that_flickers_is_one_mark() {
        let mut points: Vec<_> = (-50..-40).map(|minute| point(minute, 1, 10, -30)).collect();
        for (index, point) in points.iter_mut().enumerate() {
            let wobble = TimeDelta::seconds(i64::try_from(index % 2).unwrap());
            point.reset_at = point.reset_at.map(|at| at + wobble);
        }
        let plot = Plot::of(&points, Span::Day, 0, now());
        assert_eq!(plot.resets.len(), 1);
    }

    #[test]
    fn what_others_took_of_a_window_is_drawn_in_the_minute_in_which_they_took_it() {
        let mut points = [
            point(-9, 0, 100, 9),
            point(-8, 0, 90, 9),
            point(-7, 0, 90, 9),
        ];
        for (point, others) in points.iter_mut().zip([4, 14, 14]) {
            point.others = others;
        }
        let mut outside = Outside::of(Span::Day);
        let taken: Vec<u64> = points.iter().map(|point| outside.take(point)).collect();
        assert_eq!(taken, [4, 10, 0]);
    }

    #[test]
    fn a_bucket_without_a_past_has_nothing_to_draw() {
        let plot = Plot::of(&[], Span::Quarter, 10, now());
        assert!(plot.is_empty());
        assert_eq!(plot.reserve, None);
    }
}
