//! When the plans under way are expected to end, and the same with fewer credentials and with more.

use std::collections::{BTreeMap, BTreeSet};

use budget::Terms;
use budget::planner::Supply;
use chrono::{DateTime, Utc};
use domain::{BucketKey, CredentialId, Health, Resource, Role, RunId};
use store::{Budget, Forecast, PoolCredential, RunRow, Throttling};

use super::next::told;
use crate::{forecast, text};

/// Plans of which it is said.
const PLANS: usize = 3;

/// The expected end of one plan.
#[derive(Debug, Clone)]
pub(super) struct Eta {
    pub(super) run: RunId,
    pub(super) plan: String,
    /// Requests that are still expected.
    pub(super) left: u64,
    pub(super) rows: Vec<Row>,
}

/// The end with some credentials.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) label: String,
    /// The end; nothing if there is none.
    pub(super) end: String,
    /// How long it is until then.
    pub(super) sub: String,
    /// Its length as a part of the longest, in thirds of a percent.
    pub(super) width: i64,
    pub(super) is_real: bool,
    at: Option<DateTime<Utc>>,
}

impl Eta {
    /// One for each of the newest plans under way that were foretold.
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
            .filter_map(|run| {
                let forecast = picture.forecasts.iter().find(|one| one.run == run.id)?;
                Some(Self::of(run, forecast, picture, &core, now))
            })
            .take(PLANS)
            .collect()
    }

    fn of(
        run: &RunRow,
        forecast: &Forecast,
        picture: &Throttling,
        core: &BTreeMap<&BucketKey, &Budget>,
        now: DateTime<Utc>,
    ) -> Self {
        let ids: BTreeSet<CredentialId> = picture
            .pools
            .iter()
            .filter(|(plan, _)| *plan == run.plan)
            .map(|(_, credential)| *credential)
            .collect();
        let of_organization = || {
            let all = picture.credentials.iter();
            all.filter(|one| one.organization == run.organization)
        };
        let buckets = |wanted: &dyn Fn(&PoolCredential) -> bool| -> Vec<Supply> {
            let mut seen = BTreeSet::new();
            of_organization()
                .filter(|one| one.health == Health::Healthy && wanted(one))
                .filter(|one| seen.insert(&one.key))
                .map(|one| {
                    let told = told(core.get(&one.key).copied(), one.reserve_percent);
                    told.supply(&Terms::of(&one.host), now)
                })
                .collect()
        };
        let end =
            |buckets: &[Supply]| forecast::ends_at(forecast.left, buckets, forecast.a_minute, now);
        let used = buckets(&|one| ids.contains(&one.id));
        let main = buckets(&|one| one.role == Role::Main);
        let every = buckets(&|_| true);
        let more = used.len() - main.len().min(used.len());
        let label = match more {
            0 => "Main credentials".to_owned(),
            more => format!(
                "With {}",
                text::count(
                    i64::try_from(more).unwrap_or(0),
                    "additional credential",
                    "additional credentials"
                )
            ),
        };
        // The scheduler has seen more than the buckets: who else wants them, and what each credential sees.
        let real = forecast
            .expected_end_at
            .map(|at| at.max(now))
            .or(end(&used));
        let mut rows = vec![Row::new(label, real, true)];
        if used.len() > main.len() {
            rows.push(Row::new(
                "Main credentials only".to_owned(),
                end(&main),
                false,
            ));
        }
        if every.len() > used.len() {
            let label = match every.len() - used.len() {
                1 => "With one more that is not enabled".to_owned(),
                more => format!("With {more} more that are not enabled"),
            };
            rows.push(Row::new(label, end(&every), false));
        }
        let longest = rows.iter().filter_map(|row| row.at).max();
        for row in &mut rows {
            row.finish(real, longest, now);
        }
        Self {
            run: run.id,
            plan: run.plan_name.to_string(),
            left: forecast.left,
            rows,
        }
    }
}

impl Row {
    fn new(label: String, at: Option<DateTime<Utc>>, is_real: bool) -> Self {
        Self {
            label,
            end: String::new(),
            sub: String::new(),
            width: 0,
            is_real,
            at,
        }
    }

    fn finish(
        &mut self,
        real: Option<DateTime<Utc>>,
        longest: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        let (Some(at), Some(longest)) = (self.at, longest) else {
            "Never".clone_into(&mut self.end);
            "No credential can be used".clone_into(&mut self.sub);
            return;
        };
        (self.end, self.sub) = forecast::end_apart(at, now);
        self.width =
            (at - now).num_milliseconds() * 300 / (longest - now).num_milliseconds().max(1);
        if let Some(real) = real.filter(|_| !self.is_real) {
            self.sub = format!("{}, {}", self.sub, forecast::compared(at, real));
        }
    }
}
