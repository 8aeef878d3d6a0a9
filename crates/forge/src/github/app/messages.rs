//! Messages that a host has sent to an App's hook, as its own list has them: those that got lost are found again there.
//!
//! GitHub docs, "Handling failed webhook deliveries".

use chrono::{DateTime, Utc};
use domain::Notice;
use serde::Deserialize;
use serde_json::Value;

use super::App;
use crate::Error;

/// A message in the list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sent {
    /// The number of this attempt.
    pub id: i64,
    /// What all attempts have in common.
    pub guid: String,
    /// When.
    pub delivered_at: DateTime<Utc>,
}

/// A message as it was sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// The event.
    pub event: String,
    /// What was sent.
    pub payload: Value,
}

#[derive(Deserialize)]
struct RawMessage {
    event: String,
    request: RawRequest,
}

#[derive(Deserialize)]
struct RawRequest {
    payload: Value,
}

impl App<'_> {
    /// The newest hundred messages, newest first.
    pub async fn messages(&self) -> Result<Vec<Sent>, Error> {
        self.get("app/hook/deliveries?per_page=100").await
    }

    /// One message, with what was sent.
    pub async fn message(&self, id: i64) -> Result<Message, Error> {
        let raw: RawMessage = self.get(&format!("app/hook/deliveries/{id}")).await?;
        Ok(Message {
            event: raw.event,
            payload: raw.request.payload,
        })
    }
}

impl Message {
    /// What it says, as far as it matters here.
    pub fn notice(&self) -> Option<Notice> {
        Notice::read(&self.event, &self.payload)
    }
}
