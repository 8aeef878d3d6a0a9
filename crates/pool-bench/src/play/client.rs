//! The client: the same desk, ledger and planner that the product uses, told what the host answered and nothing else.

use std::collections::BTreeMap;

use budget::{
    Ask, BucketId, Claim, Demand, Desk, Options, Outcome, Settlement, Sharing, Signal, Terms,
    Ticket, USUAL_WEIGHT,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::bucket::Subject;
use domain::{BucketKey, PlanId, Reading, Resource, TenantId};
use uuid::Uuid;

use super::work::Works;
use crate::draw;
use crate::host::{Answer, Headers};
use crate::scenario::{Scenario, What};
use crate::time::{Micros, instant, micros};

/// One lane for everything: a scenario knows no endpoints.
const ENDPOINT: &str = "api";
/// As a process draws shares of what is left.
const SHARES: u32 = 8;
const LARGEST_SHARE: u32 = 200;

/// What was stored of a budget.
#[derive(Debug, Clone)]
struct Stored {
    key: BucketKey,
    resource: Resource,
    reading: Option<Reading>,
    backoff: Option<(DateTime<Utc>, String)>,
}

/// A request that may leave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending {
    pub(super) work: usize,
    pub(super) credential: usize,
    pub(super) bucket: usize,
    pub(super) ticket: Ticket,
}

/// An answer as the client sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub(super) work: usize,
    pub(super) credential: usize,
    pub(super) ticket: Ticket,
    /// Nothing where the host did not know the credential.
    pub(super) answer: Option<Answer>,
    pub(super) headers: Option<Headers>,
}

pub(super) struct Client {
    desk: Desk,
    demand: Demand,
    keys: Vec<BucketKey>,
    ids: Vec<BucketId>,
    claims: Vec<Claim>,
    /// By plan, by credential.
    uses: Vec<Vec<bool>>,
    /// By credential, by repository.
    sees: Vec<Vec<bool>>,
    /// By credential: its bucket.
    bucket_of: Vec<usize>,
    alive: Vec<bool>,
    /// By credential: how often it is still going to be added.
    to_come: Vec<usize>,
    /// By work.
    options: Vec<Option<Options>>,
    asks: BTreeMap<Ask, usize>,
    /// Works that may have something to ask.
    pending: Vec<usize>,
    is_changed: bool,
    stored: Vec<Stored>,
    /// By bucket: below what it must not be spent before it is stored anew.
    floors: BTreeMap<BucketId, u32>,
}

