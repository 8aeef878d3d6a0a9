//! Another value for a token, which ends the old one at once.

use std::fmt;

use budget::Demand;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use domain::{Host, Secret};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::forge::Shared;
use crate::gate::Authority;
use crate::request::{Ask, Content, send};
use crate::{Error, address, rest};

/// A token lives a year at most (GitLab docs, "Personal access tokens", expiry), and a day is left for differing clocks.
const LONGEST: u64 = 364;
/// What a rotation gives where nothing is said (GitLab docs, "Personal access tokens API", rotate).
const SHORTEST: u64 = 7;

/// What takes the place of a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Its value.
    pub token: Secret,
    /// When it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for Rotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotated")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Itself {
    created_at: DateTime<Utc>,
    expires_at: Option<NaiveDate>,
}

#[derive(Deserialize)]
struct Answer {
    token: String,
    expires_at: Option<NaiveDate>,
}

/// The new one lives as long as the old one did, because its host allowed that.
///
/// Whatever happens after the request has left, the old value may be worth nothing any more: it is sent once.
pub(crate) async fn rotate(shared: &Shared, host: &Host, token: &Secret) -> Result<Rotated, Error> {
    let authority = Authority::Token(token.clone());
    let path = "personal_access_tokens/self";
    let ask = |path: &str| -> Result<Ask, Error> {
        let url = address::below(host.rest(), path)?;
        let demand = Demand::rest("personal_access_tokens/self");
        Ok(rest::ask(host, url, demand))
    };
    let reply = send(shared, &authority, &ask(path)?).await?;
    let itself: Itself = read(host, reply.payload)?;
    let today = shared.clock.now().date_naive();
    let lived = itself
        .expires_at
        .map(|end| (end - itself.created_at.date_naive()).num_days())
        .and_then(|days| u64::try_from(days).ok())
        .map_or(LONGEST, |days| days.clamp(SHORTEST, LONGEST));
    let end = today.checked_add_days(Days::new(lived)).unwrap_or(today);
    let ask = Ask {
        method: Method::POST,
        body: Some(Content::Json(json!({ "expires_at": end }))),
        repeats: 0,
        ..ask("personal_access_tokens/self/rotate")?
    };
    let reply = send(shared, &authority, &ask).await?;
    let answer: Answer = read(host, reply.payload)?;
    Ok(Rotated {
        token: Secret::new(answer.token),
        expires_at: answer
            .expires_at
            .map(|date| date.and_time(NaiveTime::MIN).and_utc()),
    })
}

fn read<T: serde::de::DeserializeOwned>(
    host: &Host,
    payload: crate::request::Payload,
) -> Result<T, Error> {
    serde_json::from_value(rest::json(payload)?).map_err(|error| Error::Protocol {
        detail: format!("{host} does not answer as a GitLab API does: {error}."),
    })
}
