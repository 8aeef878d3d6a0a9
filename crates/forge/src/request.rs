//! One request, carried through refusals, repeats, redirects and changes of credential until it has an answer.

mod attempt;
mod course;

use bytes::Bytes;
use domain::{CredentialId, ForgeKind};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::combinators::BoxBody;
use serde_json::Value;
use url::Url;

use crate::Error;
use crate::forge::Shared;
use crate::gate::{Authority, Delivery, Judged};
use crate::limits::{Dialect, Judgement};
use attempt::attempt;
pub(crate) use attempt::unwrap;
use budget::Demand;
use course::Course;

/// How often a safe request is repeated after the host or the connection failed.
pub(crate) const REPEATS: u32 = 3;

/// What is asked of a host.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) forge: ForgeKind,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Content>,
    pub(crate) demand: Demand,
    pub(crate) dialect: Dialect,
    pub(crate) delivery: Delivery,
    /// Redirects below this address keep the credential; nothing is followed with it elsewhere.
    pub(crate) home: Option<Url>,
    /// How often it may be repeated: only requests that change nothing.
    pub(crate) repeats: u32,
}

/// What is sent along.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Json(Value),
    /// Bytes of this media type.
    Bytes(HeaderValue, Bytes),
}

/// A success.
pub(crate) struct Reply {
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) credential: Option<CredentialId>,
}

/// What a success brings.
pub(crate) enum Payload {
    /// Parsed; null for an empty body.
    Json(Value),
    /// The beginning of a download.
    Stream(BoxBody<Bytes, octocrab::Error>),
    /// The download is at this address, outside the host's API.
    Elsewhere(Url),
}

/// Why there is no success.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether asking for less may help.
    pub(crate) is_heavy: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            is_heavy: false,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Sends until there is an answer.
pub(crate) async fn send(
    shared: &Shared,
    authority: &Authority,
    ask: &Ask,
) -> Result<Reply, Failure> {
    let mut course = Course::new(authority.clone(), ask.clone());
    loop {
        match attempt(shared, &course).await {
            Err(Error::NoCredential { .. }) if course.refusal.is_some() => {
                return Err(course.refusal.take().unwrap_or(Error::Cancelled).into());
            }
            Err(error @ (Error::Transient { .. } | Error::Corrupt { .. })) => {
                course.repeat(shared, error, false).await?;
            }
            Err(error) => return Err(error.into()),
            Ok((
                Judged {
                    judgement,
                    credential,
                },
                headers,
                body,
            )) => {
                let judgement = match body {
                    Ok(payload) if judgement == Judgement::Fine => {
                        course.learn(shared, credential);
                        return Ok(Reply {
                            headers,
                            payload,
                            credential,
                        });
                    }
                    Ok(_) => judgement,
                    Err(unreadable) => unreadable,
                };
                if let Some(reply) = course.react(shared, judgement, credential, headers).await? {
                    return Ok(reply);
                }
            }
        }
    }
}
