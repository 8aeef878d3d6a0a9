//! The one door to a host: every request passes here. Admit, stamp, send, settle, judge: one attempt at a time.
//!
//! It waits inside the future of `call`, never in `poll_ready`: octocrab buffers the service, and one pending
//! `poll_ready` would hold up every caller.

mod errand;
mod leaf;
pub(crate) mod trust;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use domain::{Clock, ForgeKind, Secret};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use octocrab::OctoBody;
use tower::Service;

use crate::limits::{self, Answer, Dialect, Judgement, Span};
use crate::pool::Lease;
use crate::{Error, Options, Pool};
use budget::{Outcome, Settlement};

pub(crate) use errand::{Authority, Delivery, Errand, user};
use leaf::Leaf;

/// The body of an answer, as octocrab takes it.
type Body = BoxBody<Bytes, Error>;

/// What the gate made of an answer; rides in the response's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) judgement: Judgement,
    pub(crate) credential: Option<domain::CredentialId>,
}

/// The service that every request passes.
#[derive(Clone)]
pub(crate) struct Gate {
    pool: Pool,
    clock: Clock,
    leaf: Leaf,
    user_agent: HeaderValue,
}

impl Gate {
    pub(crate) fn new(
        pool: Pool,
        clock: Clock,
        options: &Options,
        trust: trust::Trust,
    ) -> Result<Self, Error> {
        let user_agent =
            HeaderValue::from_str(&options.user_agent).map_err(|error| Error::Protocol {
                detail: format!(
                    "The user agent \"{}\" cannot be sent: {error}.",
                    options.user_agent
                ),
            })?;
        Ok(Self {
            pool,
            clock,
            leaf: Leaf::new(options, trust)?,
            user_agent,
        })
    }

    async fn pass(self, mut request: Request<OctoBody>) -> Result<Response<Body>, Error> {
        let errand = request
            .extensions_mut()
            .remove::<Arc<Errand>>()
            .ok_or_else(|| Error::Protocol {
                detail: "A request came to the gate without an errand.".to_owned(),
            })?;
        let cancel = errand.cancel();
        let attempt = self.attempt(&errand, request);
        match cancel {
            Some(cancel) => tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Error::Cancelled),
                answer = attempt => answer,
            },
            None => attempt.await,
        }
    }

    async fn attempt(
        &self,
        errand: &Errand,
        mut request: Request<OctoBody>,
    ) -> Result<Response<Body>, Error> {
        let lease = self.admit(errand).await?;
        self.stamp(errand, lease.as_ref(), &mut request)?;
        let book = Book {
            errand,
            credential: lease.as_ref().map(|lease| lease.credential),
        };
        book.sent();
        let sent_at = self.clock.now();
        let sent = self.leaf.send(request, errand.delivery).await;
        let span = Span {
            sent_at,
            received_at: self.clock.now(),
        };
        let (parts, payload) = match sent {
            Ok(answer) => answer.into_parts(),
            Err(error) => {
                if let Some(lease) = lease {
                    book.settled(lease.settle(Settlement::lost()));
                }
                return Err(error);
            }
        };
        let answer = Answer {
            forge: errand.forge,
            dialect: errand.dialect,
            endpoint: errand.demand.endpoint,
            status: parts.status,
            headers: &parts.headers,
            body: payload.text(),
        };
        let judgement = limits::judge(&answer, span);
        if let Some(lease) = lease {
            if let Judgement::Dead { reason } = &judgement {
                self.pool.kill(lease.credential, &lease.token, reason);
            }
            book.judged(parts.status, &judgement);
            book.settled(lease.settle(settlement(&answer, &judgement, span)));
        }
        let judged = Judged {
            judgement,
            credential: book.credential,
        };
        let mut response = Response::from_parts(parts, payload.into_body());
        response.extensions_mut().insert(judged);
        Ok(response)
    }

    async fn admit(&self, errand: &Errand) -> Result<Option<Lease>, Error> {
        match &errand.authority {
            Authority::Pool { session, tried } => {
                let lease = self.pool.lease(session, &errand.demand, tried).await?;
                Ok(Some(lease))
            }
            Authority::Token(_) | Authority::Client { .. } | Authority::Nobody => Ok(None),
        }
    }

    fn stamp(
        &self,
        errand: &Errand,
        lease: Option<&Lease>,
        request: &mut Request<OctoBody>,
    ) -> Result<(), Error> {
        let bearer = |token: &Secret| errand::authorization(errand.forge, errand.dialect, token);
        let authorization = match &errand.authority {
            Authority::Pool { .. } => lease.map(|lease| bearer(&lease.token)),
            Authority::Token(token) => Some(bearer(token)),
            Authority::Client { id, secret } => Some(errand::client_authorization(id, secret)),
            Authority::Nobody => None,
        };
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        let is_github = errand.forge == ForgeKind::GitHub;
        if !is_github || matches!(errand.dialect, Dialect::Storage | Dialect::Git) {
            headers.remove("x-github-api-version");
        }
        if let Some(authorization) = authorization {
            headers.insert(header::AUTHORIZATION, authorization?);
        }
        Ok(())
    }
}

