//! Plays a scenario: the client of the real core on one side, the exact host on the other, and a heap of what happens when.

mod client;
mod work;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use anyhow::{Result, ensure};
use budget::Ticket;

use crate::draw::Latencies;
use crate::host::{Answer, Headers, HostBucket};
use crate::scenario::{Scenario, What};
use crate::time::{Micros, instant, micros, since};

use client::Client;
use work::Works;

/// What is stored of the client's knowledge is never older than this.
const STORE_EVERY: Micros = 2_000_000;
/// The whole is planned anew at least this often.
const PLAN_EVERY: Micros = 60_000_000;
/// How long a process that died is away.
const AWAY: Micros = 5_000_000;
/// Standing still for less than this is spacing, not waiting.
const WAIT: Micros = 1_000_000;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) ended: Micros,
    pub(crate) refused: u64,
    /// Refusals by bucket.
    pub(crate) refused_by: Vec<u64>,
    pub(crate) waits: u64,
    pub(crate) max_in_flight: usize,
    pub(crate) decisions: u64,
    pub(crate) spent: Vec<u64>,
    /// By plan: when its last repository was done.
    pub(crate) plans: Vec<Option<Micros>>,
    /// By work (a plan's repository): whether it was done.
    pub(crate) done: Vec<bool>,
}

/// A request on its way.
#[derive(Debug, Clone, Copy)]
struct Flight {
    work: usize,
    credential: usize,
    bucket: usize,
    ticket: Ticket,
    sent: Micros,
    answered: Micros,
    answer: Option<Answer>,
    /// Which life of the process sent it: the answer to a dead one is lost.
    life: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Arrive(usize),
    Answer(usize),
    Event(usize),
    Begin(usize),
    Store,
    Plan,
    /// Of the life with this number.
    Revive(u32),
    Wake,
}

struct Play<'a> {
    scenario: &'a Scenario,
    now: Micros,
    sequence: u64,
    heap: BinaryHeap<Reverse<(Micros, u64, Happening)>>,
    hosts: Vec<HostBucket>,
    revoked: Vec<bool>,
    latencies: Latencies,
    slow: (f64, Micros),
    jitter: f64,
    flights: Vec<Flight>,
    free: Vec<usize>,
    in_flight: usize,
    client: Client,
    works: Works,
    life: u32,
    is_away: bool,
    wake: Option<Micros>,
    outcome: Outcome,
}

/// Plays a scenario to its end.
pub(crate) fn play(scenario: &Scenario) -> Result<Outcome> {
    let works = Works::of(scenario);
    let mut play = Play {
        scenario,
        now: 0,
        sequence: 0,
        heap: BinaryHeap::new(),
        hosts: scenario.buckets.iter().map(HostBucket::new).collect(),
        revoked: vec![false; scenario.credentials.len()],
        latencies: Latencies::new(scenario.latency, scenario.seed),
        slow: (1.0, 0),
        jitter: 0.0,
        flights: Vec::new(),
        free: Vec::new(),
        in_flight: 0,
        client: Client::new(scenario),
        works,
        life: 0,
        is_away: false,
        wake: None,
        outcome: Outcome {
            refused_by: vec![0; scenario.buckets.len()],
            plans: vec![None; scenario.plans.len()],
            ..Outcome::default()
        },
    };
    for bucket in 0..scenario.buckets.len() {
        play.inquire(bucket);
    }
    for (index, event) in scenario.events.iter().enumerate() {
        play.at(micros(event.at_s), Happening::Event(index));
    }
    for (index, plan) in scenario.plans.iter().enumerate() {
        play.at(micros(plan.starts_at_s), Happening::Begin(index));
    }
    play.at(STORE_EVERY, Happening::Store);
    play.at(PLAN_EVERY, Happening::Plan);
    play.run()?;
    play.outcome.spent = play.hosts.iter().map(|host| host.served).collect();
    play.outcome.done = play.works.done();
    Ok(play.outcome)
}

