//! Which credential goes next for each plan under way, and why: the order in which `budget` would take them.

use std::collections::{BTreeMap, BTreeSet};

use budget::{Terms, Told};
use chrono::{DateTime, Utc};
use domain::{BucketKey, Health, PlanId, Resource, RunId};
use store::{Budget, PoolCredential, Throttling};

use super::bucket::clock;
use crate::text;

/// Plans of which it is said.
const PLANS: usize = 3;

/// Credentials that stand ready, and those that do not, of each.
const READY: usize = 6;
const HELD: usize = 4;

/// The next decision of one plan.
#[derive(Debug, Clone)]
pub(super) struct Next {
    pub(super) run: RunId,
    pub(super) plan: String,
    /// In the order in which they would go.
    pub(super) ready: Vec<Ready>,
    /// Those that cannot go, each with the reason.
    pub(super) held: Vec<(String, String)>,
    /// Further ones that are not shown.
    pub(super) more: usize,
    /// Why the first one goes, or why nobody does.
    pub(super) why: String,
}

/// A credential that could go.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) title: String,
    /// Requests a minute at which what is left must be sent for none of it to expire.
    pub(super) pace: u64,
    /// The same as a part of the greatest, in percent.
    pub(super) percent: u64,
    left: u64,
    limit: u64,
    reset_at: Option<DateTime<Utc>>,
    is_known: bool,
}

/// What is known of a budget, for the planner.
pub(super) fn told(budget: Option<&Budget>, reserve_percent: u8) -> Told {
    let whole = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Told {
        left: budget.and_then(|budget| budget.left),
        reset_at: budget.and_then(|budget| budget.reset_at),
        reserve_percent,
        others_an_hour: budget
            .and_then(|budget| budget.others)
            .map_or(0, |(_, an_hour)| whole(an_hour)),
        backs_off_until: budget
            .and_then(|budget| budget.backoff.as_ref())
            .map(|(until, _)| *until),
    }
}

impl Next {
    /// One for each of the newest plans under way.
    pub(super) fn all(picture: &Throttling, now: DateTime<Utc>) -> Vec<Self> {
        let core: BTreeMap<&BucketKey, &Budget> = picture
            .budgets
            .iter()
            .filter(|budget| budget.resource == Resource::core())
            .map(|budget| (&budget.key, budget))
            .collect();
        picture
            .runs
            .iter()
            .take(PLANS)
            .map(|run| {
                let pool = pool(picture, run.plan);
                Self::of(run.id, run.plan_name.to_string(), &pool, &core, now)
            })
            .collect()
    }

    fn of(
        run: RunId,
        plan: String,
        pool: &[&PoolCredential],
        core: &BTreeMap<&BucketKey, &Budget>,
        now: DateTime<Utc>,
    ) -> Self {
        let (mut ready, mut held) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        let mut goes_on: Option<DateTime<Utc>> = None;
        for one in pool {
            match &one.health {
                Health::Healthy => {}
                Health::Paused => {
                    held.push((one.title.clone(), "Paused".to_owned()));
                    continue;
                }
                Health::Dead { .. } => {
                    held.push((one.title.clone(), "Token rejected".to_owned()));
                    continue;
                }
            }
            // Two tokens of one user are one choice.
            if !seen.insert(&one.key) {
                continue;
            }
            let budget = core.get(&one.key).copied();
            let told = told(budget, one.reserve_percent);
            let supply = told.supply(&Terms::of(&one.host), now);
            let (reason, until) = match (told.backs_off_until, told.reset_at) {
                (Some(until), _) => (format!("Backing off until {}", clock(until)), Some(until)),
                (None, Some(until)) if supply.left == 0 => {
                    (format!("Spent until {}", clock(until)), Some(until))
                }
                (None, _) => {
                    ready.push(Ready {
                        title: one.title.clone(),
                        pace: supply.pace(),
                        percent: 0,
                        left: supply.left,
                        limit: told.left.map_or(0, |(_, limit)| u64::from(limit)),
                        reset_at: told.reset_at,
                        is_known: told.left.is_some() && told.reset_at.is_some(),
                    });
                    continue;
                }
            };
            goes_on = [goes_on, until].into_iter().flatten().min();
            held.push((one.title.clone(), reason));
        }
        // To begin a window costs nothing, so whoever has none running goes first.
        ready.sort_by_key(|one| (one.is_known, std::cmp::Reverse(one.pace)));
        let most = ready.iter().map(|one| one.pace).max().unwrap_or(0).max(1);
        for one in &mut ready {
            one.percent = one.pace * 100 / most;
        }
        let why = why(&ready, goes_on, pool.is_empty());
        let more = ready.len().saturating_sub(READY) + held.len().saturating_sub(HELD);
        ready.truncate(READY);
        held.truncate(HELD);
        Self {
            run,
            plan,
            ready,
            held,
            more,
            why,
        }
    }
}

fn pool(picture: &Throttling, plan: PlanId) -> Vec<&PoolCredential> {
    let ids: BTreeSet<_> = picture
        .pools
        .iter()
        .filter(|(of, _)| *of == plan)
        .map(|(_, credential)| *credential)
        .collect();
    picture
        .credentials
        .iter()
        .filter(|one| ids.contains(&one.id))
        .collect()
}

fn why(ready: &[Ready], goes_on: Option<DateTime<Utc>>, is_empty: bool) -> String {
    let Some(first) = ready.first() else {
        return match goes_on {
            _ if is_empty => "The plan has no credential to use.".to_owned(),
            Some(at) => format!(
                "Every credential is spent or backing off. The first is free again at {}.",
                clock(at)
            ),
            None => "No credential can be used: mend or add one.".to_owned(),
        };
    };
    let Some(reset_at) = first.reset_at.filter(|_| first.is_known) else {
        return "Its window begins with its next request, so it is asked first.".to_owned();
    };
    let has_most = ready.iter().skip(1).all(|other| other.left <= first.left);
    let reason = match ready.len() {
        1 => "It is the only one that can go.",
        _ if has_most => "It has the most left.",
        _ => "What it has left would expire the soonest.",
    };
    format!(
        "{} of {} left to spend, resets {}. {reason}",
        text::number(first.left),
        text::number(first.limit),
        clock(reset_at)
    )
}
