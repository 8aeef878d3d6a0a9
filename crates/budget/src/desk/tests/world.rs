//! Hosts that count, a desk that decides, restarts at any moment: whatever happens in whatever order, no host has to refuse what a
//! header told of, nobody waits for ever, and every lease is settled once.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const WINDOW: i64 = 600;
const BUCKETS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Ask {
        plan: u8,
        scarce: bool,
    },
    Decide,
    Answer {
        which: Index,
    },
    Lose {
        which: Index,
    },
    SlowDown {
        which: Index,
        retry_after: Option<i64>,
    },
    Tick {
        seconds: i64,
    },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    prop_oneof![
        6 => (0..3_u8, any::<bool>()).prop_map(|(plan, scarce)| Step::Ask { plan, scarce }),
        6 => Just(Step::Decide),
        6 => index().prop_map(|which| Step::Answer { which }),
        1 => index().prop_map(|which| Step::Lose { which }),
        1 => (index(), prop::option::of(1..90_i64)).prop_map(|(which, retry_after)| Step::SlowDown { which, retry_after }),
        2 => (0..5_i64).prop_map(|seconds| Step::Tick { seconds }),
        1 => (0..WINDOW).prop_map(|seconds| Step::Tick { seconds }),
        1 => Just(Step::Restart),
    ]
}

/// One bucket at its host.
#[derive(Debug, Clone, Copy)]
struct Host {
    limit: u32,
    used: u32,
    reset: i64,
    still_until: i64,
}

struct World {
    now: i64,
    desk: Desk,
    hosts: [Host; BUCKETS],
    /// Under way: the lease, its bucket, and when it left.
    flights: Vec<(Ticket, usize, i64)>,
    /// Waiting: plan, whether only the first bucket will do, and the number at the desk.
    asks: BTreeMap<Ask, (u8, bool)>,
}

impl World {
    fn new(limits: [u32; BUCKETS]) -> Self {
        let mut world = Self {
            now: 0,
            desk: Desk::new(Sharing::Alone),
            hosts: limits.map(|limit| Host {
                limit,
                used: 0,
                reset: WINDOW,
                still_until: 0,
            }),
            flights: Vec::new(),
            asks: BTreeMap::new(),
        };
        for bucket in 0..BUCKETS {
            world.learn(bucket);
        }
        world
    }

    fn key(bucket: usize) -> BucketKey {
        // A host each, so that two that ask to slow down do not mean the address.
        BucketKey {
            host: format!("git-{bucket}.test"),
            subject: Subject::User(1),
        }
    }

    fn reading(&self, bucket: usize) -> Reading {
        let host = self.hosts[bucket];
        Reading {
            limit: host.limit,
            remaining: host.limit - host.used,
            reset_at: at(host.reset),
        }
    }

    fn learn(&mut self, bucket: usize) {
        self.roll(bucket);
        let (key, reading, now) = (Self::key(bucket), self.reading(bucket), at(self.now));
        self.desk.change(&key, |ledger| {
            let terms = crate::Terms {
                window: chrono::TimeDelta::seconds(WINDOW),
                ..crate::Terms::GITHUB
            };
            ledger.agree(&key, terms);
            ledger.learn(&key, &Resource::core(), reading, now);
        });
    }

    fn roll(&mut self, bucket: usize) {
        let host = &mut self.hosts[bucket];
        if host.reset <= self.now {
            host.used = 0;
            host.reset = self.now + WINDOW;
        }
    }

    fn ask(&mut self, plan: u8, scarce: bool) {
        let ids =
            (0..if scarce { 1 } else { BUCKETS }).map(|bucket| self.desk.id(&Self::key(bucket)));
        let ids = ids.collect();
        let options = self.desk.options(ids);
        let claim = claim(u128::from(plan % 2), u128::from(plan));
        let ask = self.desk.ask(
            claim,
            options,
            &Demand::rest("issues"),
            u32::from(plan),
            None,
        );
        self.asks.insert(ask, (plan, scarce));
    }

    fn decide(&mut self) -> bool {
        let Some(decision) = self.desk.decide(at(self.now)) else {
            return false;
        };
        assert!(
            self.asks.remove(&decision.ask).is_some(),
            "only who waits is let go, once"
        );
        let key = self.desk.ledger().key(decision.bucket).unwrap();
        let bucket = (0..BUCKETS)
            .find(|bucket| Self::key(*bucket) == *key)
            .unwrap();
        assert!(
            self.hosts[bucket].still_until <= self.now,
            "it was asked to slow down"
        );
        // It reaches the host at once; the answer may be long on its way.
        self.roll(bucket);
        let host = &mut self.hosts[bucket];
        assert!(host.used < host.limit, "the host had to refuse");
        host.used += 1;
        self.flights.push((decision.ticket, bucket, self.now));
        true
    }

