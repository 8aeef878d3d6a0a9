//! What happens to apps: they are made, installed, suspended, asked for tokens, and told of events.

use axum::http::StatusCode;

use crate::reply::Refusal;

pub(crate) mod grants;
pub(crate) mod hooks;
pub(crate) mod jwt;
pub(crate) mod keys;
pub(crate) mod life;
pub(crate) mod payload;
pub(crate) mod tokens;

/// The refusal of a value that makes no sense.
pub(crate) fn unprocessable(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message)
}
