//! What has happened to a request so far, and what to do next.

use std::time::Duration;

use domain::CredentialId;
use http::{HeaderMap, Method, header};
use url::Url;

use super::{Ask, Failure, Payload, Reply};
use crate::Error;
use crate::address;
use crate::forge::Shared;
use crate::gate::{Authority, Delivery};
use crate::limits::Judgement;

/// GitHub needs one hop after a rename and one for an asset; more than a few is a loop.
const HOPS: u32 = 5;
/// A pool that is refused this often for one request is not being told the truth.
const LIMITS_MET: u32 = 16;

/// What has happened to a request so far.
pub(super) struct Course {
    pub(super) ask: Ask,
    pub(super) authority: Authority,
    /// Those to whom the host denied what another may get.
    failed: Vec<CredentialId>,
    pub(super) refusal: Option<Error>,
    repeats: u32,
    hops: u32,
    limits: u32,
}

impl Course {
    /// The beginning.
    pub(super) fn new(authority: Authority, ask: Ask) -> Self {
        Self {
            ask,
            authority,
            failed: Vec::new(),
            refusal: None,
            repeats: 0,
            hops: 0,
            limits: 0,
        }
    }

    /// Reacts to an answer that is not the one asked for: nothing if the request is to be sent again.
    pub(super) async fn react(
        &mut self,
        shared: &Shared,
        judgement: Judgement,
        credential: Option<CredentialId>,
        headers: HeaderMap,
    ) -> Result<Option<Reply>, Failure> {
        let now = shared.clock.now();
        let is_limit = matches!(
            judgement,
            Judgement::Spent { .. }
                | Judgement::SlowDown { .. }
                | Judgement::Crowded { .. }
                | Judgement::ShutOut { .. }
                | Judgement::Dead { .. }
        );
        let is_heavy = matches!(judgement, Judgement::TooHeavy { .. });
        match (judgement, credential) {
            (Judgement::Moved { location }, _) => {
                return Ok(self.follow(&location)?.map(|elsewhere| Reply {
                    headers,
                    payload: Payload::Elsewhere(elsewhere),
                    credential,
                }));
            }
            // The pool knows of it by now: the next lease goes to another one, or waits.
            (judgement, Some(_)) if is_limit => {
                self.limits += 1;
                if self.limits > LIMITS_MET {
                    return Err(judgement.into_error(now).unwrap_or(Error::Cancelled).into());
                }
            }
            (
                judgement @ (Judgement::Denied { .. } | Judgement::Missing { .. }),
                Some(credential),
            ) => {
                self.failed.push(credential);
                if let Authority::Pool { tried, .. } = &mut self.authority {
                    tried.insert(credential);
                }
                let error = judgement.into_error(now);
                self.refusal = self.refusal.take().or(error);
            }
            (
                judgement @ (Judgement::TooHeavy { .. }
                | Judgement::Failed { .. }
                | Judgement::Cut { .. }),
                _,
            ) => {
                let error = judgement.into_error(now).unwrap_or(Error::Cancelled);
                self.repeat(shared, error, is_heavy).await?;
            }
            (judgement, _) => {
                return Err(judgement.into_error(now).unwrap_or(Error::Cancelled).into());
            }
        }
        Ok(None)
    }

    /// Waits before a repetition, if there may be one.
    pub(super) async fn repeat(
        &mut self,
        shared: &Shared,
        error: Error,
        is_heavy: bool,
    ) -> Result<(), Failure> {
        // What was too much once is too much again: one repetition tells a bad moment from a bad request.
        let most = if is_heavy {
            self.ask.repeats.min(1)
        } else {
            self.ask.repeats
        };
        if self.repeats >= most {
            return Err(Failure { error, is_heavy });
        }
        let pause = pause(shared.options.retry_pause, self.repeats);
        self.repeats += 1;
        tracing::debug!(%error, repeat = self.repeats, "request repeated");
        let cancel = match &self.authority {
            Authority::Pool { session, .. } => Some(&session.scope.cancel),
            Authority::Token(_) | Authority::Client { .. } | Authority::Nobody => None,
        };
        match cancel {
            None => tokio::time::sleep(pause).await,
            Some(cancel) => tokio::select! {
                () = cancel.cancelled() => return Err(Error::Cancelled.into()),
                () = tokio::time::sleep(pause) => {}
            },
        }
        Ok(())
    }

    /// Goes where the host points to: within its API with the credential, elsewhere never with it.
    fn follow(&mut self, location: &str) -> Result<Option<Url>, Failure> {
        let target = self
            .ask
            .url
            .join(location)
            .map_err(|error| Error::Protocol {
                detail: format!("The host points to an address that is none: {error}."),
            })?;
        self.hops += 1;
        let is_safe = matches!(self.ask.method, Method::GET | Method::HEAD);
        let is_downgrade = self.ask.url.scheme() == "https" && target.scheme() != "https";
        if self.hops > HOPS
            || !is_safe
            || is_downgrade
            || !matches!(target.scheme(), "http" | "https")
        {
            return Err(moved(&target).into());
        }
        let is_home = self
            .ask
            .home
            .as_ref()
            .is_some_and(|home| address::is_below(home, &target));
        if matches!(self.authority, Authority::Nobody) {
            if !address::is_same_origin(&self.ask.url, &target) {
                self.ask.headers.retain(|(name, _)| {
                    *name == header::ACCEPT || *name == header::ACCEPT_ENCODING
                });
            }
            self.ask.url = target;
        } else if is_home && self.is_same_repository(&target) {
            self.ask.url = target;
        } else if self.ask.delivery == Delivery::Stream && !is_home {
            return Ok(Some(target));
        } else {
            return Err(moved(&target).into());
        }
        Ok(None)
    }

    /// A name that was given away leads to another repository's number.
    fn is_same_repository(&self, target: &Url) -> bool {
        let Authority::Pool { session, .. } = &self.authority else {
            return true;
        };
        let number = address::repository_number(target);
        number.is_none() || session.scope.repository.is_none() || number == session.scope.repository
    }

    /// What one sees and others do not is remembered.
    pub(super) fn learn(&self, shared: &Shared, winner: Option<CredentialId>) {
        let (Authority::Pool { session, .. }, Some(winner)) = (&self.authority, winner) else {
            return;
        };
        let Some(repository) = session.scope.repository.filter(|_| !self.failed.is_empty()) else {
            return;
        };
        for blind in &self.failed {
            shared.pool.discover_access(*blind, repository, false);
        }
        shared.pool.discover_access(winner, repository, true);
    }
}

/// The address without its query, which may be signed.
fn moved(target: &Url) -> Error {
    let mut target = target.clone();
    target.set_query(None);
    Error::Moved {
        to: target.to_string(),
    }
}

/// Doubles each time; the second half is chance, so that many do not come back at once.
fn pause(first: Duration, repeats: u32) -> Duration {
    let whole = u64::try_from(first.as_millis())
        .unwrap_or(u64::MAX)
        .saturating_mul(1 << repeats.min(6));
    Duration::from_millis(whole / 2 + fastrand::u64(0..=whole / 2))
}