    fn settle(&mut self, which: usize, reading: bool, outcome: Outcome) {
        let (ticket, bucket, _) = self.flights.remove(which);
        let settlement = Settlement {
            cost: None,
            reading: reading.then(|| (Resource::core(), self.reading(bucket))),
            outcome,
        };
        assert!(
            self.desk
                .settle(ticket, settlement.clone(), at(self.now))
                .is_some()
        );
        assert!(
            self.desk.settle(ticket, settlement, at(self.now)).is_none(),
            "once"
        );
    }

    /// Whether the host was heard in the window that is running. What it charged before that, nobody can know.
    fn is_heard(&self, bucket: usize) -> bool {
        let key = Self::key(bucket);
        let mut known = self.desk.ledger().known(at(self.now));
        let reading = known
            .find(|known| *known.key == key)
            .and_then(|known| known.reading);
        reading.is_some_and(|reading| at(self.now) <= reading.reset_at)
    }

    fn restart(&mut self) {
        while let Some(which) = self
            .flights
            .iter()
            .position(|(_, bucket, _)| !self.is_heard(*bucket))
        {
            self.settle(which, true, Outcome::Served);
        }
        let now = at(self.now);
        let known: Vec<_> = self
            .desk
            .ledger()
            .known(now)
            .map(|known| {
                // What is leased may have been spent: that much is written down beforehand.
                let reading = known.reading.map(|reading| Reading {
                    remaining: reading.remaining.saturating_sub(known.outstanding),
                    ..reading
                });
                let backoff = known
                    .backoff
                    .map(|(until, reason)| (until, reason.to_owned()));
                (known.key.clone(), known.resource.clone(), reading, backoff)
            })
            .collect();
        self.desk = Desk::new(Sharing::Alone);
        self.flights.clear();
        for (key, resource, reading, backoff) in known {
            self.desk.change(&key, |ledger| {
                let terms = crate::Terms {
                    window: chrono::TimeDelta::seconds(WINDOW),
                    ..crate::Terms::GITHUB
                };
                ledger.agree(&key, terms);
                let backoff = backoff
                    .as_ref()
                    .map(|(until, reason)| (*until, reason.as_str()));
                ledger.restore(&key, &resource, reading, backoff, now);
            });
        }
        for (plan, scarce) in std::mem::take(&mut self.asks).into_values() {
            self.ask(plan, scarce);
        }
    }

    fn run(&mut self, step: &Step) {
        let flights = self.flights.len();
        match step {
            Step::Ask { plan, scarce } => self.ask(*plan, *scarce),
            Step::Decide => {
                self.decide();
            }
            Step::Answer { .. } | Step::Lose { .. } | Step::SlowDown { .. } if flights == 0 => {}
            Step::Answer { which } => self.settle(which.index(flights), true, Outcome::Served),
            Step::Lose { which } => {
                let which = which.index(flights);
                let is_heard = self.is_heard(self.flights[which].1);
                self.settle(which, !is_heard, Outcome::Lost);
            }
            Step::SlowDown { which, retry_after } => {
                let which = which.index(flights);
                let (_, bucket, _) = self.flights[which];
                let wait = retry_after.unwrap_or(60);
                self.hosts[bucket].still_until =
                    self.hosts[bucket].still_until.max(self.now + wait);
                let outcome = Outcome::SlowDown {
                    retry_after: retry_after.map(chrono::TimeDelta::seconds),
                    reason: "slow".to_owned(),
                };
                let is_heard = self.is_heard(bucket);
                self.settle(which, !is_heard, outcome);
            }
            Step::Tick { seconds } => self.now += seconds,
            Step::Restart => self.restart(),
        }
    }

    /// Whoever waits is let go, if only answers come and time passes.
    fn nobody_starves(&mut self) {
        for _ in 0..2_000 {
            while self.decide() {}
            while !self.flights.is_empty() {
                self.settle(0, true, Outcome::Served);
            }
            if self.asks.is_empty() {
                return;
            }
            self.now += 30;
        }
        panic!("{} wait for ever", self.asks.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_host_refuses_and_nobody_starves(
        limits in [3..30_u32, 3..30_u32, 3..30_u32],
        steps in prop::collection::vec(step(), 1..250),
    ) {
        let mut world = World::new(limits);
        for step in &steps {
            world.run(step);
        }
        world.nobody_starves();
    }
}
