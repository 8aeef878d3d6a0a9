//! Reading a list that is ordered by newest change first, while items change.
//!
//! An item that changes jumps to the front, which has been read already: it would be missed. So after the last page
//! the front is read again, down to where the lap before began, until a lap fits into one page.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a lap began and where it ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lap {
    /// The newest change on the first page of this lap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<DateTime<Utc>>,
    /// The newest change of the lap before: older items have been read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<DateTime<Utc>>,
}

impl Lap {
    /// What comes after a page with these dates and this link to the next: a link, or the front again; or nothing.
    pub(crate) fn turn<L>(
        self,
        dates: impl Iterator<Item = DateTime<Utc>>,
        link: Option<L>,
    ) -> Option<(Option<L>, Self)> {
        let dates: Vec<_> = dates.collect();
        let newest = self.newest.or_else(|| dates.iter().max().copied());
        let is_at_floor = self
            .floor
            .is_some_and(|floor| dates.iter().any(|date| *date < floor));
        if let Some(link) = link.filter(|_| !is_at_floor) {
            return Some((Some(link), Self { newest, ..self }));
        }
        // A lap of one page: nothing could move behind it.
        self.newest?;
        let again = Self {
            newest: None,
            floor: newest,
        };
        Some((None, again))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a list of (key, date) in pages of two, changing an item after each page.
    fn read(mut list: Vec<(u8, i64)>, changes: &[(u8, i64)]) -> (Vec<u8>, usize) {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let (mut seen, mut pages, mut start, mut lap) = (Vec::new(), 0, 0, Lap::default());
        let mut changes = changes.iter();
        loop {
            list.sort_by_key(|(_, date)| -date);
            let page: Vec<_> = list.iter().skip(start).take(2).copied().collect();
            pages += 1;
            seen.extend(page.iter().map(|(key, _)| *key));
            let link = (start + 2 < list.len()).then_some(start + 2);
            if let Some((key, date)) = changes.next() {
                list.iter_mut().find(|(k, _)| k == key).unwrap().1 = *date;
            }
            match lap.turn(page.iter().map(|(_, date)| at(*date)), link) {
                None => break,
                Some((link, next)) => (start, lap) = (link.unwrap_or(0), next),
            }
        }
        seen.sort_unstable();
        seen.dedup();
        (seen, pages)
    }

    #[test]
    fn one_page_is_one_request() {
        assert_eq!(read(vec![(1, 1), (2, 2)], &[]), (vec![1, 2], 1));
    }

    #[test]
    fn several_pages_cost_one_look_back() {
        assert_eq!(
            read((1..=6).map(|key| (key, key.into())).collect(), &[]),
            ((1..=6).collect(), 4)
        );
    }

    #[test]
    fn what_jumps_to_the_front_is_not_missed() {
        let list = || (1..=7).map(|key| (key, key.into())).collect();
        for oldest in 1..=7 {
            let (seen, _) = read(list(), &[(oldest, 100)]);
            assert_eq!(seen, (1..=7).collect::<Vec<_>>(), "item {oldest} jumps");
        }
        let (seen, _) = read(list(), &[(1, 100), (2, 101), (3, 102), (4, 103), (5, 104)]);
        assert_eq!(seen, (1..=7).collect::<Vec<_>>());
    }
}
