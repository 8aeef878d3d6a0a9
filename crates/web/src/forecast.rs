//! What runs are expected to take and when they end, in words; and the same with other credentials, as the planner sees it.

use budget::planner::Supply;
use chrono::{DateTime, TimeDelta, Utc};
use store::Forecast;

use crate::text;

/// When so many requests are done that may use these buckets: as the quota allows, and no faster than was seen so far.
pub(crate) fn ends_at(
    requests: u64,
    buckets: &[Supply],
    a_minute: Option<u64>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let supplies: Vec<Supply> = buckets
        .iter()
        .map(|supply| Supply {
            a_minute: supply.a_minute.min(a_minute.unwrap_or(u64::MAX)).max(1),
            ..*supply
        })
        .collect();
    let by_quota = budget::ends_at(requests, &supplies, now)?;
    let by_pace = a_minute.and_then(|a_minute| {
        let millis = requests.saturating_mul(60_000) / a_minute.max(1);
        now.checked_add_signed(TimeDelta::milliseconds(i64::try_from(millis).ok()?))
    });
    Some(by_pace.map_or(by_quota, |by_pace| by_quota.max(by_pace)))
}

/// As [`end`], with the time until then apart.
pub(crate) fn end_apart(at: DateTime<Utc>, now: DateTime<Utc>) -> (String, String) {
    let whole = end(at, now);
    match whole.split_once(" in ") {
        Some((at, until)) => (at.to_owned(), format!("in {until}")),
        None => (whole, String::new()),
    }
}

/// A moment to come: the time of day, with the date if that is another one, and how long it is until then.
pub(crate) fn end(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let format = if at.date_naive() == now.date_naive() {
        "%H:%M:%S"
    } else {
        "%-d %b %H:%M"
    };
    format!("{} in {}", at.format(format), about(at - now))
}

/// How one end compares with another: "25 min later".
pub(crate) fn compared(end: DateTime<Utc>, with: DateTime<Utc>) -> String {
    let difference = end - with;
    if difference.abs() < TimeDelta::seconds(30) {
        "the same".to_owned()
    } else if difference > TimeDelta::zero() {
        format!("{} later", about(difference))
    } else {
        format!("{} sooner", about(-difference))
    }
}

/// A length of time in its largest unit: nobody foretells seconds of an hour.
fn about(length: TimeDelta) -> String {
    let seconds = length.num_seconds();
    match seconds {
        ..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// How well the forecast of a run held that has ended.
pub(crate) fn held(forecast: &Forecast, ended_at: DateTime<Utc>) -> String {
    let requests = format!(
        "Foretold were {}, it took {}{}.",
        text::count(forecast.requests, "request", "requests"),
        text::number(forecast.spent),
        share(forecast.spent, forecast.requests)
    );
    let Some(ends_at) = forecast.ends_at else {
        return requests;
    };
    let missed = (ended_at - ends_at).abs();
    let way = (ended_at - forecast.made_at).num_milliseconds().max(1);
    let percent = missed.num_milliseconds() * 100 / way;
    let late = match (ended_at - ends_at).num_seconds() {
        0 => "to the second".to_owned(),
        seconds if seconds > 0 => {
            format!("{} later, {percent} % of the way", text::duration(missed))
        }
        _ => format!("{} sooner, {percent} % of the way", text::duration(missed)),
    };
    format!(
        "{requests} The end was foretold for {} and came {late}.",
        ends_at.format("%H:%M:%S")
    )
}

/// A difference in percent, if there is one.
fn share(real: u64, foretold: u64) -> String {
    let (real, foretold) = (i128::from(real), i128::from(foretold));
    if real == foretold || foretold == 0 {
        return String::new();
    }
    let percent = (real - foretold) * 100 / foretold;
    match percent {
        0 => String::new(),
        _ if percent > 0 => format!(", {percent} % more"),
        _ => format!(", {} % fewer", -percent),
    }
}

#[cfg(test)]
mod tests {
    use budget::{Terms, Told};
    use domain::RunId;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    fn full(limit: u32) -> Supply {
        let told = Told {
            left: Some((limit, limit)),
            reset_at: Some(now() + TimeDelta::hours(1)),
            ..Told::default()
        };
        told.supply(&Terms::GITHUB, now())
    }

    #[test]
    fn an_end_waits_for_quota_and_for_whoever_works() {
        let end = |requests, buckets: &[Supply], a_minute| {
            ends_at(requests, buckets, a_minute, now()).map(|end| (end - now()).num_minutes())
        };
        assert_eq!(end(3_000, &[full(5_000)], Some(100)), Some(30));
        assert_eq!(end(5_100, &[full(5_000)], Some(1_000)), Some(60));
        assert_eq!(
            end(5_100, &[full(5_000), full(5_000)], Some(1_000)),
            Some(5)
        );
        assert_eq!(end(1, &[], None), None);
    }

    #[test]
    fn how_well_a_forecast_held_is_said_in_numbers() {
        let forecast = Forecast {
            run: RunId::new(),
            made_at: now(),
            requests: 400,
            ends_at: Some(now() + TimeDelta::minutes(20)),
            looked_at: now(),
            spent: 412,
            left: 0,
            a_minute: None,
            expected_end_at: None,
        };
        assert_eq!(
            held(&forecast, now() + TimeDelta::minutes(21)),
            "Foretold were 400 requests, it took 412, 3 % more. The end was foretold for 12:20:00 and came 1 min 00 s later, 4 % of the way."
        );
        let exact = Forecast {
            spent: 400,
            ..forecast
        };
        assert_eq!(
            held(&exact, now() + TimeDelta::minutes(20)),
            "Foretold were 400 requests, it took 400. The end was foretold for 12:20:00 and came to the second."
        );
    }

    #[test]
    fn a_little_difference_is_none() {
        assert_eq!(compared(now() + TimeDelta::seconds(9), now()), "the same");
        assert_eq!(
            compared(now() + TimeDelta::minutes(25), now()),
            "25 min later"
        );
        assert_eq!(
            compared(now(), now() + TimeDelta::minutes(2)),
            "2 min sooner"
        );
    }
}
