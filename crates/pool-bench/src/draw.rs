//! Everything random in a scenario, from its seed alone.

use crate::scenario::{Latency, Pareto, Requests, Scenario, Sees};
use crate::time::{Micros, micros};

/// The 95th percentile of the standard normal distribution.
const P95: f64 = 1.644_853_627;

/// What each repository takes.
pub(crate) fn sizes(scenario: &Scenario) -> Vec<u32> {
    match &scenario.repositories.requests {
        Requests::These(list) => list.clone(),
        Requests::Drawn(drawn) => {
            let mut random = fastrand::Rng::with_seed(scenario.seed ^ 0x5ca1_ab1e);
            (0..scenario.count())
                .map(|_| pareto(drawn.pareto, random.f64()))
                .collect()
        }
    }
}

/// A bounded Pareto distribution, by inversion.
fn pareto(of: Pareto, uniform: f64) -> u32 {
    let tail = (of.min / of.max).powf(of.alpha);
    (of.min / (1.0 - uniform * (1.0 - tail)).powf(1.0 / of.alpha)).round() as u32
}

/// Whether a credential sees a repository.
pub(crate) fn sees(seed: u64, credential: &str, sees: &Sees, index: usize) -> bool {
    match sees {
        Sees::These(list) => list.contains(&index),
        Sees::Share(share) => {
            let mut hash = seed ^ 0xcbf2_9ce4_8422_2325;
            for byte in credential.bytes().chain((index as u64).to_le_bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            fastrand::Rng::with_seed(hash).f64() < *share
        }
    }
}

/// Log-normal times.
#[derive(Debug)]
pub(crate) struct Latencies {
    random: fastrand::Rng,
    median: f64,
    sigma: f64,
}

impl Latencies {
    pub(crate) fn new(of: Latency, seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed ^ 0x1a7e_9c1e),
            median: of.median,
            sigma: (of.p95 / of.median).ln() / P95,
        }
    }

    pub(crate) fn next(&mut self, factor: f64) -> Micros {
        let (one, other) = (1.0 - self.random.f64(), self.random.f64());
        let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
        micros(self.median * (self.sigma * normal).exp() * factor).max(1)
    }

    /// Between minus and plus a number of seconds.
    pub(crate) fn wobble(&mut self, seconds: f64) -> Micros {
        micros((self.random.f64() * 2.0 - 1.0) * seconds)
    }

    /// The mean of a log-normal distribution, in seconds.
    pub(crate) fn mean(&self) -> f64 {
        self.median * (self.sigma * self.sigma / 2.0).exp()
    }
}
