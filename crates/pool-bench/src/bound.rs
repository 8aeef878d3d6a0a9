//! The lower bound, computed apart from the policy: the earliest time by which some assignment of requests to buckets keeps to
//! quota, pace, reserve, access and the lives of credentials.
//!
//! Bisection over time; at each time a maximum flow from groups of repositories with equal access to buckets, by breadth-first
//! augmenting paths. A bucket accepts in each of its windows at most what the window holds (less the reserve and what
//! somebody else spends of it) and no more than its pace allows within the window: quota does not gather, and an hour's quota is
//! not sent in a second.

use std::collections::{BTreeMap, VecDeque};

use crate::draw::{self, Latencies};
use crate::scenario::{Bucket, Scenario, What};
use crate::time::{Micros, micros, seconds};

/// Looked for to the millisecond.
const EXACT: Micros = 1_000;

/// When a credential may be used.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Life {
    from: f64,
    until: f64,
}

/// Repositories that start together and may use the same buckets at the same times.
#[derive(Debug)]
struct Group {
    requests: u64,
    starts: f64,
    /// By bucket: when some credential that sees them may use it.
    edges: Vec<(usize, Life)>,
}

/// The earliest time, in seconds, by which the works that are counted can have been sent.
pub(crate) fn lower_bound(scenario: &Scenario, counted: &[bool]) -> f64 {
    let groups = groups(scenario, counted);
    let rates: Vec<f64> = scenario
        .buckets
        .iter()
        .map(|bucket| rate(scenario, bucket))
        .collect();
    let mut high = EXACT;
    while !is_enough(scenario, &groups, &rates, seconds(high)) {
        high *= 2;
        if high > micros(1e9) {
            return f64::INFINITY;
        }
    }
    let mut low = high / 2;
    while high - low > EXACT {
        let middle = low + (high - low) / 2;
        if is_enough(scenario, &groups, &rates, seconds(middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    let by_quota = if groups.is_empty() {
        0.0
    } else {
        seconds(high)
    };
    by_quota.max(longest(scenario, counted))
}

/// The largest repository takes its rounds of requests one after the other.
fn longest(scenario: &Scenario, counted: &[bool]) -> f64 {
    let mut longest: f64 = 0.0;
    for_each_work(scenario, |work, plan, _, size| {
        if counted[work] && size > 0 {
            let rounds = f64::from(size.div_ceil(scenario.repositories.parallel));
            longest =
                longest.max(scenario.plans[plan].starts_at_s + rounds * scenario.latency.median);
        }
    });
    longest
}

fn for_each_work(scenario: &Scenario, mut each: impl FnMut(usize, usize, usize, u32)) {
    let sizes = draw::sizes(scenario);
    let mut work = 0;
    for (plan, of) in scenario.plans.iter().enumerate() {
        let (from, to) = of.repositories.unwrap_or((0, sizes.len()));
        for (repository, size) in sizes.iter().enumerate().take(to).skip(from) {
            each(work, plan, repository, *size);
            work += 1;
        }
    }
}

fn groups(scenario: &Scenario, counted: &[bool]) -> Vec<Group> {
    let lives: Vec<Vec<Life>> = scenario
        .credentials
        .iter()
        .map(|credential| lives(scenario, &credential.id))
        .collect();
    let mut by_access: BTreeMap<(usize, Vec<bool>), u64> = BTreeMap::new();
    for_each_work(scenario, |work, plan, repository, size| {
        if !counted[work] || size == 0 {
            return;
        }
        let may_use = |credential: &crate::scenario::Credential| {
            let is_in = scenario.plans[plan]
                .credentials
                .as_ref()
                .is_none_or(|list| list.contains(&credential.id));
            is_in && draw::sees(scenario.seed, &credential.id, &credential.sees, repository)
        };
        let access = scenario.credentials.iter().map(may_use).collect();
        *by_access.entry((plan, access)).or_default() += u64::from(size);
    });
    let group = |((plan, access), requests): ((usize, Vec<bool>), u64)| {
        let mut edges: BTreeMap<usize, Life> = BTreeMap::new();
        for (index, credential) in scenario
            .credentials
            .iter()
            .enumerate()
            .filter(|(index, _)| access[*index])
        {
            let bucket = scenario
                .buckets
                .iter()
                .position(|bucket| bucket.id == credential.bucket);
            for life in &lives[index] {
                let Some(bucket) = bucket else { continue };
                // Between two lives nothing is accepted; that the bound allows it makes it no greater.
                let known = edges.entry(bucket).or_insert(*life);
                known.from = known.from.min(life.from);
                known.until = known.until.max(life.until);
            }
        }
        Group {
            requests,
            starts: scenario.plans[plan].starts_at_s,
            edges: edges.into_iter().collect(),
        }
    };
    by_access.into_iter().map(group).collect()
}

/// The spans in which a credential is alive.
fn lives(scenario: &Scenario, id: &str) -> Vec<Life> {
    let changes: Vec<(f64, bool)> = scenario
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Add(named) if named == id => Some((event.at_s, true)),
            What::Revoke(named) | What::Remove(named) if named == id => Some((event.at_s, false)),
            _ => None,
        })
        .collect();
    let mut lives = Vec::new();
    let mut since = changes
        .first()
        .is_none_or(|(_, is_addition)| !is_addition)
        .then_some(0.0);
    for (at, is_addition) in changes {
        match (since, is_addition) {
            (None, true) => since = Some(at),
            (Some(from), false) => {
                lives.push(Life { from, until: at });
                since = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    lives.extend(since.map(|from| Life {
        from,
        until: f64::INFINITY,
    }));
    lives
}

/// Requests a second that a bucket can accept.
fn rate(scenario: &Scenario, bucket: &Bucket) -> f64 {
    let mean = Latencies::new(scenario.latency, 0).mean();
    let by_points = f64::from(bucket.secondary.points_per_minute) / 60.0;
    by_points.min(f64::from(bucket.secondary.concurrency) / mean)
}

/// What a bucket accepts from one time to another.
fn accepted(bucket: &Bucket, rate: f64, from: f64, until: f64) -> f64 {
    if until <= from {
        return 0.0;
    }
    let others = |span: f64| bucket.others_per_hour * span / 3_600.0;
    let usable = f64::from(bucket.limit) * (1.0 - bucket.reserve);
    let (first_end, first_holds) = match (bucket.aligned, bucket.resets_in_s) {
        (true, _) => (bucket.window_s, usable - others(bucket.window_s)),
        (false, Some(end)) => (end, usable - others(end)),
        // The window begins with the first request, which is sent at once.
        (false, None) => (from + bucket.window_s, usable - others(bucket.window_s)),
    };
    let mut sum = 0.0;
    let (mut begin, mut end, mut holds) =
        (0.0_f64, first_end, first_holds - f64::from(bucket.used));
    loop {
        let span = end.min(until) - begin.max(from);
        if span > 0.0 {
            sum += holds.max(0.0).min(rate * span);
        }
        if end >= until {
            return sum;
        }
        (begin, end, holds) = (end, end + bucket.window_s, usable - others(bucket.window_s));
    }
}

/// Whether everything can have been sent by a time.
fn is_enough(scenario: &Scenario, groups: &[Group], rates: &[f64], time: f64) -> bool {
    let whole = |requests: f64| (requests + 1e-6).floor().max(0.0) as u64;
    let capacity = |bucket: usize, from: f64, until: f64| {
        whole(accepted(
            &scenario.buckets[bucket],
            rates[bucket],
            from,
            until.min(time),
        ))
    };
    let room: Vec<u64> = (0..scenario.buckets.len())
        .map(|bucket| {
            let lives = groups
                .iter()
                .flat_map(|group| &group.edges)
                .filter(|(used, _)| *used == bucket);
            let (mut from, mut until) = (f64::INFINITY, 0.0_f64);
            for (_, life) in lives {
                from = from.min(life.from);
                until = until.max(life.until);
            }
            capacity(bucket, from, until)
        })
        .collect();
    let edges: Vec<Vec<(usize, u64)>> = groups
        .iter()
        .map(|group| {
            let edge = |(bucket, life): &(usize, Life)| {
                // Before the plan starts nothing of it can be sent, however much the bucket holds.
                let span = (life.until.min(time) - life.from.max(group.starts)).max(0.0);
                let most =
                    capacity(*bucket, life.from, life.until).min(whole(rates[*bucket] * span));
                (*bucket, most)
            };
            group.edges.iter().map(edge).collect()
        })
        .collect();
    let demands: Vec<u64> = groups.iter().map(|group| group.requests).collect();
    is_met(&demands, &edges, room)
}

/// Whether demands fit, by augmenting paths.
fn is_met(demands: &[u64], edges: &[Vec<(usize, u64)>], mut room: Vec<u64>) -> bool {
    let mut flows: Vec<Vec<u64>> = edges.iter().map(|edges| vec![0; edges.len()]).collect();
    for (demand, requests) in demands.iter().enumerate() {
        let mut left = *requests;
        while left > 0 {
            let Some(pushed) = augment(demand, left, edges, &mut flows, &mut room) else {
                return false;
            };
            left -= pushed;
        }
    }
    true
}

/// Pushes along the shortest path from a demand to a bucket with room; answers how much.
fn augment(
    from: usize,
    most: u64,
    edges: &[Vec<(usize, u64)>],
    flows: &mut [Vec<u64>],
    room: &mut [u64],
) -> Option<u64> {
    // By bucket: the demand and edge that it was reached by. By demand: the edge over which it gives way.
    let mut reached: Vec<Option<(usize, usize)>> = vec![None; room.len()];
    let mut gives_way: Vec<Option<usize>> = vec![None; edges.len()];
    let mut open = VecDeque::from([from]);
    let mut end = None;
    'search: while let Some(demand) = open.pop_front() {
        for (edge, (bucket, capacity)) in edges[demand].iter().enumerate() {
            if reached[*bucket].is_some() || flows[demand][edge] >= *capacity {
                continue;
            }
            reached[*bucket] = Some((demand, edge));
            if room[*bucket] > 0 {
                end = Some(*bucket);
                break 'search;
            }
            for (other, theirs) in edges.iter().enumerate() {
                let used = theirs.iter().position(|(used, _)| used == bucket);
                if let Some(edge) = used.filter(|edge| flows[other][*edge] > 0)
                    && other != from
                    && gives_way[other].is_none()
                {
                    gives_way[other] = Some(edge);
                    open.push_back(other);
                }
            }
        }
    }
    let end = end?;
    let mut path = Vec::new();
    let mut bucket = end;
    loop {
        let (demand, edge) = reached[bucket]?;
        path.push((demand, edge, true));
        if demand == from {
            break;
        }
        let back = gives_way[demand]?;
        path.push((demand, back, false));
        bucket = edges[demand][back].0;
    }
    let along = path.iter().map(|(demand, edge, is_forward)| {
        let flow = flows[*demand][*edge];
        if *is_forward {
            edges[*demand][*edge].1 - flow
        } else {
            flow
        }
    });
    let pushed = along.min()?.min(room[end]).min(most);
    for (demand, edge, is_forward) in path {
        let flow = &mut flows[demand][edge];
        *flow = if is_forward {
            *flow + pushed
        } else {
            *flow - pushed
        };
    }
    room[end] -= pushed;
    Some(pushed)
}

#[cfg(test)]
mod tests;
