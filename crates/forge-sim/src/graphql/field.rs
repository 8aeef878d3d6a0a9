//! What resolving fields has in common.

#![expect(
    clippy::unnecessary_wraps,
    reason = "every way to resolve a field has one type, so that the tables of fields read as tables"
)]

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use chrono::{DateTime, Utc};

use crate::rest::show::{self, Show};

/// The outcome of resolving a field.
pub(super) type Resolved<'a> = Result<ResolvedValue<'a>, FieldError>;

/// What every object may use.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) show: Show<'a>,
}

/// A scalar.
pub(super) fn leaf<'a>(value: impl Into<JsonValue>) -> Resolved<'a> {
    Ok(ResolvedValue::leaf(value))
}

/// A whole number; GraphQL's are no larger than 2³¹.
pub(super) fn int<'a>(value: impl TryInto<i32>) -> Resolved<'a> {
    leaf(value.try_into().unwrap_or(i32::MAX))
}

/// A scalar or null.
pub(super) fn maybe<'a>(value: Option<impl Into<JsonValue>>) -> Resolved<'a> {
    leaf(value.map_or(JsonValue::Null, Into::into))
}

/// An instant.
pub(super) fn time<'a>(at: DateTime<Utc>) -> Resolved<'a> {
    leaf(show::time(at))
}

/// An instant or null.
pub(super) fn maybe_time<'a>(at: Option<DateTime<Utc>>) -> Resolved<'a> {
    maybe(at.map(show::time))
}

/// An object.
pub(super) fn object<'a>(value: impl ObjectValue + 'a) -> Resolved<'a> {
    Ok(ResolvedValue::object(value))
}

/// An object or null.
pub(super) fn maybe_object<'a>(value: Option<impl ObjectValue + 'a>) -> Resolved<'a> {
    Ok(ResolvedValue::nullable_object(value))
}

/// Null with an error beside it.
pub(super) fn unresolved<'a>(message: String) -> Resolved<'a> {
    Err(FieldError { message })
}

/// The arguments of a field.
pub(super) struct Arguments<'a>(&'a JsonMap);

impl<'a> Arguments<'a> {
    pub(super) fn of(info: &'a ResolveInfo<'_>) -> Self {
        Self(info.arguments())
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).and_then(JsonValue::as_str)
    }

    pub(super) fn truth(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(JsonValue::as_bool)
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.0
            .get(name)
            .and_then(JsonValue::as_i64)
            .and_then(|number| usize::try_from(number).ok())
    }

    /// The words of a list, if it has any.
    pub(super) fn words(&self, name: &str) -> Option<Vec<&'a str>> {
        let words = self
            .0
            .get(name)?
            .as_array()?
            .iter()
            .filter_map(JsonValue::as_str);
        Some(words.collect::<Vec<_>>()).filter(|words| !words.is_empty())
    }

    /// Whether a state is among those asked for; all are when none is.
    pub(super) fn wants_state(&self, state: &str) -> bool {
        self.words("states")
            .is_none_or(|states| states.contains(&state))
    }

    /// Field and direction of `orderBy`.
    pub(super) fn order(&self) -> Option<(&'a str, bool)> {
        let order = self.0.get("orderBy")?.as_object()?;
        let field = order.get("field")?.as_str()?;
        let descending = order.get("direction")?.as_str()? == "DESC";
        Some((field, descending))
    }

    /// A member of an input object.
    pub(super) fn member(&self, name: &str, member: &str) -> Option<&'a JsonValue> {
        self.0.get(name)?.as_object()?.get(member)
    }
}
