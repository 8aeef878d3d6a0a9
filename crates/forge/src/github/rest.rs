//! Asking the REST API.

use http::{HeaderValue, Method, header};
use serde_json::Value;
use url::Url;

use super::address;
use super::client::Client;
use super::request::{Ask, Failure, Payload, REPEATS, Reply, send};
use crate::Error;
use crate::gate::Delivery;
use crate::limits::github::{Dialect, headers};
use budget::Demand;

/// GitHub docs, media types.
const JSON: HeaderValue = HeaderValue::from_static("application/vnd.github+json");

/// A part of a list.
pub(super) struct Part {
    pub(super) items: Vec<Value>,
    /// Path and query of the next part, below the API's base.
    pub(super) next: Option<String>,
}

/// A GET request for JSON.
pub(super) fn ask(base: &Url, url: Url, demand: Demand) -> Ask {
    Ask {
        method: Method::GET,
        url,
        headers: vec![(header::ACCEPT, JSON)],
        body: None,
        demand,
        dialect: Dialect::Rest,
        delivery: Delivery::Whole,
        home: Some(base.clone()),
        repeats: REPEATS,
    }
}

impl Client {
    /// One thing.
    pub(super) async fn one(&self, path: &str, endpoint: &'static str) -> Result<Value, Failure> {
        let reply = self.get(path, endpoint).await?;
        json(reply.payload).map_err(Failure::from)
    }

    /// A part of a list.
    pub(super) async fn part(&self, path: &str, endpoint: &'static str) -> Result<Part, Failure> {
        let reply = self.get(path, endpoint).await?;
        let next = next(self.host().rest(), &reply)?;
        match json(reply.payload)? {
            Value::Array(items) => Ok(Part { items, next }),
            // GitHub answers some empty lists with 204 and no body.
            Value::Null => Ok(Part {
                items: Vec::new(),
                next: None,
            }),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err(Failure::from(Error::Protocol {
                    detail: format!("The host answered something else than a list for {path}."),
                }))
            }
        }
    }

    async fn get(&self, path: &str, endpoint: &'static str) -> Result<Reply, Failure> {
        let base = self.host().rest();
        let url = address::below(base, path)?;
        send(
            self.shared(),
            &self.authority(),
            &ask(base, url, Demand::rest(endpoint)),
        )
        .await
    }
}

/// The JSON of a reply.
pub(super) fn json(payload: Payload) -> Result<Value, Error> {
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
