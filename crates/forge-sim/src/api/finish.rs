//! Turns a reply into HTTP with the headers that GitHub sends.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::rules;
use crate::caller::Caller;
use crate::chaos::Effect;
use crate::etag;
use crate::lock::lock;
use crate::quota::{Charge, Reading, Resource};
use crate::reply::{Reply, Validators};
use crate::state::Simulator;

const EXPOSED: &str = "ETag, Link, Location, Retry-After, X-GitHub-OTP, X-RateLimit-Limit, X-RateLimit-Remaining, \
                       X-RateLimit-Used, X-RateLimit-Resource, X-RateLimit-Reset, X-OAuth-Scopes, \
                       X-Accepted-OAuth-Scopes, X-Poll-Interval, X-GitHub-Media-Type, X-GitHub-SSO, \
                       X-GitHub-Request-Id, Deprecation, Sunset";

/// What the headers depend on.
pub(super) struct Finish<'a> {
    pub(super) simulator: &'a Simulator,
    pub(super) request: &'a HeaderMap,
    pub(super) caller: Option<&'a Caller>,
    pub(super) resource: Resource,
    pub(super) request_id: &'a str,
}

impl Finish<'_> {
    /// An answer that is sent whatever the client has already.
    pub(super) fn reply(&self, reply: Reply) -> Response {
        let response = self.plain(reply);
        self.limited(response)
    }

    /// An answer of somebody who does not know the counters, as secondary limits are.
    pub(super) fn without_limits(&self, reply: Reply) -> Response {
        self.plain(reply)
    }

    /// An answer that a fault put in place of the right one.
    pub(super) fn fault(&self, reply: Reply, effect: &Effect) -> Response {
        match effect {
            Effect::SecondaryLimit { .. } | Effect::Html { .. } => self.plain(reply),
            Effect::PrimaryLimit { reset_in, .. } => {
                let mut response = self.plain(reply);
                if let Some(mut reading) = self.reading() {
                    reading.used = reading.limit;
                    reading.reset = self.now().timestamp() + reset_in;
                    set_limits(response.headers_mut(), reading);
                }
                response
            }
            _ => self.reply(reply),
        }
    }

    /// An answer that becomes 304, and free, when the client has it already.
    pub(super) fn conditional(
        &self,
        reply: Reply,
        caller: &Caller,
        charge: &Charge<'_>,
    ) -> Response {
        let changed_at = match reply.validators {
            Validators::None => return self.reply(reply),
            Validators::Etag => None,
            Validators::Dated(at) => Some(at),
        };
        let authorized = caller.is_authorized();
        let body = reply
            .body
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let tag = if self.simulator.settings.opaque_etags {
            let key = &self.simulator.settings.signing_key;
            etag::opaque(key, self.request, authorized, body.as_bytes())
        } else {
            etag::compute(self.request, authorized, body.as_bytes())
        };
        let fresh = etag::is_fresh(self.request, &tag, changed_at);
        if fresh {
            lock(&self.simulator.statistics).not_modified(caller.login());
            if authorized {
                lock(&self.simulator.ledger).refund(charge.bucket, charge.resource, charge.cost);
            }
        }
        let mut response = if fresh {
            self.rendered(StatusCode::NOT_MODIFIED, reply.headers, String::new())
        } else {
            self.rendered(reply.status, reply.headers, body)
        };
        self.set_validators(response.headers_mut(), &tag, changed_at, authorized);
        self.limited(response)
    }

    fn set_validators(
        &self,
        headers: &mut HeaderMap,
        tag: &str,
        changed_at: Option<DateTime<Utc>>,
        authorized: bool,
    ) {
        let compressed = self
            .request
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains("gzip"));
        let weak = if compressed { "W/" } else { "" };
        set(headers, header::ETAG, &format!("{weak}\"{tag}\""));
        if let Some(at) = changed_at {
            set(headers, header::LAST_MODIFIED, &etag::http_date(at));
        }
        let (cache, vary) = if authorized {
            (
                "private, max-age=60, s-maxage=60",
                "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, X-Requested-With",
            )
        } else {
            (
                "public, max-age=60, s-maxage=60",
                "Accept, Accept-Encoding, X-Requested-With",
            )
        };
        set(headers, header::CACHE_CONTROL, cache);
        set(headers, header::VARY, vary);
    }

    fn plain(&self, reply: Reply) -> Response {
        let body = reply.body.map(|body| body.to_string()).unwrap_or_default();
        self.rendered(reply.status, reply.headers, body)
    }

    fn rendered(
        &self,
        status: StatusCode,
        extra: Vec<(HeaderName, String)>,
        body: String,
    ) -> Response {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        set(
            headers,
            header::CONTENT_TYPE,
            "application/json; charset=utf-8",
        );
        set(headers, header::DATE, &etag::http_date(self.now()));
        set(headers, header::SERVER, "github.com");
        set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        named(headers, "x-github-media-type", "github.v3; format=json");
        named(headers, "x-github-request-id", self.request_id);
        named(headers, "x-github-enterprise-version", "3.19.0");
        named(
            headers,
            "x-github-api-version-selected",
            rules::version(self.request),
        );
        for (name, value) in extra {
            set(headers, name, &value);
        }
        self.set_token(headers);
        response
    }

    /// What only requests with a token are told.
    fn set_token(&self, headers: &mut HeaderMap) {
        let Some(identity) = self.caller.and_then(|caller| caller.identity.as_ref()) else {
            return;
        };
        if identity.kind.has_scopes() {
            named(headers, "x-oauth-scopes", &identity.scopes.join(", "));
            named(headers, "x-accepted-oauth-scopes", "repo");
        }
        if let Some(at) = identity.expires_at {
            let at = at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
            named(headers, "github-authentication-token-expiration", &at);
        }
    }

    fn limited(&self, mut response: Response) -> Response {
        if let Some(reading) = self.reading() {
            set_limits(response.headers_mut(), reading);
        }
        response
    }

    /// The counter, its reset wobbling as ordered.
    fn reading(&self) -> Option<Reading> {
        if self.simulator.settings.limits.off {
            return None;
        }
        let bucket = self.caller?.bucket();
        let mut reading = lock(&self.simulator.ledger).reading(&bucket, self.resource, self.now());
        let jitter = self.simulator.settings.limits.reset_jitter_seconds;
        if jitter > 0 {
            let used = i64::try_from(reading.used).unwrap_or(0);
            reading.reset += used % (2 * jitter + 1) - jitter;
        }
        Some(reading)
    }

    fn now(&self) -> DateTime<Utc> {
        self.simulator.clock.now()
    }
}

fn set_limits(headers: &mut HeaderMap, reading: Reading) {
    named(headers, "x-ratelimit-limit", &reading.limit.to_string());
    named(
        headers,
        "x-ratelimit-remaining",
        &reading.remaining().to_string(),
    );
    named(headers, "x-ratelimit-used", &reading.used.to_string());
    named(headers, "x-ratelimit-reset", &reading.reset.to_string());
    named(headers, "x-ratelimit-resource", reading.resource.name());
}

fn named(headers: &mut HeaderMap, name: &'static str, value: &str) {
    set(headers, HeaderName::from_static(name), value);
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
