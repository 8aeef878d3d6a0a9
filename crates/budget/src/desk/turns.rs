//! Whose turn it is: weighted fair queueing among tenants, and among the plans of each.
//!
//! Everybody has a clock that runs the faster the less its weight, and whoever's clock is the furthest behind goes first
//! (start-time fair queueing; Goyal, Vin and Cheng, 1996). Who comes, or could not go on for a while, is a little ahead of the others:
//! a small plan is done with that, and a large one does not notice.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{PlanId, TenantId};

use super::{BucketId, Claim, Hold, Offer, Options};
use crate::verdict::Why;

/// A clock's advance by one point of weight one.
const POINT: u64 = 1_000_000;
/// Points of the usual weight by which somebody may be ahead of the others.
const OWED: u64 = 200 * POINT / 100;
/// Two ends of windows that are the same window, as far as a plan's limit is concerned.
const SAME_WINDOW: TimeDelta = TimeDelta::seconds(5);

#[derive(Debug, Default)]
pub(in crate::desk) struct Clock {
    at: u64,
}

impl Clock {
    fn now(&self, global: u64) -> u64 {
        self.at.max(global.saturating_sub(OWED))
    }

    fn advance(&mut self, global: &mut u64, points: u32, weight: u32) {
        let start = self.now(*global);
        *global = start.max(*global);
        self.at = start + u64::from(points) * POINT / u64::from(weight.max(1));
    }
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) claim: Claim,
    clock: Clock,
    waiting: usize,
    /// What it has taken of each bucket in its window.
    taken: BTreeMap<BucketId, (Option<DateTime<Utc>>, u32)>,
    /// What it is still going to ask for, by list of buckets.
    pub(crate) expected: BTreeMap<Options, u64>,
    /// How long each of these is going to take, in milliseconds.
    pub(crate) spans: BTreeMap<Options, u64>,
    /// When it is going to end, with everybody getting a fair part.
    pub(crate) ends_at: Option<DateTime<Utc>>,
    /// Whether it asks for so little that it is kept from no bucket.
    pub(crate) is_small: bool,
}

#[derive(Debug, Default)]
struct Tenant {
    clock: Clock,
    /// How far the clocks of its plans have come.
    global: u64,
}

/// The clocks.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    tenants: BTreeMap<TenantId, Tenant>,
    pub(crate) plans: BTreeMap<PlanId, Plan>,
    global: u64,
}

impl Turns {
    /// Somebody is heard of.
    pub(crate) fn come(&mut self, claim: Claim) -> &mut Plan {
        self.tenants.entry(claim.tenant).or_default();
        let plan = self.plans.entry(claim.plan).or_insert_with(|| Plan {
            claim,
            clock: Clock::default(),
            waiting: 0,
            taken: BTreeMap::new(),
            expected: BTreeMap::new(),
            spans: BTreeMap::new(),
            ends_at: None,
            is_small: false,
        });
        plan.claim = claim;
        plan
    }

    /// Somebody asks.
    pub(crate) fn wait(&mut self, claim: Claim) {
        self.come(claim).waiting += 1;
        let Some(tenant) = self.tenants.get_mut(&claim.tenant) else {
            return;
        };
        tenant.clock.at = tenant.clock.now(self.global);
        if let Some(plan) = self.plans.get_mut(&claim.plan) {
            plan.clock.at = plan.clock.now(tenant.global);
        }
    }

    /// A request of a plan waits no more.
    pub(crate) fn leave(&mut self, plan: PlanId) {
        if let Some(plan) = self.plans.get_mut(&plan) {
            plan.waiting = plan.waiting.saturating_sub(1);
        }
    }

    /// Forgets a plan that has ended, unless somebody still waits for it.
    pub(crate) fn go(&mut self, plan: PlanId) {
        if self.plans.get(&plan).is_some_and(|plan| plan.waiting == 0) {
            self.plans.remove(&plan);
        }
    }

    /// Forgets what is expected of each list of buckets.
    pub(crate) fn forget_outlooks(&mut self) {
        for plan in self.plans.values_mut() {
            plan.expected.clear();
            plan.spans.clear();
        }
    }

    /// The least goes first.
    pub(crate) fn key(&self, plan: PlanId) -> (u64, bool, u64) {
        let Some(plan) = self.plans.get(&plan) else {
            return (u64::MAX, true, u64::MAX);
        };
        let tenant = self.tenants.get(&plan.claim.tenant);
        (
            tenant.map_or(0, |tenant| tenant.clock.now(self.global)),
            !plan.claim.is_urgent,
            plan.clock.now(tenant.map_or(0, |tenant| tenant.global)),
        )
    }

    /// Within a plan, what is going to take the longest goes first.
    pub(crate) fn order(&self, plan: PlanId, options: Options) -> u64 {
        let span = self
            .plans
            .get(&plan)
            .and_then(|plan| plan.spans.get(&options));
        u64::MAX - span.copied().unwrap_or_default()
    }

    /// A plan's request leaves.
    pub(crate) fn serve(
        &mut self,
        plan: PlanId,
        bucket: BucketId,
        points: u32,
        reset_at: Option<DateTime<Utc>>,
    ) {
        let Some(plan) = self.plans.get_mut(&plan) else {
            return;
        };
        let claim = plan.claim;
        let tenant = self.tenants.entry(claim.tenant).or_default();
        tenant
            .clock
            .advance(&mut self.global, points, claim.tenant_weight);
        plan.clock.advance(&mut tenant.global, points, claim.weight);
        if claim.most_percent < 100 {
            let (window, taken) = plan.taken.entry(bucket).or_default();
            if !is_same(*window, reset_at) {
                *taken = 0;
            }
            *window = reset_at.or(*window);
            *taken = taken.saturating_add(points);
        }
    }

    /// When a plan is going to end.
    pub(crate) fn ends_at(&self, plan: PlanId) -> Option<DateTime<Utc>> {
        self.plans.get(&plan)?.ends_at
    }

    /// Whether a plan may take a part of each bucket only.
    pub(crate) fn is_limited(&self, plan: PlanId) -> bool {
        self.plans
            .get(&plan)
            .is_some_and(|plan| plan.claim.most_percent < 100)
    }

    /// What keeps a plan from a bucket of which it may take a part only.
    pub(crate) fn limit(
        &self,
        plan: PlanId,
        bucket: BucketId,
        points: u32,
        offer: &Offer,
        sharers: u32,
    ) -> Option<Hold> {
        let plan = self.plans.get(&plan)?;
        if plan.claim.most_percent >= 100 || offer.unlimited {
            return None;
        }
        let (window, taken) = plan.taken.get(&bucket).copied().unwrap_or_default();
        let taken = if is_same(window, offer.reset_at) {
            taken
        } else {
            0
        };
        let part = u64::from(offer.limit) * u64::from(plan.claim.most_percent)
            / 100
            / u64::from(sharers.max(1));
        (u64::from(taken) + u64::from(points) > part.max(1)).then(|| Hold {
            why: Why::Limited,
            until: offer.reset_at.map(|end| end + TimeDelta::seconds(1)),
            remaining: Some(offer.remaining),
        })
    }
}

/// A window that was not heard of yet is the one that its first request began.
fn is_same(known: Option<DateTime<Utc>>, heard: Option<DateTime<Utc>>) -> bool {
    match (known, heard) {
        (Some(known), Some(heard)) => (known - heard).abs() <= SAME_WINDOW,
        (None, _) => true,
        (Some(_), None) => false,
    }
}
