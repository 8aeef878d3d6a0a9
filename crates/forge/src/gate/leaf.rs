//! The wire: octocrab's reqwest connector, with time-outs, a bound for answers, and no redirects of its own.

use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use octocrab::OctoBody;
use octocrab::service::middleware::reqwest_connector::ReqwestConnector;
use tower::ServiceExt;

use super::trust::Trust;
use super::{Delivery, Payload};
use crate::{Error, Options};

/// No list or query answers more than this; a host that does is not the one we think.
const LARGEST_ANSWER: usize = 64 << 20;

#[derive(Clone)]
pub(super) struct Leaf {
    connector: ReqwestConnector,
    trust: Trust,
    request_timeout: Duration,
}

impl Leaf {
    pub(super) fn new(options: &Options, trust: Trust) -> Result<Self, Error> {
        Ok(Self {
            connector: connector(options, &[])?,
            trust,
            request_timeout: options.request_timeout,
        })
    }

    /// What speaks to the address's host: one whose authority is private has a connector of its own, so that the authority vouches
    /// for nobody else.
    fn connector_for(&self, uri: &http::Uri) -> ReqwestConnector {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        self.trust
            .connector(authority)
            .unwrap_or_else(|| self.connector.clone())
    }

    /// Sends a request and brings its answer: whole, or running if that is wanted and it is a success.
    pub(super) async fn send(
        &self,
        request: Request<OctoBody>,
        delivery: Delivery,
    ) -> Result<Response<Payload>, Error> {
        let place = place(request.uri());
        let exchange = async {
            let response = self.connector_for(request.uri()).oneshot(request).await;
            let (parts, body) = response
                .map_err(|error| failure(&place, error))?
                .into_parts();
            let payload = if delivery == Delivery::Stream && parts.status.is_success() {
                let place = place.clone();
                Payload::Running(body.map_err(move |error| cut(&place, &error)).boxed())
            } else {
                let whole = Limited::new(body, LARGEST_ANSWER).collect().await;
                Payload::Whole(
                    whole
                        .map_err(|error| unreadable(&place, error.as_ref()))?
                        .to_bytes(),
                )
            };
            Ok(Response::from_parts(parts, payload))
        };
        let answer = tokio::time::timeout(self.request_timeout, exchange).await;
        answer.unwrap_or_else(|elapsed| {
            Err(Error::Transient {
                detail: format!(
                    "{place} did not answer in {} s ({elapsed}).",
                    self.request_timeout.as_secs()
                ),
            })
        })
    }
}

/// A connector that also trusts these.
pub(super) fn connector(
    options: &Options,
    authorities: &[reqwest::Certificate],
) -> Result<ReqwestConnector, Error> {
    let client = reqwest::Client::builder()
        .connect_timeout(options.connect_timeout)
        .read_timeout(options.idle_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false);
    let client = if authorities.is_empty() {
        client
    } else {
        client.tls_certs_merge(authorities.iter().cloned())
    };
    let client = client.build().map_err(|error| Error::Protocol {
        detail: format!("The HTTP client cannot be made: {}.", chain(&error)),
    })?;
    Ok(ReqwestConnector::new(client))
}

/// Scheme and authority of an address: the rest may be signed.
fn place(uri: &http::Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}", uri.scheme_str().unwrap_or("https"))
}

/// How rustls begins what it has against a certificate.
const UNTRUSTED: &str = "invalid peer certificate";

fn failure(place: &str, error: octocrab::Error) -> Error {
    let octocrab::Error::Reqwest { source, .. } = error else {
        return Error::Protocol {
            detail: format!("The request to {place} could not be made."),
        };
    };
    let source = source.without_url();
    let detail = if source.is_builder() || source.is_request() && source.is_body() {
        return Error::Protocol {
            detail: format!(
                "The request to {place} could not be made: {}.",
                chain(&source)
            ),
        };
    } else if source.is_connect() && chain(&source).contains(UNTRUSTED) {
        format!(
            "The certificate of {place} is not trusted ({}). If a private authority has issued it, who runs this service can give that authority under Applications.",
            cause(&source)
        )
    } else if source.is_connect() {
        format!("{place} cannot be reached: {}.", chain(&source))
    } else if source.is_timeout() {
        format!("{place} stood still for too long.")
    } else {
        format!("The connection to {place} broke: {}.", chain(&source))
    };
    Error::Transient { detail }
}

fn cut(place: &str, error: &octocrab::Error) -> Error {
    let stood_still =
        matches!(error, octocrab::Error::Reqwest { source, .. } if source.is_timeout());
    let reason = if stood_still {
        "it stood still for too long"
    } else {
        "the connection broke"
    };
    Error::Corrupt {
        detail: format!("The answer of {place} ends too early: {reason}."),
    }
}

fn unreadable(place: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    if error.is::<LengthLimitError>() {
        return Error::Protocol {
            detail: format!(
                "{place} answered more than {} MiB at once.",
                LARGEST_ANSWER >> 20
            ),
        };
    }
    Error::Corrupt {
        detail: format!("The answer of {place} ends too early."),
    }
}

/// An error and its causes in one line, without addresses, which may be signed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

/// The last cause of an error.
fn cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}
