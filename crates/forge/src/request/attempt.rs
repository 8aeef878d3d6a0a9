//! One attempt at a request, through octocrab and the gate.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::BodyExt;
use octocrab::OctoBody;
use serde_json::Value;

use super::course::Course;
use super::{Content, Payload};
use crate::Error;
use crate::forge::Shared;
use crate::gate::{Delivery, Errand, Judged};
use crate::limits::Judgement;

/// What the gate made of the answer, its headers, and its body or why that cannot be read.
pub(super) type Heard = (Judged, HeaderMap, Result<Payload, Judgement>);

/// Sends once.
pub(super) async fn attempt(shared: &Shared, course: &Course) -> Result<Heard, Error> {
    let ask = &course.ask;
    let builder = Request::builder()
        .method(ask.method.clone())
        .uri(ask.url.as_str());
    let json = match &ask.body {
        Some(Content::Json(value)) => Some(value),
        Some(Content::Bytes(..)) | None => None,
    };
    let mut request = shared
        .octocrab
        .build_request(builder, json)
        .map_err(|error| not_made(&error))?;
    if let Some(Content::Bytes(media_type, bytes)) = &ask.body {
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, media_type.clone());
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        *request.body_mut() = OctoBody::from(bytes.clone());
    }
    for (name, value) in &ask.headers {
        request.headers_mut().insert(name, value.clone());
    }
    request.extensions_mut().insert(Arc::new(Errand {
        forge: ask.forge,
        authority: course.authority.clone(),
        demand: ask.demand.clone(),
        dialect: ask.dialect,
        delivery: ask.delivery,
    }));
    let response = shared.octocrab.execute(request).await.map_err(unwrap)?;
    let (mut parts, body) = response.into_parts();
    let judged = parts
        .extensions
        .remove::<Judged>()
        .ok_or_else(|| Error::Protocol {
            detail: "An answer came that did not pass the gate.".to_owned(),
        })?;
    let payload = if judged.judgement != Judgement::Fine {
        Ok(Payload::Json(Value::Null))
    } else if ask.delivery == Delivery::Stream {
        Ok(Payload::Stream(body))
    } else {
        parse(&body.collect().await.map_err(unwrap)?.to_bytes())
    };
    Ok((judged, parts.headers, payload))
}

fn parse(bytes: &[u8]) -> Result<Payload, Judgement> {
    if bytes.is_empty() {
        return Ok(Payload::Json(Value::Null));
    }
    serde_json::from_slice(bytes)
        .map(Payload::Json)
        .map_err(|error| {
            let detail = format!("The host's answer is not whole: {error}.");
            if error.is_eof() {
                Judgement::Cut { detail }
            } else {
                Judgement::Strange { detail }
            }
        })
}

/// Octocrab boxes what the gate says: this is the one place that unpacks it.
pub(crate) fn unwrap(error: octocrab::Error) -> Error {
    let octocrab::Error::Service { source, .. } = error else {
        return not_made(&error);
    };
    match source.downcast::<Error>() {
        Ok(error) => *error,
        Err(other) => Error::Transient {
            detail: format!("The HTTP client failed: {other}."),
        },
    }
}

fn not_made(error: &octocrab::Error) -> Error {
    Error::Protocol {
        detail: format!("The request could not be made: {error}."),
    }
}
