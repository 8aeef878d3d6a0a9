//! A form that makes something carries a mark; sent twice, it answers twice the same and makes one thing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderValue;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Marks that are remembered; the oldest give way.
const REMEMBERED: usize = 4096;

/// Where a form that was taken has led.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) location: HeaderValue,
}

/// One form's turn: whoever holds it is alone with that form.
type Slot = Arc<Turn<Option<Answer>>>;

/// What is known of the forms sent lately.
#[derive(Debug, Clone, Default)]
pub(crate) struct Once(Arc<Mutex<Marks>>);

#[derive(Debug, Default)]
struct Marks {
    slots: HashMap<String, Slot>,
    order: VecDeque<String>,
}

impl Once {
    /// Waits until nobody else is busy with the form of this mark.
    pub(crate) async fn turn(&self, mark: &str) -> OwnedMutexGuard<Option<Answer>> {
        let slot = {
            let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !marks.slots.contains_key(mark) {
                marks.order.push_back(mark.to_owned());
                if marks.order.len() > REMEMBERED
                    && let Some(oldest) = marks.order.pop_front()
                {
                    marks.slots.remove(&oldest);
                }
            }
            Arc::clone(marks.slots.entry(mark.to_owned()).or_default())
        };
        slot.lock_owned().await
    }
}

/// Where a form leaves its turn for the guard, which knows the answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<Mutex<Option<OwnedMutexGuard<Option<Answer>>>>>);

impl Held {
    pub(crate) fn keep(&self, turn: OwnedMutexGuard<Option<Answer>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
    }

    /// Ends the turn. Only what was taken is remembered: a form with a mistake may be sent again.
    pub(crate) fn settle(&self, location: Option<&HeaderValue>) {
        let turn = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(mut turn), Some(location)) = (turn, location) {
            *turn = Some(Answer {
                location: location.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
