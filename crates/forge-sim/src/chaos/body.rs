//! Damages to a right answer on its way: cut off, slow, or not JSON at all.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::{Cut, Effect};

/// How long the first half of a cut answer has to leave before the connection breaks.
const FLUSH: Duration = Duration::from_millis(30);

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Unicorn!</title></head>\n\
                    <body><p>We had issues producing the response to your request.</p></body></html>\n";

/// The answer as the client gets it.
pub(crate) async fn apply(effect: &Effect, response: Response) -> Response {
    match effect {
        Effect::Cut { how: Cut::Reset } => reset(),
        Effect::Cut { how } => {
            let (mut parts, body) = response.into_parts();
            let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
                return reset();
            };
            let half = bytes.slice(..bytes.len() / 2);
            parts.headers.remove(header::TRANSFER_ENCODING);
            parts.headers.remove(header::CONTENT_LENGTH);
            if *how == Cut::Honest {
                return Response::from_parts(parts, Body::from(half));
            }
            if *how == Cut::Declared {
                parts
                    .headers
                    .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            }
            Response::from_parts(parts, broken_after(half))
        }
        Effect::SlowBody {
            pieces,
            milliseconds,
        } => slow(response, *pieces, Duration::from_millis(*milliseconds)).await,
        Effect::Html { .. } => page(response.status()),
        Effect::Partial { error, message } => partial(response, error, message).await,
        _ => response,
    }
}

/// Headers, and a connection that closes before the first byte of the body.
fn reset() -> Response {
    Response::new(broken_after(Bytes::new()))
}

fn broken_after(sent: Bytes) -> Body {
    let broken = stream::once(async {
        tokio::time::sleep(FLUSH).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(stream::iter([Ok(sent)]).chain(broken))
}

async fn slow(response: Response, pieces: usize, pause: Duration) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let size = bytes.len().div_ceil(pieces.max(1)).max(1);
    let chunks = (0..bytes.len())
        .step_by(size)
        .map(move |at| bytes.slice(at..(at + size).min(bytes.len())));
    let paced = stream::iter(chunks.collect::<Vec<_>>()).then(move |chunk| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, Infallible>(chunk)
    });
    Response::from_parts(parts, Body::from_stream(paced))
}

async fn partial(response: Response, error: &str, message: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let mut answer = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
    let last = answer
        .pointer_mut("/data")
        .and_then(Value::as_object_mut)
        .and_then(|data| {
            let (name, value) = data.iter_mut().next_back()?;
            *value = Value::Null;
            Some(name.clone())
        });
    if let Some(answer) = answer.as_object_mut() {
        let error = json!({ "type": error, "message": message, "path": [last] });
        answer.insert("errors".to_owned(), json!([error]));
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(answer.to_string()))
}

fn page(status: StatusCode) -> Response {
    let mut page = Response::new(Body::from(PAGE));
    *page.status_mut() = if status.is_informational() {
        StatusCode::OK
    } else {
        status
    };
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    page.headers_mut().insert(header::CONTENT_TYPE, html);
    page
}
