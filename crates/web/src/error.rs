//! Why a handler could not do what it was asked, and what the person is told.

use std::fmt::Write as _;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tracing::error;

use crate::failure::Failure;
use crate::token;

/// An error of a handler. The page for it is drawn by [`crate::failure`], which knows who is looking.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such thing, or it is not the viewer's to see.
    #[error("Page not found.")]
    NotFound,
    /// The viewer's role does not allow it.
    #[error("Your role does not allow this.")]
    Forbidden,
    /// The request cannot be understood; a form's mistakes are shown in the form instead.
    #[error("{0}")]
    Invalid(String),
    /// Something else has happened in the meantime.
    #[error("{0}")]
    Conflict(String),
    /// More was sent than a form holds.
    #[error("This is more than Holdfast reads from a form: shorten what you entered.")]
    TooLarge,
    /// The database is away.
    #[error("The database cannot be reached.")]
    Unavailable(#[source] store::Error),
    /// A fault of ours: the person gets a number, the log the chain of causes.
    #[error("Something went wrong on our side.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A fault of ours that has no cause beneath it.
    pub(crate) fn internal(sentence: impl Into<String>) -> Self {
        Self::Internal(sentence.into().into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Missing { .. } => Self::NotFound,
            store::Error::Unavailable(_) => Self::Unavailable(error),
            store::Error::NameTaken { .. }
            | store::Error::RunOpen
            | store::Error::NothingFailed => Self::Conflict(error.to_string()),
            other => Self::Internal(Box::new(other)),
        }
    }
}

impl From<askama::Error> for Error {
    fn from(error: askama::Error) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<domain::Invalid> for Error {
    fn from(invalid: domain::Invalid) -> Self {
        Self::Invalid(invalid.to_string())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        let incident = status.is_server_error().then(|| {
            let incident = token::mark().unwrap_or_default();
            error!(incident, "{}", chain(&self));
            incident
        });
        Failure {
            status,
            sentence: self.to_string(),
            incident,
        }
        .into_response()
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _infallible = write!(text, " {cause}");
        next = cause.source();
    }
    text
}
