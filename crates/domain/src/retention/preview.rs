//! What a rule would drop now, in numbers.

use chrono::{DateTime, Utc};

use super::{Candidate, Retention};

/// What a rule would drop now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Preview {
    /// Repositories with snapshots.
    pub repositories: u64,
    /// Repositories of which at least one snapshot would be dropped.
    pub repositories_affected: u64,
    /// Snapshots that are kept today.
    pub snapshots: u64,
    /// Snapshots that would be dropped.
    pub dropped: u64,
    /// When the oldest of those that would be kept was taken.
    pub oldest_kept_at: Option<DateTime<Utc>>,
}

/// Tries a rule on the snapshots of several repositories, each repository by itself.
pub fn preview<T>(rule: &Retention, shelves: &[Vec<Candidate<T>>], now: DateTime<Utc>) -> Preview {
    let mut preview = Preview::default();
    for shelf in shelves.iter().filter(|shelf| !shelf.is_empty()) {
        let numbered: Vec<Candidate<usize>> = shelf
            .iter()
            .enumerate()
            .map(|(index, one)| Candidate {
                snapshot: index,
                taken_at: one.taken_at,
                whole: one.whole,
            })
            .collect();
        let dropped = rule.dropped(&numbered, now);
        let oldest = numbered
            .iter()
            .filter(|one| !dropped.contains(&one.snapshot))
            .map(|one| one.taken_at)
            .min();
        preview.repositories += 1;
        preview.repositories_affected += u64::from(!dropped.is_empty());
        preview.snapshots += numbered.len() as u64;
        preview.dropped += dropped.len() as u64;
        preview.oldest_kept_at = match (preview.oldest_kept_at, oldest) {
            (Some(known), Some(oldest)) => Some(known.min(oldest)),
            (known, oldest) => known.or(oldest),
        };
    }
    preview
}
