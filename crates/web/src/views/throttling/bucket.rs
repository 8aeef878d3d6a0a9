//! One quota bucket: what it has left, who spends it, and what keeps it from going.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{BucketKey, CredentialId, Health, Resource, RunId};
use store::{Budget, PoolCredential, Throttling};

use crate::text;

/// A bucket as the page shows it.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// The first of its credentials, by which it is called.
    pub(super) credential: CredentialId,
    pub(super) key: BucketKey,
    pub(super) title: String,
    /// What kind of credential that is, and whose.
    pub(super) sub: String,
    /// Other credentials of the same bucket.
    pub(super) also: Vec<String>,
    /// The budget of REST requests.
    pub(super) core: Option<Budget>,
    /// The budget of GraphQL, where something is known of it.
    pub(super) further: Vec<Budget>,
    pub(super) reserve_percent: u8,
    /// This tenant's runs that spend of it now, with their requests.
    pub(super) spenders: Vec<(RunId, String, u64)>,
    /// What others of this installation spend of it now.
    pub(super) neighbours: u64,
    /// Requests a minute of the whole installation.
    pub(super) pace: u64,
    pub(super) is_unlimited: bool,
    pub(super) state: Standing,
    /// Whether some plan may use it.
    pub(super) is_used: bool,
    now: DateTime<Utc>,
}

/// How a bucket stands. The order is that of the page: what asks for attention comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    BackingOff {
        until: DateTime<Utc>,
        reason: String,
    },
    Spent {
        until: Option<DateTime<Utc>>,
    },
    Dead {
        reason: String,
    },
    InUse,
    Ready,
    Paused,
    Unused,
}

impl Standing {
    fn of(
        credentials: &[&PoolCredential],
        core: Option<&Budget>,
        reserve_percent: u8,
        pace: u64,
    ) -> Self {
        let is_used = credentials.iter().any(|one| one.is_used);
        if let Some((until, reason)) = core.and_then(|core| core.backoff.clone()) {
            return Self::BackingOff { until, reason };
        }
        if credentials.iter().all(|one| one.health != Health::Healthy) {
            return credentials
                .iter()
                .find_map(|one| match &one.health {
                    Health::Dead { reason } => Some(Self::Dead {
                        reason: reason.clone(),
                    }),
                    Health::Healthy | Health::Paused => None,
                })
                .unwrap_or(Self::Paused);
        }
        let spent = core.filter(|core| {
            core.left.is_some_and(|(left, limit)| {
                left <= reserve(limit, reserve_percent) && core.reset_at.is_some()
            })
        });
        match spent {
            Some(core) => Self::Spent {
                until: core.reset_at,
            },
            None if pace > 0 => Self::InUse,
            None if is_used => Self::Ready,
            None => Self::Unused,
        }
    }

    /// Its tone and its word.
    pub(super) fn shown(&self) -> (&'static str, String) {
        match self {
            Self::BackingOff { until, .. } => {
                ("warn", format!("Backing off until {}", clock(*until)))
            }
            Self::Spent { until: Some(until) } => {
                ("hold", format!("Spent until {}", clock(*until)))
            }
            Self::Spent { until: None } => ("hold", "Spent".to_owned()),
            Self::Dead { .. } => ("bad", "Token rejected".to_owned()),
            Self::InUse => ("run", "In use".to_owned()),
            Self::Ready => ("ok", "Ready".to_owned()),
            Self::Paused => ("hold", "Paused".to_owned()),
            Self::Unused => ("idle", "Not enabled in a plan".to_owned()),
        }
    }

    /// The tone of its gauge.
    pub(super) fn gauge(&self) -> &'static str {
        match self {
            Self::BackingOff { .. } => "cooling",
            Self::Spent { .. } => "reserve",
            Self::Dead { .. } => "bad",
            Self::InUse | Self::Ready => "ok",
            Self::Paused | Self::Unused => "unused",
        }
    }

    /// The host's words about it.
    pub(super) fn reason(&self) -> Option<&str> {
        match self {
            Self::BackingOff { reason, .. } | Self::Dead { reason } => Some(reason),
            Self::Spent { .. } | Self::InUse | Self::Ready | Self::Paused | Self::Unused => None,
        }
    }
}

/// The part of a limit that is never touched, rounded up as the pool does.
fn reserve(limit: u32, percent: u8) -> u32 {
    u32::try_from((u64::from(limit) * u64::from(percent)).div_ceil(100)).unwrap_or(limit)
}

/// A time of day, to the second: windows end at seconds.
pub(super) fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S").to_string()
}

impl Bucket {
    /// Every bucket of the picture, what asks for attention first.
    pub(super) fn all(picture: &Throttling, now: DateTime<Utc>) -> Vec<Self> {
        let mut groups: BTreeMap<&BucketKey, Vec<&PoolCredential>> = BTreeMap::new();
        for one in &picture.credentials {
            groups.entry(&one.key).or_default().push(one);
        }
        let mut budgets: BTreeMap<&BucketKey, Vec<&Budget>> = BTreeMap::new();
        for budget in &picture.budgets {
            budgets.entry(&budget.key).or_default().push(budget);
        }
        let mut spenders: BTreeMap<&BucketKey, BTreeMap<RunId, (String, u64)>> = BTreeMap::new();
        for spender in &picture.spenders {
            let runs = spenders.entry(&spender.key).or_default();
            let sum = runs
                .entry(spender.run)
                .or_insert_with(|| (spender.plan_name.to_string(), 0));
            sum.1 += spender.requests;
        }
        let seconds = picture
            .lately_from
            .map_or(60, |from| (now - from).num_seconds().max(1));
        let mut all: Vec<Self> = groups
            .into_iter()
            .filter_map(|(key, credentials)| {
                let budgets = budgets.remove(key).unwrap_or_default();
                let spenders = spenders.remove(key).unwrap_or_default();
                Self::of(&credentials, &budgets, spenders, seconds, now)
            })
            .collect();
        all.sort_by(|a, b| (a.state.rank(), &a.title).cmp(&(b.state.rank(), &b.title)));
        all
    }

