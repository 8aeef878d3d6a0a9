//! Faults to order: which requests they hit, and what happens to those.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use answers::{is_limit, replacement};
pub(crate) use body::apply;
pub(crate) use book::{FaultBook, Target};

use crate::control::Mutation;
use crate::state::Simulator;

mod answers;
mod body;
mod book;

/// A fault, and the requests it is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method; any when absent.
    #[serde(default)]
    pub method: Option<String>,
    /// The path below the API's root (`/repos/acme/*/issues`, `/graphql`), or below the host for git, LFS
    /// and downloads (`/acme/*.git/*`, `/assets/*`). `*` stands for any characters.
    pub path: String,
    /// Only requests of this user.
    #[serde(default)]
    pub login: Option<String>,
    /// How many matching requests pass unharmed first.
    #[serde(default)]
    pub after: u64,
    /// How many are hit then; all when absent.
    #[serde(default)]
    pub count: Option<u64>,
    /// The chance of each to be hit; all when absent.
    #[serde(default)]
    pub probability: Option<f64>,
    /// What happens.
    pub effect: Effect,
}

impl Fault {
    /// A fault that hits every request to a path.
    pub fn new(path: &str, effect: Effect) -> Self {
        Self {
            method: None,
            path: path.to_owned(),
            login: None,
            after: 0,
            count: None,
            probability: None,
            effect,
        }
    }

    /// The same, hitting only so many requests.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// The same, letting so many requests pass first.
    #[must_use]
    pub fn after(mut self, passed: u64) -> Self {
        self.after = passed;
        self
    }

    /// The same, for one user's requests only.
    #[must_use]
    pub fn of(mut self, login: &str) -> Self {
        self.login = Some(login.to_owned());
        self
    }
}

/// What happens to a request that is hit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// An error with GitHub's body for it.
    Status {
        /// The status code.
        status: u16,
    },
    /// A secondary limit.
    SecondaryLimit {
        /// 403 or 429.
        #[serde(default = "forbidden")]
        status: u16,
        /// Seconds of `retry-after`.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// A primary limit, whatever the counter says.
    PrimaryLimit {
        /// 403 or 429.
        #[serde(default = "forbidden")]
        status: u16,
        /// Seconds until the reset in the headers.
        #[serde(default = "minute")]
        reset_in: i64,
    },
    /// 401, the token is not known.
    BadCredentials,
    /// 403, the token may not.
    ResourceNotAccessible,
    /// 403, the token has no single sign-on.
    SsoRequired,
    /// 403, the address is not on the list.
    IpAllowList,
    /// 403, the organization refuses classic tokens.
    ClassicTokensForbidden,
    /// 451 or 403 with a `block` object.
    Blocked {
        /// `dmca` (451), or `tos` and `unavailable` (403).
        reason: String,
    },
    /// A page where JSON should be.
    Html {
        /// The status code.
        status: u16,
    },
    /// The right answer of GraphQL with its last top-level field null and an error beside it.
    Partial {
        /// GitHub's word, such as `FORBIDDEN` or `RESOURCE_LIMITS_EXCEEDED`.
        error: String,
        /// What it says.
        message: String,
    },
    /// The right answer, cut off.
    Cut {
        /// How.
        how: Cut,
    },
    /// The right answer, late.
    Latency {
        /// By how much.
        milliseconds: u64,
    },
    /// The right answer, its body in pieces with a pause after each.
    SlowBody {
        /// How many pieces.
        pieces: usize,
        /// The pause after each.
        milliseconds: u64,
    },
    /// The right answer, after something changed in the world.
    Mutate {
        /// What.
        mutation: Mutation,
    },
}

/// How an answer is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// The full length is declared, half is sent, the connection closes.
    Declared,
    /// No length is declared, half is sent in chunks, the connection closes without the last chunk.
    Chunked,
    /// Half is sent as if it were all: only the content tells.
    Honest,
    /// The headers are sent, the connection closes before the body.
    Reset,
}

fn forbidden() -> u16 {
    403
}

fn minute() -> i64 {
    60
}

/// Makes the change that an effect orders.
pub(crate) fn change_world(simulator: &Simulator, effect: &Effect) {
    if let Effect::Mutate { mutation } = effect
        && let Err(error) = mutation.apply(simulator)
    {
        tracing::warn!(%error, "an ordered mutation did not work");
    }
}

/// How much later the answer comes.
pub(crate) fn delay(effect: &Effect) -> Duration {
    match effect {
        Effect::Latency { milliseconds } => Duration::from_millis(*milliseconds),
        _ => Duration::ZERO,
    }
}
