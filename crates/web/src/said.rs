//! How things are written, for templates: they hand over values and references of any depth alike.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Kind;

use crate::text;

/// A value, or a way to one.
pub(crate) trait Value<T> {
    fn value(self) -> T;
}

impl<T> Value<T> for T {
    fn value(self) -> T {
        self
    }
}

impl<T: Copy> Value<T> for &T {
    fn value(self) -> T {
        *self
    }
}

impl<T: Copy> Value<T> for &&T {
    fn value(self) -> T {
        **self
    }
}

/// See [`text::number`].
pub(crate) fn number(count: impl Value<u64>) -> String {
    text::number(count.value())
}

/// See [`text::count`].
pub(crate) fn count(count: impl Value<u64>, one: &str, many: &str) -> String {
    text::count(count.value(), one, many)
}

/// See [`text::size`].
pub(crate) fn size(bytes: impl Value<u64>) -> String {
    text::size(bytes.value())
}

/// See [`text::kind`].
pub(crate) fn kind(kind: impl Value<Kind>) -> &'static str {
    text::kind(kind.value())
}

/// See [`text::at`].
pub(crate) fn at(moment: impl Value<DateTime<Utc>>, now: impl Value<DateTime<Utc>>) -> text::At {
    text::at(moment.value(), now.value())
}

/// The time from one moment to another; see [`text::duration`].
pub(crate) fn between(from: impl Value<DateTime<Utc>>, until: impl Value<DateTime<Utc>>) -> String {
    let length: TimeDelta = until.value() - from.value();
    text::duration(length)
}