impl Client {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let subject = |index: usize| BucketKey {
            host: "host".to_owned(),
            subject: Subject::User(index as i64),
        };
        let credentials = &scenario.credentials;
        let bucket_of = |name: &String| {
            scenario
                .buckets
                .iter()
                .position(|bucket| bucket.id == *name)
        };
        let mut client = Self {
            desk: Desk::new(Sharing::Alone),
            demand: Demand::rest(ENDPOINT),
            keys: (0..scenario.buckets.len()).map(subject).collect(),
            ids: Vec::new(),
            claims: claims(scenario),
            uses: scenario
                .plans
                .iter()
                .map(|plan| {
                    let may = |id: &String| {
                        plan.credentials
                            .as_ref()
                            .is_none_or(|list| list.contains(id))
                    };
                    credentials
                        .iter()
                        .map(|credential| may(&credential.id))
                        .collect()
                })
                .collect(),
            sees: credentials
                .iter()
                .map(|credential| {
                    let sees =
                        |index| draw::sees(scenario.seed, &credential.id, &credential.sees, index);
                    (0..scenario.count()).map(sees).collect()
                })
                .collect(),
            bucket_of: credentials
                .iter()
                .filter_map(|one| bucket_of(&one.bucket))
                .collect(),
            alive: credentials
                .iter()
                .map(|one| begins_alive(scenario, &one.id))
                .collect(),
            to_come: credentials
                .iter()
                .map(|one| additions(scenario, &one.id))
                .collect(),
            options: Vec::new(),
            asks: BTreeMap::new(),
            pending: Vec::new(),
            is_changed: true,
            stored: Vec::new(),
            floors: BTreeMap::new(),
        };
        client.open(scenario);
        client
    }

    /// Makes a new desk, which knows what the hosts publish and nothing else.
    fn open(&mut self, scenario: &Scenario) {
        self.desk = Desk::new(Sharing::Alone);
        self.ids.clear();
        for (key, bucket) in self.keys.iter().zip(&scenario.buckets) {
            let terms = Terms {
                window: TimeDelta::microseconds(micros(bucket.window_s)),
                aligned: bucket.aligned,
                concurrency: bucket.secondary.concurrency,
                points_a_minute: bucket.secondary.points_per_minute,
                graphql_points_a_minute: bucket.secondary.points_per_minute,
                at_once_percent: 0,
                address_concurrency: u32::MAX,
                ..Terms::GITHUB
            };
            let reserve = (bucket.reserve * 100.0 - 1e-9).ceil().max(0.0) as u8;
            let id = self.desk.change(key, |ledger| {
                ledger.agree(key, terms);
                ledger.open(key, reserve)
            });
            self.ids.push(id);
        }
        self.is_changed = true;
    }

    /// The number of a credential's bucket.
    pub(super) fn bucket_of(&self, credential: usize) -> usize {
        self.bucket_of[credential]
    }

    /// What a bucket has left was asked.
    pub(super) fn learn(&mut self, bucket: usize, headers: Headers, now: DateTime<Utc>) {
        let key = self.keys[bucket].clone();
        self.desk.change(&key, |ledger| {
            ledger.learn(&key, &Resource::core(), reading(headers), now);
        });
    }

    pub(super) fn add(&mut self, credential: usize) {
        self.alive[credential] = true;
        self.to_come[credential] = self.to_come[credential].saturating_sub(1);
        self.is_changed = true;
    }

    /// No new request leaves with it; what is under way comes home.
    pub(super) fn remove(&mut self, credential: usize) {
        self.alive[credential] = false;
        self.is_changed = true;
    }

    /// Whether somebody sees a work's repository, or is going to.
    pub(super) fn may_see(&self, works: &Works, work: usize) -> bool {
        let of = &works.all[work];
        (0..self.alive.len()).any(|credential| {
            self.uses[of.plan][credential]
                && self.sees[credential][of.repository]
                && (self.alive[credential] || self.to_come[credential] > 0)
        })
    }

    pub(super) fn conclude(&mut self, plan: usize) {
        self.desk.conclude(self.claims[plan].plan);
    }

    /// What is known is written down, less a part that may be spent before it is written again: as processes draw shares.
    pub(super) fn store(&mut self, now: DateTime<Utc>) {
        let known = self.desk.ledger().known(now).map(|known| Stored {
            key: known.key.clone(),
            resource: known.resource.clone(),
            reading: known.reading.map(|reading| {
                let share = (reading.remaining / SHARES).clamp(1, LARGEST_SHARE);
                Reading {
                    remaining: reading.remaining.saturating_sub(share + known.outstanding),
                    ..reading
                }
            }),
            backoff: known
                .backoff
                .map(|(until, reason)| (until, reason.to_owned())),
        });
        self.stored = known.collect();
        self.floors = self
            .ids
            .iter()
            .zip(&self.keys)
            .filter_map(|(id, key)| {
                let stored = self.stored.iter().find(|stored| stored.key == *key)?;
                Some((*id, stored.reading?.remaining))
            })
            .collect();
    }

    /// Nothing is sent that was not drawn.
    fn draw(&mut self, bucket: BucketId, left: u32, now: DateTime<Utc>) {
        if self.floors.get(&bucket).is_some_and(|floor| left <= *floor) {
            self.store(now);
        }
    }

    /// Everything that was not stored is lost.
    pub(super) fn die(&mut self) {
        self.desk = Desk::new(Sharing::Alone);
        self.asks.clear();
        self.pending.clear();
    }

    pub(super) fn revive(&mut self, scenario: &Scenario, now: DateTime<Utc>) {
        self.open(scenario);
        for stored in &self.stored {
            let backoff = stored
                .backoff
                .as_ref()
                .map(|(until, reason)| (*until, reason.as_str()));
            self.desk.change(&stored.key, |ledger| {
                ledger.restore(&stored.key, &stored.resource, stored.reading, backoff, now);
            });
        }
    }

    /// Tells the desk what is expected, and lets it plan.
    pub(super) fn plan(&mut self, works: &mut Works, now: DateTime<Utc>) {
        if self.is_changed {
            self.sort_out(works);
        }
        let mut expected: BTreeMap<(usize, Options), u64> = BTreeMap::new();
        for (index, work) in works.all.iter().enumerate() {
            let left = work.left();
            if left > 0
                && works.has_begun(index)
                && let Some(options) = self.options[index]
            {
                *expected.entry((work.plan, options)).or_default() += u64::from(left);
                self.pending.push(index);
            }
        }
        self.desk.expect_nothing();
        for ((plan, options), requests) in expected {
            self.desk.expect(self.claims[plan], options, requests);
        }
        self.desk.plan(&Resource::core(), now);
    }

    /// The pool has changed: everybody who waits asks anew.
    fn sort_out(&mut self, works: &mut Works) {
        self.is_changed = false;
        for (ask, work) in std::mem::take(&mut self.asks) {
            self.desk.withdraw(ask);
            works.all[work].waiting -= 1;
            works.all[work].unsent += 1;
        }
        self.options = (0..works.all.len())
            .map(|work| {
                let mut buckets = Vec::new();
                for credential in self.fit(works, work) {
                    let id = self.ids[self.bucket_of[credential]];
                    if !buckets.contains(&id) {
                        buckets.push(id);
                    }
                }
                (!buckets.is_empty()).then(|| self.desk.options(buckets))
            })
            .collect();
        self.pending = (0..works.all.len()).collect();
    }

    /// The credentials that a work may use.
    fn fit(&self, works: &Works, work: usize) -> Vec<usize> {
        let of = &works.all[work];
        let fit = |credential: &usize| {
            self.alive[*credential]
                && self.uses[of.plan][*credential]
                && self.sees[*credential][of.repository]
        };
        (0..self.alive.len()).filter(fit).collect()
    }

    /// Asks for whatever can be under way.
    pub(super) fn ask(&mut self, works: &mut Works) {
        if self.is_changed {
            self.sort_out(works);
        }
        for index in std::mem::take(&mut self.pending) {
            let has_begun = works.has_begun(index);
            let parallel = works.parallel;
            let work = &mut works.all[index];
            let Some(options) = self.options[index].filter(|_| has_begun) else {
                continue;
            };
            while work.unsent > 0 && work.waiting + work.in_flight < parallel {
                let claim = self.claims[work.plan];
                let ask = self
                    .desk
                    .ask(claim, options, &self.demand, work.size, work.last);
                self.asks.insert(ask, index);
                work.unsent -= 1;
                work.waiting += 1;
            }
        }
    }

    /// The next request that may leave.
    pub(super) fn decide(&mut self, works: &mut Works, now: DateTime<Utc>) -> Option<Sending> {
        let decision = self.desk.decide(now)?;
        self.draw(
            decision.bucket,
            decision.offer.remaining.saturating_sub(1),
            now,
        );
        let index = self.asks.remove(&decision.ask)?;
        let bucket = self.ids.iter().position(|id| *id == decision.bucket)?;
        let credential = self
            .fit(works, index)
            .into_iter()
            .find(|one| self.bucket_of[*one] == bucket)?;
        let work = &mut works.all[index];
        work.waiting -= 1;
        work.in_flight += 1;
        work.last = Some(decision.bucket);
        Some(Sending {
            work: index,
            credential,
            bucket,
            ticket: decision.ticket,
        })
    }

    pub(super) fn wake_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.desk.wake_at(now)
    }

    /// Takes in an answer; answers whether the pool has changed by it.
    pub(super) fn hear(&mut self, heard: Heard, works: &mut Works, now: DateTime<Utc>) -> bool {
        let work = &mut works.all[heard.work];
        work.in_flight -= 1;
        if heard.answer != Some(Answer::Served) {
            work.unsent += 1;
        }
        self.pending.push(heard.work);
        let signals = self.desk.settle(heard.ticket, settlement(&heard), now);
        let backs_off = |signal: &Signal| matches!(signal, Signal::BackedOff { .. });
        if signals.iter().flatten().any(backs_off) {
            self.store(now);
        }
        let is_news = heard.answer.is_none() && self.alive[heard.credential];
        if is_news {
            self.remove(heard.credential);
        }
        is_news
    }
}

