//! Reads stored values back into domain types, and writes the numbers that Postgres has no unsigned types for.

use std::fmt::Display;
use std::str::FromStr;

use domain::{FetchState, ForgeKind, Host, RunState};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Error;

/// Reads a stored text.
pub(crate) fn text<T>(what: &'static str, stored: &str) -> Result<T, Error>
where
    T: FromStr,
    T::Err: Display,
{
    stored.parse().map_err(|error: T::Err| Error::Unreadable {
        what,
        detail: error.to_string(),
    })
}

/// Reads a stored JSON value.
pub(crate) fn json<T: DeserializeOwned>(what: &'static str, stored: Value) -> Result<T, Error> {
    serde_json::from_value(stored).map_err(|error| Error::Unreadable {
        what,
        detail: error.to_string(),
    })
}

/// Writes a value as JSON.
pub(crate) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::Unreadable {
        what,
        detail: error.to_string(),
    })
}

/// Reads a word of a closed list, as serde names it.
pub(crate) fn word<T: DeserializeOwned>(what: &'static str, stored: &str) -> Result<T, Error> {
    json(what, Value::String(stored.to_owned()))
}

/// Writes a word of a closed list, as serde names it.
pub(crate) fn to_word<T: Serialize>(what: &'static str, value: &T) -> Result<String, Error> {
    match to_json(what, value)? {
        Value::String(word) => Ok(word),
        other => Err(Error::Unreadable {
            what,
            detail: format!("{other} is not a word"),
        }),
    }
}

/// Reads the state of a run.
pub(crate) fn run_state(stored: &str) -> Result<RunState, Error> {
    RunState::from_word(stored).ok_or_else(|| Error::Unreadable {
        what: "a run's state",
        detail: stored.to_owned(),
    })
}

/// Reads the state of a fetch.
pub(crate) fn fetch_state(stored: &str) -> Result<FetchState, Error> {
    FetchState::from_word(stored).ok_or_else(|| Error::Unreadable {
        what: "a fetch's state",
        detail: stored.to_owned(),
    })
}

/// Reads a host that was accepted when it was registered.
pub(crate) fn host(kind: &str, url: &str) -> Result<Host, Error> {
    let kind: ForgeKind = text("a kind of host", kind)?;
    Host::accepted(kind, url).map_err(|error| Error::Unreadable {
        what: "a host",
        detail: error.to_string(),
    })
}

/// Reads a count; the schema keeps counts from being negative.
pub(crate) fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

/// Reads the part of a pool that a plan may take.
pub(crate) fn pool_part(stored: i32) -> Result<domain::PoolPart, Error> {
    let percent = u8::try_from(stored).unwrap_or_default();
    percent
        .try_into()
        .map_err(|error: domain::Invalid| Error::Unreadable {
            what: "a plan's part of the pool",
            detail: error.to_string(),
        })
}

/// Reads a weight.
pub(crate) fn weight(stored: i32) -> Result<domain::Weight, Error> {
    let weight = u32::try_from(stored).unwrap_or_default();
    weight
        .try_into()
        .map_err(|error: domain::Invalid| Error::Unreadable {
            what: "a weight",
            detail: error.to_string(),
        })
}

/// Writes a weight.
pub(crate) fn to_weight(weight: domain::Weight) -> i32 {
    i32::try_from(u32::from(weight)).unwrap_or(i32::MAX)
}

/// Writes a count.
pub(crate) fn to_count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Reads a host's number of requests.
pub(crate) fn requests(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(if stored < 0 { 0 } else { u32::MAX })
}
