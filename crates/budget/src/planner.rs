//! The plan of the whole: when all that is asked for can have been sent, and who has to keep away from which bucket for that.
//!
//! Some repositories are seen by few credentials. A bucket that they need goes to them first: whoever can do without it, and
//! would be done earlier anyway, is kept from it. What is due latest is found first: the earliest time at which all can have been
//! sent, those without whom it would be earlier, and the buckets that only they fill. Then the same for the rest.
//!
//! Pure: spans of time in milliseconds, quantities in requests.

mod flow;
mod supply;

pub use supply::Supply;

/// Requests that may use the same buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// How many.
    pub requests: u64,
    /// Indexes of the supplies that they may use.
    pub may_use: Vec<usize>,
}

/// What becomes of works and supplies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When each work can have been sent; nothing for one that no supply ever feeds.
    pub work_spans: Vec<Option<u64>>,
    /// Until when each supply is needed by those that it is kept for.
    pub supply_spans: Vec<u64>,
}

/// Nobody plans further ahead than a month.
const HORIZON: u64 = 31 * 24 * 3_600_000;
/// How exactly an instant is looked for, as a part of it.
const EXACTNESS: u64 = 256;

/// Finds the earliest time for everything, the latest first.
pub fn schedule(works: &[Work], supplies: &[Supply]) -> Schedule {
    let classes = Classes::of(works, supplies);
    let mut found = Schedule {
        work_spans: vec![None; works.len()],
        supply_spans: vec![0; supplies.len()],
    };
    let mut open: Vec<usize> = (0..works.len()).collect();
    let mut free: Vec<bool> = vec![true; classes.members.len()];
    while !open.is_empty() {
        let (span, critical) = classes.tightest(works, supplies, &open, &free);
        let critical = if critical.is_empty() {
            open.clone()
        } else {
            critical
        };
        for work in &critical {
            if let Some(slot) = found.work_spans.get_mut(*work) {
                *slot = span;
            }
        }
        for (class, members) in classes.members.iter().enumerate() {
            let is_theirs = critical.iter().any(|work| classes.is_used(*work, class));
            let Some(free) = free.get_mut(class).filter(|free| is_theirs && **free) else {
                continue;
            };
            *free = false;
            for supply in members {
                if let Some(slot) = found.supply_spans.get_mut(*supply) {
                    *slot = span.unwrap_or(HORIZON);
                }
            }
        }
        open.retain(|work| !critical.contains(work));
    }
    found
}

/// Supplies that the same works may use count as one.
struct Classes {
    members: Vec<Vec<usize>>,
    /// By class: the works that may use it.
    users: Vec<Vec<usize>>,
}

impl Classes {
    fn of(works: &[Work], supplies: &[Supply]) -> Self {
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); supplies.len()];
        for (index, work) in works.iter().enumerate() {
            for supply in &work.may_use {
                if let Some(users) = users.get_mut(*supply) {
                    users.push(index);
                }
            }
        }
        let mut by_users: std::collections::BTreeMap<Vec<usize>, Vec<usize>> =
            std::collections::BTreeMap::new();
        for (supply, users) in users.into_iter().enumerate() {
            by_users.entry(users).or_default().push(supply);
        }
        let (users, members) = by_users
            .into_iter()
            .filter(|(users, _)| !users.is_empty())
            .unzip();
        Self { members, users }
    }

    fn is_used(&self, work: usize, class: usize) -> bool {
        self.users
            .get(class)
            .is_some_and(|users| users.contains(&work))
    }

    /// What a class can take within a span.
    fn within(&self, class: usize, supplies: &[Supply], span: u64) -> u64 {
        let members = self.members.get(class).into_iter().flatten();
        members
            .filter_map(|index| supplies.get(*index))
            .map(|supply| supply.within(span))
            .sum()
    }

    /// The earliest span in which the open works can be sent through free classes, and those that cannot be any earlier.
    fn tightest(
        &self,
        works: &[Work],
        supplies: &[Supply],
        open: &[usize],
        free: &[bool],
    ) -> (Option<u64>, Vec<usize>) {
        let classes: Vec<usize> = (0..self.members.len())
            .filter(|class| free.get(*class).copied().unwrap_or_default())
            .collect();
        let demands: Vec<u64> = open
            .iter()
            .map(|work| works.get(*work).map_or(0, |work| work.requests))
            .collect();
        let edges: Vec<Vec<usize>> = open
            .iter()
            .map(|work| {
                let used = classes
                    .iter()
                    .enumerate()
                    .filter(|(_, class)| self.is_used(*work, **class));
                used.map(|(at, _)| at).collect()
            })
            .collect();
        let short = |span: u64| {
            let capacities: Vec<u64> = classes
                .iter()
                .map(|class| self.within(*class, supplies, span))
                .collect();
            flow::unmet(&demands, &edges, &capacities)
        };
        let names = |unmet: Vec<usize>| {
            unmet
                .into_iter()
                .filter_map(|at| open.get(at).copied())
                .collect()
        };
        let never = short(HORIZON);
        if !never.is_empty() {
            return (None, names(never));
        }
        let (mut low, mut high) = (0, 1_000);
        while !short(high).is_empty() {
            low = high;
            high = (high * 2).min(HORIZON);
        }
        let mut last = Vec::new();
        while high - low > (high / EXACTNESS).max(1) {
            let middle = low + (high - low) / 2;
            let unmet = short(middle);
            if unmet.is_empty() {
                high = middle;
            } else {
                low = middle;
                last = unmet;
            }
        }
        if last.is_empty() {
            last = short(low);
        }
        (Some(high), names(last))
    }
}

#[cfg(test)]
mod tests;