/// What headers say; hosts tell whole seconds.
fn reading(told: Headers) -> Reading {
    let reset: Micros = told.reset.div_euclid(1_000_000) * 1_000_000;
    Reading {
        limit: told.limit,
        remaining: told.remaining,
        reset_at: instant(reset),
    }
}

/// What the ledger is told of an answer.
fn settlement(heard: &Heard) -> Settlement {
    let reading = heard.headers.map(|told| (Resource::core(), reading(told)));
    let slow = |retry_after: Option<Micros>| Settlement {
        cost: None,
        reading: None,
        outcome: Outcome::SlowDown {
            retry_after: retry_after.map(TimeDelta::microseconds),
            reason: "asked to slow down".to_owned(),
        },
    };
    match heard.answer {
        None => Settlement {
            cost: None,
            reading: None,
            outcome: Outcome::Served,
        },
        Some(Answer::Served) => Settlement {
            cost: None,
            outcome: if reading.is_some() {
                Outcome::Served
            } else {
                Outcome::Uncounted
            },
            reading,
        },
        Some(Answer::Primary) => Settlement {
            cost: Some(0),
            outcome: Outcome::Spent {
                until: reading.as_ref().map(|(_, reading)| reading.reset_at),
            },
            reading,
        },
        Some(Answer::Secondary | Answer::Impatient) => slow(None),
        Some(Answer::SlowDown(retry_after)) => slow(retry_after),
    }
}