impl Service<Request<OctoBody>> for Gate {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        Box::pin(self.clone().pass(request))
    }
}

/// The body of an answer as the leaf brings it.
pub(crate) enum Payload {
    /// All of it.
    Whole(Bytes),
    /// The beginning of a download.
    Running(Body),
}

impl Payload {
    fn text(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Running(_) => &[],
        }
    }

    fn into_body(self) -> Body {
        match self {
            Self::Whole(bytes) if bytes.is_empty() => {
                Empty::new().map_err(|never| match never {}).boxed()
            }
            Self::Whole(bytes) => Full::new(bytes).map_err(|never| match never {}).boxed(),
            Self::Running(body) => body,
        }
    }
}

/// Books an attempt for the session's report.
struct Book<'a> {
    errand: &'a Errand,
    credential: Option<domain::CredentialId>,
}

impl Book<'_> {
    fn sent(&self) {
        self.write(|spent| spent.requests += 1);
    }

    fn judged(&self, status: StatusCode, judgement: &Judgement) {
        self.write(|spent| {
            spent.refused += u64::from(judgement.is_refusal());
            spent.not_modified += u64::from(status == StatusCode::NOT_MODIFIED);
        });
    }

    fn settled(&self, points: u32) {
        self.write(|spent| spent.points += u64::from(points));
    }

    fn write(&self, book: impl Fn(&mut crate::Spent)) {
        if let (Authority::Pool { session, .. }, Some(credential)) =
            (&self.errand.authority, self.credential)
        {
            session.spend(credential, self.errand.demand.resource.as_ref(), book);
        }
    }
}

/// What the ledger is told of an answer.
fn settlement(answer: &Answer<'_>, judgement: &Judgement, span: Span) -> Settlement {
    let reading = limits::reading(answer, span);
    let cost = match (answer.dialect, answer.status) {
        // GitHub docs, best practices for the REST API: a 304 to an authorized request is free.
        (_, StatusCode::NOT_MODIFIED) if answer.forge == ForgeKind::GitHub => Some(0),
        (Dialect::GraphQl, _) => limits::github::graphql::cost(answer.body),
        (Dialect::Rest | Dialect::Lfs | Dialect::Git | Dialect::Storage, _) => None,
    };
    let outcome = match judgement {
        Judgement::Spent { until } => Outcome::Spent { until: *until },
        Judgement::SlowDown {
            retry_after,
            reason,
        } => Outcome::SlowDown {
            retry_after: *retry_after,
            reason: reason.clone(),
        },
        Judgement::Crowded { until } => Outcome::Crowded { until: *until },
        Judgement::ShutOut { reason } => Outcome::ShutOut {
            until: span.received_at + limits::SHUT_OUT_FOR,
            reason: reason.clone(),
        },
        Judgement::Fine if reading.is_none() => Outcome::Uncounted,
        Judgement::Fine
        | Judgement::Moved { .. }
        | Judgement::Dead { .. }
        | Judgement::Denied { .. }
        | Judgement::Missing { .. }
        | Judgement::Blocked { .. }
        | Judgement::Disabled { .. }
        | Judgement::TooHeavy { .. }
        | Judgement::Failed { .. }
        | Judgement::Cut { .. }
        | Judgement::Strange { .. } => Outcome::Served,
    };
    Settlement {
        cost,
        reading,
        outcome,
    }
}
