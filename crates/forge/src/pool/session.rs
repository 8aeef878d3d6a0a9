//! What a pool remembers of one session.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use budget::{BucketId, Claim, Options};
use chrono::{DateTime, Utc};
use domain::{CredentialId, Resource};

use crate::Scope;
use crate::usage::{Choice, Spent, Usage};

/// One session: its scope, its credential of the moment, and what it spent.
#[derive(Debug)]
pub(crate) struct Session {
    /// [`domain::Host::authority`] of the host: a credential of another one must never be sent there.
    pub(crate) host: String,
    pub(crate) scope: Scope,
    /// For whom it asks.
    pub(crate) claim: Claim,
    /// Requests that its work takes, as far as is known: the larger goes first.
    pub(crate) size: u32,
    memory: Arc<Mutex<Memory>>,
    choices: Mutex<Option<Choices>>,
}

/// The credentials of a session that may be used, as long as nothing changes in the pool.
#[derive(Debug, Clone)]
pub(super) struct Choices {
    pub(super) generation: u64,
    pub(super) options: Options,
    /// One for each bucket, in the order of the scope.
    pub(super) credentials: Arc<BTreeMap<BucketId, CredentialId>>,
}

#[derive(Debug, Default)]
struct Memory {
    usage: Usage,
    current: BTreeMap<Resource, CredentialId>,
    git_refused: BTreeSet<CredentialId>,
}

impl Session {
    pub(crate) fn new(host: String, scope: Scope) -> Self {
        Self {
            host,
            scope,
            claim: Claim::of_nobody(),
            size: 0,
            memory: Arc::default(),
            choices: Mutex::default(),
        }
    }

    /// The same session among fewer credentials; what is spent is spent by both.
    pub(crate) fn among(&self, credentials: Vec<CredentialId>) -> Self {
        Self {
            host: self.host.clone(),
            scope: Scope {
                credentials,
                ..self.scope.clone()
            },
            claim: self.claim,
            size: self.size,
            memory: Arc::clone(&self.memory),
            choices: Mutex::default(),
        }
    }

    /// The same for a plan, about work of so many requests.
    pub(crate) fn claimed(self, claim: Claim, size: u32) -> Self {
        Self {
            claim,
            size,
            ..self
        }
    }

    /// Hands out what was spent and begins anew.
    pub(crate) fn take_usage(&self) -> Usage {
        std::mem::take(&mut self.memory().usage)
    }

    /// Books something for a credential, and for the budget that was drawn on.
    pub(crate) fn spend(
        &self,
        credential: CredentialId,
        resource: Option<&Resource>,
        book: impl Fn(&mut Spent),
    ) {
        let usage = &mut self.memory().usage;
        book(usage.credentials.entry(credential).or_default());
        if let Some(resource) = resource {
            let budget = (credential, resource.clone());
            book(usage.budgets.entry(budget).or_default());
        }
    }

    /// Books that a request begins to wait because every credential is spent.
    pub(crate) fn begin_wait(&self) {
        self.memory().usage.waits += 1;
    }

    /// Books a span of standing still for want of quota.
    pub(crate) fn stood_still(&self, from: DateTime<Utc>, until: DateTime<Utc>) {
        if from < until {
            self.memory().usage.throttled.push((from, until));
        }
    }

    /// The credential used last for a budget.
    pub(crate) fn current(&self, resource: &Resource) -> Option<CredentialId> {
        self.memory().current.get(resource).copied()
    }

    /// Remembers a change of credential and why it came to it.
    pub(crate) fn switch(&self, choice: Choice) {
        let mut memory = self.memory();
        memory
            .current
            .insert(choice.resource.clone(), choice.credential);
        memory.usage.choices.push(choice);
    }

    /// What may be chosen from, if it was found out in this state of the pool.
    pub(super) fn choices(&self, generation: u64) -> Option<Choices> {
        let choices = self
            .choices
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        choices.filter(|choices| choices.generation == generation)
    }

    /// Remembers what may be chosen from.
    pub(super) fn remember_choices(&self, choices: Choices) {
        *self.choices.lock().unwrap_or_else(PoisonError::into_inner) = Some(choices);
    }

    /// Git was refused with a credential.
    pub(crate) fn refuse_git(&self, credential: CredentialId) {
        self.memory().git_refused.insert(credential);
    }

    /// Whether git was refused with a credential.
    pub(crate) fn is_git_refused(&self, credential: CredentialId) -> bool {
        self.memory().git_refused.contains(&credential)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