impl Play<'_> {
    fn at(&mut self, at: Micros, happening: Happening) {
        self.sequence += 1;
        self.heap.push(Reverse((at, self.sequence, happening)));
    }

    fn run(&mut self) -> Result<()> {
        while self.has_work() {
            let next = self.heap.pop();
            ensure!(
                next.is_some(),
                "nothing happens any more, and not everything is done"
            );
            let Some(Reverse((at, _, happening))) = next else {
                break;
            };
            self.now = at;
            self.happen(happening);
            // What happens at the same moment happens before anything is decided.
            if self
                .heap
                .peek()
                .is_none_or(|Reverse((next, ..))| *next > at)
                && !self.is_away
            {
                self.send();
            }
        }
        Ok(())
    }

    /// Whether something is left that somebody sees, or is going to see.
    fn has_work(&self) -> bool {
        self.in_flight > 0
            || self
                .works
                .has_left(|work| self.client.may_see(&self.works, work))
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrive(flight) => {
                let Flight {
                    credential,
                    bucket,
                    sent,
                    answered,
                    ..
                } = self.flights[flight];
                if !self.revoked[credential] {
                    let answer = self.hosts[bucket].arrive(sent, self.now);
                    self.flights[flight].answer = Some(answer);
                }
                self.at(answered, Happening::Answer(flight));
            }
            Happening::Answer(flight) => self.answer(flight),
            Happening::Event(index) => self.event(index),
            Happening::Begin(plan) => {
                self.works.begin(plan);
                self.plan();
            }
            Happening::Store => {
                if !self.is_away {
                    self.client.store(instant(self.now));
                }
                self.at(self.now + STORE_EVERY, Happening::Store);
            }
            Happening::Plan => {
                self.plan();
                self.at(self.now + PLAN_EVERY, Happening::Plan);
            }
            // A process that died again while it was away starts later.
            Happening::Revive(life) if life != self.life => {}
            Happening::Revive(_) => {
                self.is_away = false;
                self.client.revive(self.scenario, instant(self.now));
                self.plan();
            }
            Happening::Wake => {
                if self.wake == Some(self.now) {
                    self.wake = None;
                }
            }
        }
    }

    fn event(&mut self, index: usize) {
        match &self.scenario.events[index].what {
            What::Secondary {
                bucket,
                retry_after_s,
            } => {
                let host = self
                    .scenario
                    .buckets
                    .iter()
                    .position(|known| known.id == *bucket);
                if let Some(host) = host {
                    self.hosts[host].slow_next(retry_after_s.map(micros));
                }
            }
            What::Revoke(id) => {
                if let Some(index) = self.credential(id) {
                    self.revoked[index] = true;
                }
            }
            What::Add(id) => {
                if let Some(index) = self.credential(id) {
                    self.revoked[index] = false;
                    self.client.add(index);
                    self.inquire(self.client.bucket_of(index));
                    self.plan();
                }
            }
            What::Remove(id) => {
                if let Some(index) = self.credential(id) {
                    self.client.remove(index);
                    self.plan();
                }
            }
            What::Slow { factor, for_s } => self.slow = (*factor, self.now + micros(*for_s)),
            What::ResetJitter(seconds) => self.jitter = *seconds,
            What::Restart => {
                self.life += 1;
                self.is_away = true;
                self.client.die();
                self.works.die();
                self.at(self.now + AWAY, Happening::Revive(self.life));
            }
        }
    }

    /// Whoever gets to know a bucket asks what it has left, which is free of charge.
    fn inquire(&mut self, bucket: usize) {
        if let Some(headers) = self.hosts[bucket].tell(self.now) {
            self.client.learn(bucket, headers, instant(self.now));
        }
    }

    fn credential(&self, id: &str) -> Option<usize> {
        self.scenario
            .credentials
            .iter()
            .position(|known| known.id == id)
    }

    fn plan(&mut self) {
        if !self.is_away {
            self.client.plan(&mut self.works, instant(self.now));
        }
    }

    /// Sends whatever the core lets leave.
    fn send(&mut self) {
        self.client.ask(&mut self.works);
        while let Some(sending) = self.client.decide(&mut self.works, instant(self.now)) {
            let factor = if self.now < self.slow.1 {
                self.slow.0
            } else {
                1.0
            };
            let latency = self.latencies.next(factor);
            let flight = Flight {
                work: sending.work,
                credential: sending.credential,
                bucket: sending.bucket,
                ticket: sending.ticket,
                sent: self.now,
                answered: self.now + latency,
                answer: None,
                life: self.life,
            };
            let place = self.free.pop().unwrap_or_else(|| {
                self.flights.push(flight);
                self.flights.len() - 1
            });
            self.flights[place] = flight;
            self.at(self.now + latency / 2, Happening::Arrive(place));
            self.in_flight += 1;
            self.outcome.decisions += 1;
            self.outcome.max_in_flight = self.outcome.max_in_flight.max(self.in_flight);
        }
        let Some(wake) = self
            .client
            .wake_at(instant(self.now))
            .map(|at| since(at).max(self.now + 1))
        else {
            return;
        };
        if self.in_flight == 0
            && wake > self.now + WAIT
            && self.wake.is_none_or(|known| known != wake)
        {
            self.outcome.waits += 1;
        }
        if self
            .wake
            .is_none_or(|known| wake < known || known <= self.now)
        {
            self.wake = Some(wake);
            self.at(wake, Happening::Wake);
        }
    }

    fn answer(&mut self, place: usize) {
        let flight = self.flights[place];
        self.free.push(place);
        self.in_flight -= 1;
        let host = &mut self.hosts[flight.bucket];
        if flight.answer == Some(Answer::Served) {
            host.leave();
        }
        let headers = flight.answer.and_then(|_| host.tell(self.now));
        match flight.answer {
            None | Some(Answer::Served) => {}
            Some(Answer::Primary | Answer::Secondary | Answer::SlowDown(_) | Answer::Impatient) => {
                self.outcome.refused += 1;
                self.outcome.refused_by[flight.bucket] += 1;
            }
        }
        if flight.life != self.life {
            return;
        }
        if let Some(Answer::SlowDown(retry_after)) = flight.answer {
            self.hosts[flight.bucket].has_told_to_slow(retry_after, self.now);
        }
        let headers = headers.map(|headers| Headers {
            reset: headers.reset + self.latencies.wobble(self.jitter),
            ..headers
        });
        let heard = client::Heard {
            work: flight.work,
            credential: flight.credential,
            ticket: flight.ticket,
            answer: flight.answer,
            headers,
        };
        let is_news = self.client.hear(heard, &mut self.works, instant(self.now));
        if flight.answer == Some(Answer::Served)
            && let Some(plan) = self.works.served(flight.work)
        {
            self.outcome.ended = self.now;
            let is_over = self.works.is_over(plan);
            if is_over {
                self.outcome.plans[plan] = Some(self.now);
                self.client.conclude(plan);
            }
        }
        if is_news {
            self.plan();
        }
    }
}

/// What each bucket spent, by name.
pub(crate) fn by_bucket(scenario: &Scenario, spent: &[u64]) -> BTreeMap<String, u64> {
    let ids = scenario.buckets.iter().map(|bucket| bucket.id.clone());
    ids.zip(spent.iter().copied()).collect()
}

#[cfg(test)]
mod tests;
