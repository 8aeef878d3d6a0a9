//! The second host: bytes behind signed addresses that expire, as an object store serves them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures_util::stream;
use sha2::{Digest, Sha256};

use crate::chaos::{self, Effect, Target};
use crate::lock::{lock, read};
use crate::query::Query;
use crate::state::{Settings, Simulator};
use crate::world::Content;

/// How long a signed address works, in seconds.
const LIFETIME: i64 = 300;

/// The path with its signature.
pub(crate) fn sign(settings: &Settings, path: &str, now: DateTime<Utc>) -> String {
    let expires = now.timestamp() + LIFETIME;
    format!(
        "{path}?expires={expires}&signature={}",
        signature(settings, path, expires)
    )
}

/// The lifetime that LFS answers name.
pub(crate) fn lifetime() -> i64 {
    LIFETIME
}

fn signature(settings: &Settings, path: &str, expires: i64) -> String {
    let mut hasher = Sha256::new();
    hasher.update(settings.signing_key);
    hasher.update(path.as_bytes());
    hasher.update(expires.to_be_bytes());
    hex::encode(hasher.finalize())
}

/// Answers a download.
pub(crate) async fn serve(State(simulator): State<Arc<Simulator>>, request: Request) -> Response {
    let path = request.uri().path();
    let effect = lock(&simulator.faults).strike(&Target {
        method: request.method().as_str(),
        path,
        login: None,
    });
    lock(&simulator.statistics).downloads += 1;
    if let Some(effect) = &effect {
        lock(&simulator.statistics).faults += 1;
        chaos::change_world(&simulator, effect);
        tokio::time::sleep(chaos::delay(effect)).await;
    }
    let response = match &effect {
        Some(Effect::Status { status }) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            refuse(status, "SlowDown", "Please reduce your request rate.")
        }
        _ => answer(&simulator, path, request.uri().query(), request.headers()),
    };
    match effect {
        Some(effect) => chaos::apply(&effect, response).await,
        None => response,
    }
}

fn answer(simulator: &Simulator, path: &str, query: Option<&str>, headers: &HeaderMap) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        return refuse(
            StatusCode::BAD_REQUEST,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
             parameter or the Authorization header should be specified",
        );
    }
    let query = Query::parse(query);
    let expires = query
        .text("expires")
        .and_then(|at| at.parse().ok())
        .unwrap_or(0);
    if query.text("signature") != Some(signature(&simulator.settings, path, expires).as_str()) {
        return refuse(
            StatusCode::FORBIDDEN,
            "SignatureDoesNotMatch",
            "The signature is wrong.",
        );
    }
    if expires <= simulator.clock.now().timestamp() {
        return refuse(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired");
    }
    match find(simulator, path) {
        Some((content, media_type)) => send(simulator, content, &media_type, headers),
        None => refuse(
            StatusCode::NOT_FOUND,
            "NoSuchKey",
            "The specified key does not exist.",
        ),
    }
}

/// `/assets/{repository}/{asset}` or `/lfs/{repository}/{oid}`.
fn find(simulator: &Simulator, path: &str) -> Option<(Content, String)> {
    let world = read(&simulator.world);
    let mut segments = path.trim_start_matches('/').split('/');
    let kind = segments.next()?;
    let repository = world.repositories.get(&segments.next()?.parse().ok()?)?;
    let key = segments.next()?;
    match kind {
        "assets" => {
            let asset = repository.asset(key.parse().ok()?)?;
            Some((asset.content, asset.content_type.clone()))
        }
        "lfs" => {
            let object = repository.lfs_objects.get(key)?;
            Some((object.content, "application/octet-stream".to_owned()))
        }
        _ => None,
    }
}

/// Sends the bytes, from an offset if the client has the beginning already.
fn send(
    simulator: &Simulator,
    content: Content,
    media_type: &str,
    headers: &HeaderMap,
) -> Response {
    let offset = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok())
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse::<u64>()
                .ok()
        })
        .filter(|offset| *offset < content.size);
    let begin = offset.unwrap_or(0);
    let length = content.size - begin;
    lock(&simulator.statistics).downloaded_bytes += length;
    let pieces = content.pieces(begin).map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(stream::iter(pieces)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(media_type) = HeaderValue::from_str(media_type) {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    if offset.is_some() {
        let range = format!("bytes {begin}-{}/{}", content.size - 1, content.size);
        if let Ok(range) = HeaderValue::from_str(&range) {
            headers.insert(header::CONTENT_RANGE, range);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// An error in the words of an object store.
fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}
