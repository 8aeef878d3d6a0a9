//! A host that counts, processes that spend, and the table through which they share: whatever happens in whatever
//! order, the host never has to refuse, and the reserve stays.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const WINDOW: i64 = 600;

/// One bucket of a host, counting as GitHub does: a window begins with its first request.
struct Host {
    limit: u32,
    remaining: u32,
    reset: Option<i64>,
}

impl Host {
    fn serve(&mut self, cost: u32, jitter: i64, now: i64) -> Reading {
        if self.reset.is_none_or(|reset| reset <= now) {
            self.remaining = self.limit;
            self.reset = Some(now + WINDOW);
        }
        assert!(self.remaining >= cost, "the host had to refuse");
        self.remaining -= cost;
        Reading {
            limit: self.limit,
            remaining: self.remaining,
            reset_at: at(self.reset.unwrap() + jitter),
        }
    }
}

/// What the processes know together, as a table would keep it.
#[derive(Default)]
struct Table {
    reading: Option<Reading>,
    granted: Vec<u32>,
}

impl Table {
    fn exchange(&mut self, who: usize, exchange: &Exchange, now: DateTime<Utc>) -> Grant {
        if let Some(told) = exchange.reading {
            self.reading = Some(match self.reading {
                Some(known) if (known.reset_at - told.reset_at).abs() <= TimeDelta::seconds(5) => {
                    Reading {
                        remaining: known.remaining.min(told.remaining),
                        ..known
                    }
                }
                Some(known) if known.reset_at > told.reset_at => known,
                Some(_) | None => told,
            });
        }
        let share = &mut self.granted[who];
        *share = if exchange.returned {
            0
        } else {
            share.saturating_sub(exchange.spent)
        };
        let is_running = self
            .reading
            .is_some_and(|reading| now <= reading.reset_at + TimeDelta::seconds(1));
        let available = self.reading.map_or(0, |reading| {
            let remaining = if is_running {
                reading.remaining
            } else {
                reading.limit
            };
            let reserve = (reading.limit * u32::from(exchange.reserve_percent)).div_ceil(100);
            remaining
                .saturating_sub(reserve)
                .saturating_sub(self.granted.iter().sum())
        });
        let granted = exchange.want.min(available);
        self.granted[who] += granted;
        Grant {
            key: exchange.key.clone(),
            resource: exchange.resource.clone(),
            granted,
            reading: self.reading,
            backoff: exchange.backoff.clone(),
            sharers: 2,
            others: None,
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Lease {
        who: Index,
        points: u32,
    },
    Arrive {
        which: Index,
        discount: u32,
        jitter: i64,
    },
    Return {
        which: Index,
    },
    Lose {
        which: Index,
    },
    Tick {
        seconds: i64,
    },
    Take {
        who: Index,
    },
    Apply {
        who: Index,
    },
    Fail {
        who: Index,
        was_taken_in: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    prop_oneof![
        6 => (index(), 1..4_u32).prop_map(|(who, points)| Step::Lease { who, points }),
        5 => (index(), 0..3_u32, -1..=1_i64).prop_map(|(which, discount, jitter)| Step::Arrive { which, discount, jitter }),
        5 => index().prop_map(|which| Step::Return { which }),
        1 => index().prop_map(|which| Step::Lose { which }),
        2 => (0..4_i64).prop_map(|seconds| Step::Tick { seconds }),
        1 => (0..WINDOW).prop_map(|seconds| Step::Tick { seconds }),
        4 => index().prop_map(|who| Step::Take { who }),
        4 => index().prop_map(|who| Step::Apply { who }),
        1 => (index(), any::<bool>()).prop_map(|(who, was_taken_in)| Step::Fail { who, was_taken_in }),
    ]
}

struct Flight {
    who: usize,
    ticket: Ticket,
    points: u32,
    answer: Option<(u32, Reading)>,
}

struct World {
    now: i64,
    host: Host,
    table: Table,
    ledgers: Vec<Ledger>,
    flights: Vec<Flight>,
    exchanges: Vec<Option<Vec<Exchange>>>,
}

impl World {
    fn new(processes: usize, sharing: Sharing, limit: u32, reserve_percent: u8) -> Self {
        let mut host = Host {
            limit,
            remaining: limit,
            reset: None,
        };
        let mut ledger = Ledger::new(sharing);
        ledger.open(&key(1), reserve_percent);
        // Processes that share ask their hosts before they begin; one that is alone may find out by its first request.
        if sharing == Sharing::Shared {
            let reading = host.serve(0, 0, 0);
            ledger.learn(&key(1), &Resource::core(), reading, at(0));
        }
        Self {
            now: 0,
            host,
            table: Table {
                reading: None,
                granted: vec![0; processes],
            },
            ledgers: vec![ledger; processes],
            flights: Vec::new(),
            exchanges: vec![None; processes],
        }
    }

    fn demand(points: u32) -> Demand {
        Demand {
            points,
            ..Demand::rest("issues")
        }
    }

    fn lease(&mut self, who: usize, points: u32) -> bool {
        let leased = lease(
            &mut self.ledgers[who],
            1,
            &Self::demand(points),
            at(self.now),
        );
        let is_leased = leased.is_ok();
        self.flights.extend(leased.ok().map(|ticket| Flight {
            who,
            ticket,
            points,
            answer: None,
        }));
        is_leased
    }

    fn arrive(&mut self, which: usize, discount: u32, jitter: i64) {
        let flight = &mut self.flights[which];
        if flight.answer.is_none() {
            let cost = flight.points.saturating_sub(discount);
            flight.answer = Some((cost, self.host.serve(cost, jitter, self.now)));
        }
    }

    fn settle(&mut self, which: usize, is_lost: bool) {
        let Flight {
            who,
            ticket,
            answer,
            ..
        } = self.flights.remove(which);
        let settlement = match answer.filter(|_| !is_lost) {
            None => Settlement::lost(),
            Some((cost, reading)) => Settlement {
                cost: Some(cost),
                ..core(reading)
            },
        };
        assert!(
            self.ledgers[who]
                .settle(ticket, settlement, at(self.now))
                .is_some()
        );
    }

    fn is_heard(&self, who: usize) -> bool {
        let reading = self.ledgers[who]
            .known(at(self.now))
            .next()
            .and_then(|known| known.reading);
        reading.is_some_and(|reading| reading.reset_at + TimeDelta::seconds(1) > at(self.now))
    }

    fn take(&mut self, who: usize) {
        if self.exchanges[who].is_none() {
            self.exchanges[who] = Some(self.ledgers[who].draw(at(self.now)));
        }
    }

    fn close(&mut self, who: usize, is_told: bool, is_taken_in: bool) {
        for exchange in self.exchanges[who].take().into_iter().flatten() {
            let now = at(self.now);
            let grant = is_taken_in.then(|| self.table.exchange(who, &exchange, now));
            match grant.filter(|_| is_told) {
                Some(grant) => self.ledgers[who].grant(&grant, now),
                None => self.ledgers[who].undo(&exchange, now),
            }
        }
    }

    fn run(&mut self, step: &Step) {
        let processes = self.ledgers.len();
        let flights = self.flights.len();
        match step {
            Step::Lease { who, points } => {
                self.lease(who.index(processes), *points);
            }
            Step::Arrive { .. } | Step::Return { .. } | Step::Lose { .. } if flights == 0 => {}
            Step::Arrive {
                which,
                discount,
                jitter,
            } => self.arrive(which.index(flights), *discount, *jitter),
            Step::Return { which } => {
                let which = which.index(flights);
                self.arrive(which, 0, 0);
                self.settle(which, false);
            }
            Step::Lose { which } => {
                let which = which.index(flights);
                // What a host charged before it was ever heard in a window, nobody can know.
                let is_heard = self.is_heard(self.flights[which].who);
                self.arrive(which, 0, 0);
                self.settle(which, is_heard);
            }
            Step::Tick { seconds } => self.now += seconds,
            Step::Take { who } => self.take(who.index(processes)),
            Step::Apply { who } => self.close(who.index(processes), true, true),
            Step::Fail { who, was_taken_in } => {
                self.close(who.index(processes), false, *was_taken_in);
            }
        }
    }

    /// Everything under way comes home, and the window ends: somebody can go on.
    fn must_go_on(&mut self) {
        while !self.flights.is_empty() {
            self.arrive(0, 0, 0);
            self.settle(0, false);
        }
        self.now += 2 * WINDOW;
        let can_go = (0..60).any(|_| {
            self.now += 1;
            (0..self.ledgers.len()).any(|who| {
                let is_leased = self.lease(who, 1);
                self.take(who);
                self.close(who, true, true);
                is_leased
            })
        });
        assert!(can_go, "nobody can go on");
    }
}

fn play(mut world: World, reserve: u32, steps: &[Step]) {
    for step in steps {
        world.run(step);
        assert!(world.host.remaining >= reserve, "the reserve was touched");
    }
    world.must_go_on();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn alone_the_host_never_refuses(limit in 10..40_u32, percent in 0..30_u8, steps in prop::collection::vec(step(), 1..200)) {
        let reserve = (limit * u32::from(percent)).div_ceil(100);
        play(World::new(1, Sharing::Alone, limit, percent), reserve, &steps);
    }

    #[test]
    fn together_the_host_never_refuses(limit in 10..60_u32, percent in 0..30_u8, steps in prop::collection::vec(step(), 1..300)) {
        let reserve = (limit * u32::from(percent)).div_ceil(100);
        play(World::new(2, Sharing::Shared, limit, percent), reserve, &steps);
    }
}