    fn of(
        credentials: &[&PoolCredential],
        budgets: &[&Budget],
        spenders: BTreeMap<RunId, (String, u64)>,
        seconds: i64,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let first = credentials.first()?;
        let core = budgets
            .iter()
            .find(|one| one.resource == Resource::core())
            .map(|one| (*one).clone());
        let all: u64 = budgets.iter().map(|one| one.requests).sum();
        let own: u64 = spenders.values().map(|(_, requests)| requests).sum();
        let seconds = u64::try_from(seconds).unwrap_or(60).max(1);
        let pace = (all.max(own) * 60).div_ceil(seconds);
        let reserve_percent = credentials
            .iter()
            .map(|one| one.reserve_percent)
            .max()
            .unwrap_or_default();
        // The runs of a plan that follow each other are one line, which leads to the newest.
        let mut plans: BTreeMap<String, (RunId, u64)> = BTreeMap::new();
        for (run, (plan, requests)) in spenders {
            let sum = plans.entry(plan).or_insert((run, 0));
            *sum = (sum.0.max(run), sum.1 + requests);
        }
        let mut spenders: Vec<(RunId, String, u64)> = plans
            .into_iter()
            .map(|(plan, (run, requests))| (run, plan, (requests * 60).div_ceil(seconds)))
            .collect();
        spenders.sort_by_key(|(_, _, requests)| std::cmp::Reverse(*requests));
        let is_unlimited = core
            .as_ref()
            .is_some_and(|core| core.left.is_some_and(|(_, limit)| limit == u32::MAX));
        Some(Self {
            credential: first.id,
            key: first.key.clone(),
            title: first.title.clone(),
            sub: format!("{}, {}", first.kind.label(), first.organization_name),
            also: credentials
                .iter()
                .skip(1)
                .map(|one| {
                    if one.organization == first.organization {
                        one.title.clone()
                    } else {
                        format!("{} of {}", one.title, one.organization_name)
                    }
                })
                .collect(),
            state: Standing::of(credentials, core.as_ref(), reserve_percent, pace),
            is_used: credentials.iter().any(|one| one.is_used),
            further: budgets
                .iter()
                .filter(|one| one.resource == Resource::graphql() && one.left.is_some())
                .map(|one| (*one).clone())
                .collect(),
            neighbours: (all.saturating_sub(own) * 60).div_ceil(seconds),
            core,
            reserve_percent,
            spenders,
            pace,
            is_unlimited,
            now,
        })
    }

    /// Requests left and their limit.
    pub(super) fn left(&self) -> Option<(u64, u64)> {
        let (left, limit) = self.core.as_ref()?.left?;
        (!self.is_unlimited).then(|| (u64::from(left.min(limit)), u64::from(limit)))
    }

    pub(super) fn reset_at(&self) -> Option<DateTime<Utc>> {
        self.core.as_ref()?.reset_at
    }

    /// The reset clock: when, and in how long.
    pub(super) fn reset(&self) -> (String, String) {
        match self.reset_at() {
            Some(at) => (clock(at), format!("in {}", until(at, self.now))),
            None => (
                "None runs".to_owned(),
                "It begins with the next request".to_owned(),
            ),
        }
    }

    /// What is kept back of the limit.
    pub(super) fn reserve(&self) -> Option<String> {
        let (_, limit) = self.core.as_ref()?.left?;
        (!self.is_unlimited && self.reserve_percent > 0).then(|| {
            format!(
                "{} kept in reserve",
                text::number(reserve(limit, self.reserve_percent))
            )
        })
    }

    /// Other budgets in one line each.
    pub(super) fn others_left(&self) -> Vec<String> {
        let line = |budget: &Budget| {
            let (left, limit) = budget.left?;
            Some(format!(
                "GraphQL: {} of {} points left",
                text::number(left),
                text::number(limit)
            ))
        };
        self.further.iter().filter_map(line).collect()
    }

    /// What somebody outside has taken of this window.
    pub(super) fn outside(&self) -> Option<String> {
        let (spent, an_hour) = self.core.as_ref()?.others?;
        let rate = if an_hour > 0 {
            format!(", {} an hour", text::number(an_hour))
        } else {
            String::new()
        };
        (spent > 0).then(|| {
            format!(
                "Somebody else has spent at least {} of this window{rate}.",
                text::number(spent)
            )
        })
    }
}

impl Standing {
    fn rank(&self) -> u8 {
        match self {
            Self::BackingOff { .. } => 0,
            Self::Spent { .. } => 1,
            Self::Dead { .. } => 2,
            Self::InUse => 3,
            Self::Ready => 4,
            Self::Paused => 5,
            Self::Unused => 6,
        }
    }
}

/// A time to come, in its largest unit: a page that is kept up to date should change no more than what it says.
pub(super) fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (at - now).num_seconds().max(0);
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h", (seconds + 1_800) / 3_600),
    }
}
