use chrono_tz::TZ_VARIANTS;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn firings(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let start = at(from);
    let schedule = Schedule::parse(cron, zone, None, start).unwrap();
    std::iter::successors(schedule.next_after(start), |last| {
        schedule.next_after(*last)
    })
    .take(count)
    .map(|time| time.format("%d %H:%M").to_string())
    .collect()
}

#[test]
fn a_night_lost_to_daylight_saving_is_still_backed_up_once() {
    // Berlin skips 02:00–03:00 on 2026-03-29.
    assert_eq!(
        firings("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 3),
        ["29 01:00", "30 00:30", "31 00:30"]
    );
}

#[test]
fn an_hour_that_comes_twice_fires_once() {
    // Berlin repeats 02:00–03:00 on 2026-10-25.
    assert_eq!(
        firings("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["25 00:30", "26 01:30"]
    );
}

#[test]
fn what_cannot_fire_is_refused_with_a_sentence() {
    let now = at("2026-01-01T00:00:00Z");
    for (cron, zone, word) in [
        ("0 0 30 2 *", "UTC", "never fires"),
        ("61 * * * *", "UTC", "not a schedule"),
        ("", "UTC", "not a schedule"),
        ("* * * * * *", "UTC", "not a schedule"),
        ("0 2 * * * 2030", "UTC", "not a schedule"),
        (&"1,".repeat(5_000), "UTC", "longer than 200"),
        ("0 2 * * *", "<b>", "not a time zone"),
        ("0 2 * * *", "Mars/Olympus", "not a time zone"),
    ] {
        let refused = Schedule::parse(cron, zone, None, now).unwrap_err();
        assert!(refused.0.contains(word), "{cron} {zone}: {refused}");
    }
    for window in [0, 10_081] {
        assert!(Schedule::parse("0 2 * * *", "UTC", Some(window), now).is_err());
    }
}

#[test]
fn presets_are_understood() {
    assert_eq!(
        firings("@daily", "UTC", "2026-01-01T05:00:00Z", 1),
        ["02 00:00"]
    );
}

fn told(cron: &str, zone: &str, from: &str) -> Option<String> {
    let start = at(from);
    let schedule = Schedule::parse(cron, zone, None, start).unwrap();
    schedule.clock_change(&schedule.next_times(start, 5))
}

#[test]
fn a_clock_change_is_told_in_a_sentence() {
    assert_eq!(
        told("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z").unwrap(),
        "The clocks of Europe/Berlin go forward on 29 March 2026: 02:30 does not exist that day, so the plan runs at 03:00."
    );
    assert_eq!(
        told("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z").unwrap(),
        "The clocks of Europe/Berlin go back on 25 October 2026: 02:30 comes twice that day. The plan runs at 00:30 UTC."
    );
    assert_eq!(
        told("30 4 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z"),
        None
    );
    assert_eq!(told("30 2 * * *", "UTC", "2026-03-27T12:00:00Z"), None);
}

#[test]
fn a_summary_says_when_and_where() {
    let now = at("2026-01-01T00:00:00Z");
    for (cron, summary) in [
        ("30 2 * * *", "Daily at 02:30, Europe/Berlin"),
        ("*/5 * * * *", "At */5 * * * *, Europe/Berlin"),
    ] {
        let schedule = Schedule::parse(cron, "Europe/Berlin", None, now).unwrap();
        assert_eq!(schedule.summary(), summary);
    }
}

fn field(range: std::ops::Range<u32>) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("*".to_owned()),
        3 => range.clone().prop_map(|one| one.to_string()),
        1 => range.clone().prop_map(|one| format!("*/{}", one.max(1))),
        1 => (range.clone(), range).prop_map(|(a, b)| format!("{a},{b}")),
    ]
}

proptest! {
    #[test]
    fn the_next_times_strictly_increase(
        minute in field(0..60),
        hour in field(0..24),
        day in field(1..29),
        weekday in field(0..7),
        zone in prop::sample::select(&TZ_VARIANTS[..]),
        from in 0_i64..2_000_000_000,
    ) {
        let start = DateTime::from_timestamp(from, 0).unwrap();
        let cron = format!("{minute} {hour} {day} * {weekday}");
        let schedule = Schedule::parse(&cron, zone.name(), None, start).unwrap();
        let times = schedule.next_times(start, 12);
        prop_assert_eq!(times.len(), 12, "{} {}", cron, zone);
        let mut last = start;
        for firing in times {
            prop_assert!(firing.at > last, "{} {}: {} after {}", cron, zone, firing.at, last);
            last = firing.at;
        }
    }
}
