//! Policies that others have, for the comparison alone: as many requests as the product sends, by sixteen threads.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::{Measured, ORGANIZATION, REPOSITORIES, repository};
use crate::simulator::Simulator;

const THREADS: usize = 16;

/// How a token is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// One after the other, whatever they have left.
    RoundRobin,
    /// The first that was not seen to be empty.
    FirstNonEmpty,
    /// Any.
    Random,
}

impl Policy {
    pub(super) const ALL: [Self; 3] = [Self::RoundRobin, Self::FirstNonEmpty, Self::Random];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::FirstNonEmpty => "first_non_empty",
            Self::Random => "random",
        }
    }
}

/// What is known of one token: when it will have something again.
struct Token {
    secret: String,
    empty_until: u64,
}

struct Client {
    policy: Policy,
    api: String,
    tokens: Vec<Token>,
    next: usize,
    left: u64,
    sent: u32,
    random: fastrand::Rng,
}

/// Sends so many requests, each until it is answered well.
pub(super) fn measure(policy: Policy, simulator: &Simulator, requests: u64) -> Result<Measured> {
    let tokens = simulator
        .users()
        .iter()
        .map(|user| {
            Ok(Token {
                secret: std::fs::read_to_string(&user.token_file)?.trim().to_owned(),
                empty_until: 0,
            })
        })
        .collect::<Result<_>>()?;
    let client = Mutex::new(Client {
        policy,
        api: format!("{}/api/v3", simulator.web().trim_end_matches('/')),
        tokens,
        next: 0,
        left: requests,
        sent: 0,
        random: fastrand::Rng::with_seed(1),
    });
    simulator.reset_statistics()?;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| work(&client)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().ok().context("a thread panicked")?)
    })?;
    Measured::of(simulator, start.elapsed().as_secs_f64())
}

fn work(client: &Mutex<Client>) -> Result<()> {
    let lock = || client.lock().unwrap_or_else(PoisonError::into_inner);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    loop {
        let Some(url) = lock().take() else {
            return Ok(());
        };
        loop {
            let (token, secret, wait) = lock().choose();
            // A client that waits for a reset sleeps: that is what is measured.
            std::thread::park_timeout(wait);
            let answer = agent
                .get(&url)
                .header("authorization", format!("Bearer {secret}"))
                .call()?;
            let number = |name: &str| {
                answer
                    .headers()
                    .get(name)?
                    .to_str()
                    .ok()?
                    .parse::<u64>()
                    .ok()
            };
            let is_empty = number("x-ratelimit-remaining") == Some(0);
            let is_refused = matches!(answer.status().as_u16(), 403 | 429);
            lock().learn(
                token,
                number("x-ratelimit-reset").filter(|_| is_empty || is_refused),
            );
            if !is_refused {
                break;
            }
        }
    }
}

impl Client {
    /// The next address; nothing if enough was sent.
    fn take(&mut self) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        let name = repository(self.sent % REPOSITORIES);
        let list = ["issues", "labels", "milestones", "pulls"]
            .get((self.sent / REPOSITORIES % 4) as usize)?;
        self.sent += 1;
        Some(format!(
            "{}/repos/{ORGANIZATION}/{name}/{list}?per_page=100",
            self.api
        ))
    }

    /// A token, and how long to wait before it is used.
    fn choose(&mut self) -> (usize, String, Duration) {
        let now = seconds();
        let count = self.tokens.len().max(1);
        let index = match self.policy {
            Policy::RoundRobin => {
                self.next = (self.next + 1) % count;
                self.next
            }
            Policy::Random => self.random.usize(..count),
            Policy::FirstNonEmpty => {
                let first = self
                    .tokens
                    .iter()
                    .position(|token| token.empty_until <= now);
                let soonest = || {
                    let tokens = self.tokens.iter().enumerate();
                    tokens
                        .min_by_key(|(_, token)| token.empty_until)
                        .map(|(index, _)| index)
                };
                first.or_else(soonest).unwrap_or_default()
            }
        };
        let Some(token) = self.tokens.get(index) else {
            return (index, String::new(), Duration::ZERO);
        };
        let wait = Duration::from_secs(token.empty_until.saturating_sub(now));
        (index, token.secret.clone(), wait)
    }

    fn learn(&mut self, token: usize, empty_until: Option<u64>) {
        if let (Some(token), Some(until)) = (self.tokens.get_mut(token), empty_until) {
            token.empty_until = until;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the host's resets are compared with the system's clock"
)]
fn seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
