//! One bucket: everything that a host charges to one subject.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::Resource;

use super::account::Account;
use super::backoff::Backoff;
use super::choice::{Offer, WHOLE_WINDOW};
use super::flight::Flight;
use super::pace::Pace;
use super::share::Sharing;
use super::verdict::{Demand, Hold, Why};

/// Budgets, manners and concurrency of one subject.
#[derive(Debug, Clone, Default)]
pub(super) struct Bucket {
    pub(super) reserve_percent: u8,
    pub(super) accounts: BTreeMap<Resource, Account>,
    pub(super) backoff: Backoff,
    /// Whether the back-off is news to the other processes.
    pub(super) has_news: bool,
    pub(super) flight: Flight,
    pub(super) pace: Pace,
}

impl Bucket {
    /// Whether a request may leave as far as this bucket is concerned.
    pub(super) fn consider(
        &mut self,
        demand: &Demand,
        sharing: Sharing,
        now: DateTime<Utc>,
    ) -> Result<Offer, Hold> {
        let reserve_percent = self.reserve_percent;
        let account = demand
            .resource
            .as_ref()
            .map(|resource| self.accounts.entry(resource.clone()).or_default());
        let offer = match account {
            Some(account) => account.consider(demand.points, reserve_percent, sharing, now)?,
            None => Offer {
                remaining: u32::MAX,
                is_known: false,
                reset_at: None,
                expires_in: WHOLE_WINDOW,
                unlimited: true,
            },
        };
        let remaining = offer.is_known.then_some(offer.remaining);
        let hold = |why, until| Hold {
            why,
            until,
            remaining,
        };
        if let Some((until, reason)) = self.backoff.current(now) {
            return Err(hold(Why::BackingOff(reason.to_owned()), Some(until)));
        }
        if !self.flight.has_room() {
            return Err(hold(Why::Busy, None));
        }
        let full_until = self
            .pace
            .full_until(demand.endpoint, demand.resource.as_ref(), now);
        if full_until.is_some() {
            return Err(hold(Why::Pace, full_until));
        }
        Ok(offer)
    }

    /// A lease leaves; answers whether a share covers it.
    pub(super) fn begin(&mut self, demand: &Demand, now: DateTime<Utc>) -> bool {
        self.flight.begin();
        self.pace.depart(demand.endpoint, now);
        let resource = demand.resource.as_ref();
        resource.is_some_and(|resource| {
            self.accounts
                .entry(resource.clone())
                .or_default()
                .begin(demand.points, now)
        })
    }
}