/// By plan: for whom it asks. A tenant weighs as much as the heaviest of its plans.
fn claims(scenario: &Scenario) -> Vec<Claim> {
    let weight = |weight: f64| ((weight * f64::from(USUAL_WEIGHT)).round() as u32).max(1);
    let tenants: Vec<&String> = scenario.plans.iter().map(|plan| &plan.tenant).collect();
    let number = |tenant: &String| {
        tenants
            .iter()
            .position(|known| *known == tenant)
            .unwrap_or_default()
    };
    let claim = |(index, plan): (usize, &crate::scenario::Plan)| {
        let siblings = scenario
            .plans
            .iter()
            .filter(|other| other.tenant == plan.tenant);
        Claim {
            tenant_weight: siblings
                .map(|other| weight(other.weight))
                .max()
                .unwrap_or(USUAL_WEIGHT),
            weight: weight(plan.weight),
            ..Claim::of(
                TenantId(Uuid::from_u128(number(&plan.tenant) as u128 + 1)),
                PlanId(Uuid::from_u128(index as u128 + 1)),
            )
        }
    };
    scenario.plans.iter().enumerate().map(claim).collect()
}

/// A credential that is added before anything else happens to it is not there from the beginning.
fn begins_alive(scenario: &Scenario, id: &str) -> bool {
    let first = scenario.events.iter().find_map(|event| match &event.what {
        What::Add(named) if named == id => Some(false),
        What::Revoke(named) | What::Remove(named) if named == id => Some(true),
        _ => None,
    });
    first.unwrap_or(true)
}

fn additions(scenario: &Scenario, id: &str) -> usize {
    let is_addition =
        |event: &&crate::scenario::Event| matches!(&event.what, What::Add(named) if named == id);
    scenario.events.iter().filter(is_addition).count()
}
