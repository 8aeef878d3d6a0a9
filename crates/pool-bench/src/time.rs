//! Virtual time: microseconds since the scenario began.

use chrono::{DateTime, TimeDelta, Utc};

/// Microseconds since the scenario began, which is the epoch: windows that are aligned end at multiples of their length.
pub(crate) type Micros = i64;

pub(crate) fn micros(seconds: f64) -> Micros {
    (seconds * 1e6).round() as Micros
}

pub(crate) fn seconds(micros: Micros) -> f64 {
    micros as f64 / 1e6
}

pub(crate) fn instant(micros: Micros) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::microseconds(micros)
}

pub(crate) fn since(instant: DateTime<Utc>) -> Micros {
    (instant - DateTime::UNIX_EPOCH)
        .num_microseconds()
        .unwrap_or(Micros::MAX)
}
