//! The ledger's part in sharing buckets with other processes.

use chrono::{DateTime, Utc};
use domain::exchange::{Exchange, Grant};

use super::bucket::Bucket;
use super::ledger::Ledger;
use super::share::{Portion, Share};

impl Ledger {
    /// When the next exchange with the other processes is due, if one is.
    pub fn exchange_due_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let due = |bucket: &Bucket| {
            let can_tell = bucket
                .accounts
                .iter()
                .any(|(_, account)| !account.share.is_drawing());
            let news = (bucket.has_news && can_tell).then_some(now);
            let shares = bucket.accounts.iter().filter_map(move |(_, account)| {
                let drawable = account.drawable(bucket.reserve_percent, now);
                account.share.due_at(drawable, account.is_busy(), now)
            });
            shares.chain(news).min()
        };
        self.buckets.iter().filter_map(due).min()
    }

    /// What to tell the other processes and to ask of them.
    pub fn draw(&mut self, now: DateTime<Utc>) -> Vec<Exchange> {
        self.exchange(now, |share, drawable, is_busy, has_news| {
            share.take(drawable, is_busy, has_news, now)
        })
    }

    /// Gives back every share.
    pub fn give_back(&mut self, now: DateTime<Utc>) -> Vec<Exchange> {
        self.exchange(now, |share, _, _, _| share.give_back())
    }

    fn exchange(
        &mut self,
        now: DateTime<Utc>,
        mut take: impl FnMut(&mut Share, Option<u32>, bool, bool) -> Option<Portion>,
    ) -> Vec<Exchange> {
        let mut draws = Vec::new();
        for bucket in &mut self.buckets {
            let has_news = bucket.has_news;
            let reserve_percent = bucket.reserve_percent;
            let backoff = bucket
                .backoff
                .current(now)
                .map(|(until, reason)| (until, reason.to_owned()));
            for (resource, account) in &mut bucket.accounts {
                account.roll(now);
                let drawable = account.drawable(reserve_percent, now);
                let is_busy = account.is_busy();
                let reading = account.heard(now);
                let Some(portion) = take(&mut account.share, drawable, is_busy, has_news) else {
                    continue;
                };
                bucket.has_news = false;
                draws.push(Exchange {
                    key: bucket.key.clone(),
                    resource: resource.clone(),
                    reading,
                    spent: portion.spent,
                    want: portion.want,
                    reserve_percent,
                    backoff: backoff.clone(),
                    returned: portion.returned,
                });
            }
        }
        draws
    }

    /// Takes the other processes' answer.
    pub fn grant(&mut self, grant: &Grant, now: DateTime<Utc>) {
        let Some(bucket) = self.bucket_of(&grant.key) else {
            return;
        };
        let terms = bucket.terms;
        if let Some((until, reason)) = &grant.backoff {
            bucket.backoff.extend(*until, reason);
        }
        bucket.share_among(grant.sharers, now);
        if let Some(account) = bucket.account(&grant.resource) {
            if let Some(reading) = grant.reading {
                account.quota.hear_of(reading, &terms, now);
            }
            if let Some((spent, an_hour)) = grant.others {
                account.others.told(spent, an_hour, now);
            }
            account.share.grant(grant.granted, now);
        }
    }

    /// Takes back what may not have reached the other processes.
    pub fn undo(&mut self, exchange: &Exchange, now: DateTime<Utc>) {
        let Some(bucket) = self.bucket_of(&exchange.key) else {
            return;
        };
        bucket.has_news |= exchange.backoff.is_some();
        if let Some(account) = bucket.account(&exchange.resource) {
            account.share.fail(now);
        }
    }
}
