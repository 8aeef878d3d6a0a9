//! Headers of GitHub's answers.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use domain::{Reading, Resource};
use http::{HeaderMap, header};

/// Two clocks that differ by less than this are not corrected: `Date` has whole seconds, and answers take time.
const SKEW_WORTH_CORRECTING: TimeDelta = TimeDelta::seconds(5);

/// When a request was sent and when its answer had come, by our clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) sent_at: DateTime<Utc>,
    pub(crate) received_at: DateTime<Utc>,
}

/// A header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What the answer says of a budget, with its reset in our clock's time.
///
/// GitHub docs, rate limits for the REST API: `x-ratelimit-reset` is in UTC epoch seconds of the host's clock.
pub(crate) fn reading(headers: &HeaderMap, span: Span) -> Option<(Resource, Reading)> {
    let number = |name| text(headers, name)?.parse::<i64>().ok();
    let reset_at = DateTime::from_timestamp(number("x-ratelimit-reset")?, 0)?;
    let reading = Reading {
        limit: u32::try_from(number("x-ratelimit-limit")?).ok()?,
        remaining: u32::try_from(number("x-ratelimit-remaining")?.max(0)).ok()?,
        reset_at: reset_at - skew(headers, span),
    };
    let resource = text(headers, "x-ratelimit-resource")
        .map_or_else(Resource::core, |name| Resource(name.to_owned()));
    Some((resource, reading))
}

/// How far the host's clock is ahead of ours, at least: by our clock the host wrote `Date` between sending and receiving.
pub(crate) fn skew(headers: &HeaderMap, span: Span) -> TimeDelta {
    let date = text(headers, header::DATE.as_str())
        .and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let skew = date.map_or(TimeDelta::zero(), |date| {
        let date = date.with_timezone(&Utc);
        date - date.clamp(span.sent_at, span.received_at.max(span.sent_at))
    });
    if skew.abs() < SKEW_WORTH_CORRECTING {
        TimeDelta::zero()
    } else {
        skew
    }
}

/// `Retry-After` in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap, span: Span) -> Option<TimeDelta> {
    let value = text(headers, header::RETRY_AFTER.as_str())?.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(TimeDelta::seconds(i64::from(seconds)));
    }
    let date = DateTime::parse_from_rfc2822(value)
        .ok()?
        .with_timezone(&Utc);
    Some((date - skew(headers, span) - span.received_at).max(TimeDelta::zero()))
}

/// Whether the answer is a page for people.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    text(headers, header::CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("text/html"))
}

/// The organizations that a list leaves out, because the token is not authorized for their single sign-on.
pub(crate) fn sso_partial(headers: &HeaderMap) -> Option<&str> {
    let value = text(headers, "x-github-sso")?;
    let rest = value.strip_prefix("partial-results")?;
    Some(rest.split_once("organizations=").map_or("", |(_, ids)| ids))
}

/// Whether the host asks for single sign-on first.
pub(crate) fn is_sso_required(headers: &HeaderMap) -> bool {
    text(headers, "x-github-sso").is_some_and(|value| value.starts_with("required"))
}

/// The address of the next page.
pub(crate) fn next_page(headers: &HeaderMap) -> Option<&str> {
    let links = text(headers, header::LINK.as_str())?;
    links.split(',').find_map(|link| {
        let (address, attributes) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = attributes
            .split(';')
            .any(|part| part.trim() == "rel=\"next\"");
        is_next.then_some(address)
    })
}

/// The scopes of a classic token; other tokens have none to tell.
pub(crate) fn scopes(headers: &HeaderMap) -> Option<Vec<String>> {
    let scopes = text(headers, "x-oauth-scopes")?.split(',').map(str::trim);
    Some(
        scopes
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

/// When the token ends: seen as `2022-08-14 08:15:54 UTC` and with a numeric offset (google/go-github#3708).
pub(crate) fn expires_at(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let value = text(headers, "github-authentication-token-expiration")?.trim();
    if let Some(naive) = value.strip_suffix(" UTC") {
        return Some(
            NaiveDateTime::parse_from_str(naive, "%Y-%m-%d %H:%M:%S")
                .ok()?
                .and_utc(),
        );
    }
    let date = DateTime::parse_from_str(value, "%Y-%m-%d %H:%M:%S %z").ok()?;
    Some(date.with_timezone(&Utc))
}
