//! Asking the REST API.

use domain::{ForgeKind, Host};
use http::{HeaderValue, Method, header};
use serde_json::Value;
use url::Url;

use crate::Error;
use crate::address;
use crate::client::Client;
use crate::gate::Delivery;
use crate::limits::{Dialect, headers};
use crate::request::{Ask, Failure, Payload, REPEATS, Reply, send};
use budget::Demand;

/// What is accepted as an answer. GitHub docs, media types.
fn json_type(forge: ForgeKind) -> HeaderValue {
    HeaderValue::from_static(match forge {
        ForgeKind::GitHub => "application/vnd.github+json",
        ForgeKind::GitLab => "application/json",
    })
}

/// A part of a list.
pub(crate) struct Part {
    pub(crate) items: Vec<Value>,
    /// Path and query of the next part, below the API's base.
    pub(crate) next: Option<String>,
}

/// A GET request for JSON.
pub(crate) fn ask(host: &Host, url: Url, demand: Demand) -> Ask {
    Ask {
        forge: host.kind(),
        method: Method::GET,
        url,
        headers: vec![(header::ACCEPT, json_type(host.kind()))],
        body: None,
        demand,
        dialect: Dialect::Rest,
        delivery: Delivery::Whole,
        home: Some(host.rest().clone()),
        repeats: REPEATS,
    }
}

impl Client {
    /// One thing.
    pub(crate) async fn one(&self, path: &str, endpoint: &'static str) -> Result<Value, Failure> {
        let reply = self.get(path, endpoint).await?;
        json(reply.payload).map_err(Failure::from)
    }

    /// A part of a list.
    pub(crate) async fn part(&self, path: &str, endpoint: &'static str) -> Result<Part, Failure> {
        let reply = self.get(path, endpoint).await?;
        part(self.host().rest(), path, reply).map_err(Failure::from)
    }

    /// Any answer of the API.
    pub(crate) async fn get(&self, path: &str, endpoint: &'static str) -> Result<Reply, Failure> {
        let url = address::below(self.host().rest(), path)?;
        let ask = ask(self.host(), url, Demand::rest(endpoint));
        send(self.shared(), &self.authority(), &ask).await
    }
}

/// The part of a list that a reply holds.
pub(crate) fn part(base: &Url, path: &str, reply: Reply) -> Result<Part, Error> {
    let next = next(base, &reply)?;
    match json(reply.payload)? {
        Value::Array(items) => Ok(Part { items, next }),
        // GitHub answers some empty lists with 204 and no body.
        Value::Null => Ok(Part {
            items: Vec::new(),
            next: None,
        }),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Err(Error::Protocol {
                detail: format!("The host answered something else than a list for {path}."),
            })
        }
    }
}

/// The JSON of a reply.
pub(crate) fn json(payload: Payload) -> Result<Value, Error> {
    match payload {
        Payload::Json(value) => Ok(value),
        Payload::Stream(_) | Payload::Elsewhere(_) => Err(Error::Protocol {
            detail: "The host answered bytes where JSON was expected.".to_owned(),
        }),
    }
}

/// The next part's path; a link that leads out of the host's API is not followed.
fn next(base: &Url, reply: &Reply) -> Result<Option<String>, Error> {
    let Some(link) = headers::next_page(&reply.headers) else {
        return Ok(None);
    };
    let path = base
        .join(link)
        .ok()
        .and_then(|url| address::relative(base, &url));
    path.map(Some).ok_or_else(|| Error::Protocol {
        detail: format!("The host's next page leads out of its API at {base}."),
    })
}
