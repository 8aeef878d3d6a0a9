//! Asking the GraphQL API.

use http::{HeaderValue, Method, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Client;
use crate::Error;
use crate::gate::Delivery;
use crate::limits::Dialect;
use crate::request::{Ask, Content, Failure, REPEATS, send};
use crate::rest;
use budget::Demand;

/// An answer's data, and whose credential got it.
pub(super) struct Answered<T> {
    pub(super) data: T,
    pub(super) credential: Option<domain::CredentialId>,
}

impl Client {
    /// Runs a query of an estimated cost. Queries change nothing, so they may be repeated.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: Value,
        points: u32,
    ) -> Result<Answered<T>, Failure> {
        let ask = Ask {
            forge: self.host().kind(),
            method: Method::POST,
            url: self.host().graphql().clone(),
            headers: vec![(header::ACCEPT, HeaderValue::from_static("application/json"))],
            body: Some(Content::Json(
                json!({ "query": document, "variables": variables }),
            )),
            demand: Demand::graphql(points),
            dialect: Dialect::GraphQl,
            delivery: Delivery::Whole,
            home: None,
            repeats: REPEATS,
        };
        let reply = send(self.shared(), &self.authority(), &ask).await?;
        let mut body = rest::json(reply.payload)?;
        let data = body.get_mut("data").map(Value::take).unwrap_or_default();
        let data = serde_json::from_value(data).map_err(|error| Error::Protocol {
            detail: format!("The host's GraphQL API answered data of another shape: {error}."),
        })?;
        Ok(Answered {
            data,
            credential: reply.credential,
        })
    }
}

/// The cost of a query by GitHub's formula, from the number of connections it opens.
///
/// GitHub docs, rate limits for the GraphQL API: connections divided by 100, rounded, at least one.
pub(super) fn cost(connections: u32) -> u32 {
    connections
        .saturating_add(50)
        .checked_div(100)
        .unwrap_or_default()
        .max(1)
}
