//! Sharing buckets with other processes: the courier's side of the pool.
//!
//! The courier loops: wait for [`Pool::exchange_wanted`], carry [`Pool::take_exchange`] to the others, bring the answer
//! to [`Pool::apply`], or say [`Pool::exchange_failed`]. It draws ahead of the need, so that requests rarely wait for it.

use std::time::Duration;

use budget::Sharing;
use domain::exchange::{Exchange, Grant};

use super::Pool;

/// The clock may be moved by hand: the courier looks at it this often.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl Pool {
    /// Waits until shares run low, or spending, a reading or a back-off should be told. Never comes back for a pool
    /// that is alone.
    pub async fn exchange_wanted(&self) {
        if self.inner.sharing == Sharing::Alone {
            return std::future::pending().await;
        }
        loop {
            let woken = self.inner.courier.notified();
            let now = self.inner.clock.now();
            let due = self.state().desk.exchange_due_at(now);
            if due.is_some_and(|due| due <= now) {
                return;
            }
            let wait = due.map_or(LOOK_AGAIN, |due| (due - now).to_std().unwrap_or_default());
            // Both a change and the time itself are looked at anew.
            drop(tokio::time::timeout(wait.min(LOOK_AGAIN), woken).await);
        }
    }

    /// What to tell the others and to ask of them. Every one must come back by [`Pool::apply`] or
    /// [`Pool::exchange_failed`].
    pub fn take_exchange(&self) -> Vec<Exchange> {
        let now = self.inner.clock.now();
        self.state().desk.draw(now)
    }

    /// Takes the answer to an exchange.
    pub fn apply(&self, grants: Vec<Grant>) {
        let now = self.inner.clock.now();
        let mut state = self.state();
        for grant in grants {
            state.desk.grant(&grant, now);
        }
        drop(state);
        self.ring();
    }

    /// Takes back an exchange that did not reach the others.
    pub fn exchange_failed(&self, exchanges: Vec<Exchange>) {
        let now = self.inner.clock.now();
        let mut state = self.state();
        for exchange in exchanges {
            state.desk.undo(&exchange, now);
        }
        drop(state);
        self.ring();
    }

    /// Gives every share back, at the end of a process.
    pub fn return_shares(&self) -> Vec<Exchange> {
        let now = self.inner.clock.now();
        self.state().desk.give_back(now)
    }
}
