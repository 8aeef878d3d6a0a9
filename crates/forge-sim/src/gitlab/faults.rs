//! Answers to order.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What some requests are answered with.
#[derive(Debug, Clone)]
pub struct Fault {
    /// A part of the path and query of those requests.
    pub path: String,
    /// How many of them.
    pub times: u64,
    /// With what.
    pub answer: Answer,
}

/// An answer in place of the right one.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The third shape of "too many": JSON with `Retry-After`.
    TooMany {
        /// Seconds.
        retry_after: u32,
    },
    /// A proxy's page.
    Proxy {
        /// The status, such as 502.
        status: u16,
    },
    /// Another change is being made.
    ResourceLock,
    /// A body that ends too early.
    Cut,
    /// JSON with a status of its own.
    Json {
        /// The status.
        status: u16,
        /// The body.
        body: serde_json::Value,
    },
}

/// The answer to a request that a fault is about.
pub(super) fn strike(faults: &mut Vec<Fault>, address: &str) -> Option<Response> {
    let fault = faults
        .iter_mut()
        .find(|fault| fault.times > 0 && address.contains(&fault.path))?;
    fault.times -= 1;
    let answer = fault.answer.clone();
    faults.retain(|fault| fault.times > 0);
    Some(respond(&answer))
}

fn respond(answer: &Answer) -> Response {
    let status = |code: u16| StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    match answer {
        Answer::TooMany { retry_after } => {
            let headers = [(header::RETRY_AFTER, retry_after.to_string())];
            let body = axum::Json(json!({ "message": "429 Too Many Requests" }));
            (StatusCode::TOO_MANY_REQUESTS, headers, body).into_response()
        }
        Answer::Proxy { status: code } => {
            let headers = [(header::CONTENT_TYPE, "text/html")];
            (status(*code), headers, "<html><body>nginx</body></html>").into_response()
        }
        Answer::ResourceLock => {
            let body = axum::Json(json!({ "message": "409 Conflict: Resource lock" }));
            (StatusCode::CONFLICT, body).into_response()
        }
        Answer::Cut => {
            let mut response = Response::new(Body::from("[{\"id\":1,\"na"));
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                axum::http::HeaderValue::from_static("application/json"),
            );
            response
        }
        Answer::Json { status: code, body } => {
            (status(*code), axum::Json(body.clone())).into_response()
        }
    }
}
