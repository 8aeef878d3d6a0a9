use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::content::collection;
use domain::{ForgeKind, Kind};

const SIZE: usize = 3;

/// A list that answers as GitHub does: ascending by change, from an instant on, in pages.
struct Host {
    items: Vec<(i64, i64)>,
    reads: usize,
}

impl Host {
    /// Answers a path, then lets an item change.
    fn answer(&mut self, step: &Step, change: Option<usize>) -> Part {
        let query = step.path.split_once('?').unwrap().1;
        let page: usize = form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == "page")
            .map_or(1, |(_, value)| value.parse().unwrap());
        self.items.sort_by_key(|(id, at)| (*at, *id));
        let since = step.since.map_or(i64::MIN, |since| since.timestamp());
        let found: Vec<_> = self.items.iter().filter(|(_, at)| *at >= since).collect();
        let items = found
            .iter()
            .skip((page - 1) * SIZE)
            .take(SIZE)
            .map(|(id, at)| item(*id, *at))
            .collect();
        let base = step.path.split("&page=").next().unwrap();
        let next = (found.len() > page * SIZE).then(|| format!("{base}&page={}", page + 1));
        self.reads += 1;
        let now = 1_000 + i64::try_from(self.reads).unwrap();
        if let Some(index) = change {
            let index = index % self.items.len();
            self.items[index].1 = now;
        }
        Part { items, next }
    }
}

fn item(id: i64, at: i64) -> Value {
    let at = DateTime::from_timestamp(at, 0).unwrap();
    json!({ "id": id, "updated_at": at })
}

fn start(since: Option<DateTime<Utc>>) -> Step {
    Step {
        path: "repos/o/r/issues?per_page=3".to_owned(),
        since,
        lap: Lap::default(),
    }
}

/// Walks to the end; answers how many different items came.
fn walk(dates: &[i64], changes: Vec<Option<usize>>) -> usize {
    let items = dates
        .iter()
        .enumerate()
        .map(|(id, at)| (i64::try_from(id).unwrap(), *at))
        .collect();
    let mut host = Host { items, reads: 0 };
    let issues = collection(ForgeKind::GitHub, Kind::Issues).unwrap();
    let mut changes = changes.into_iter();
    let mut seen = std::collections::BTreeSet::new();
    let mut step = Some(start(None));
    while let Some(at) = step {
        assert!(host.reads < 200, "the walk does not end");
        let part = host.answer(&at, changes.next().flatten());
        seen.extend(part.items.iter().filter_map(issues.key));
        step = go_on_since(&at, issues, &part, start);
    }
    seen.len()
}

proptest! {
    #[test]
    fn nothing_is_missed_while_items_change(
        count in 1..40_i64,
        changes in prop::collection::vec(prop::option::of(any::<usize>()), 0..10),
    ) {
        let dates: Vec<i64> = (0..count).map(|id| id / 2).collect();
        prop_assert_eq!(walk(&dates, changes), dates.len());
    }

    #[test]
    fn any_number_of_items_may_share_an_instant(dates in prop::collection::vec(0..6_i64, 1..40)) {
        prop_assert_eq!(walk(&dates, Vec::new()), dates.len());
    }
}

#[test]
fn pages_that_are_too_heavy_become_smaller_without_moving() {
    assert_eq!(
        smaller("a?per_page=100&page=3").as_deref(),
        Some("a?per_page=50&page=5")
    );
    assert_eq!(
        smaller("a?state=all&per_page=100").as_deref(),
        Some("a?state=all&per_page=50")
    );
    assert_eq!(smaller("a?per_page=25&page=3"), None);
    assert_eq!(smaller("a"), None);
}

#[test]
fn a_cursor_survives_its_text_form() {
    let step = Step {
        path: "repos/o/r/pulls?page=2".to_owned(),
        since: DateTime::from_timestamp(5, 0),
        lap: Lap::default(),
    };
    assert_eq!(read_place::<Step>(&write_place(&step).unwrap()), Ok(step));
    assert!(read_place::<Step>("page 2").is_err());
}
