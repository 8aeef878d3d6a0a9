//! What a session spent, and why it spent it there.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{CredentialId, Resource};
use serde::{Deserialize, Serialize};

/// What a session spent since it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// By credential.
    pub credentials: BTreeMap<CredentialId, Spent>,
    /// The part of it that drew on a budget, by that too.
    pub budgets: BTreeMap<(CredentialId, Resource), Spent>,
    /// Requests that began to wait because every credential was spent.
    pub waits: u64,
    /// Spans of time in which a request stood still because every credential was spent.
    pub throttled: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// Every change from one credential to another, the first choice included.
    pub choices: Vec<Choice>,
}

impl Usage {
    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.credentials.is_empty()
            && self.waits == 0
            && self.throttled.is_empty()
            && self.choices.is_empty()
    }
}

/// What was spent with one credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Requests sent, repeated ones included.
    pub requests: u64,
    /// Requests that the host refused to this credential: limits, dead token, missing permission, policy.
    pub refused: u64,
    /// Answers that said "not modified".
    pub not_modified: u64,
    /// Quota charged: one a REST request, GraphQL points as the host counted them.
    pub points: u64,
}

/// Why a credential was chosen, and what became of the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// When.
    pub at: DateTime<Utc>,
    /// The one chosen.
    pub credential: CredentialId,
    /// The budget that the request draws on.
    pub resource: Resource,
    /// What the chosen one had left to spend, after leases outstanding and the reserve.
    pub remaining: u32,
    /// What a whole window of it holds, if that is known.
    pub limit: Option<u32>,
    /// When its window ends, if that is known.
    pub reset_at: Option<DateTime<Utc>>,
    /// The others: what each had left, if that is known, and why it was not chosen.
    pub runners_up: Vec<(CredentialId, Option<u32>, String)>,
    /// A sentence for a person.
    pub why: String,
    /// The one that had been used so far and why it could not go on; nothing for a first choice, or where it could.
    #[serde(default)]
    pub left: Option<(CredentialId, String)>,
}
