//! What every answer carries.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::Console;
use crate::extract::Hx;

/// Rides in an answer whose forms lead to other hosts: their origins.
#[derive(Debug, Clone)]
pub(crate) struct FormTargets(pub(crate) Vec<String>);

/// Nothing but our own files, nothing inline, nothing evaluated, no frame around us. Images may be data: Tabler's stylesheet
/// draws ticks and arrows so, and a browser may ask for them before the stylesheet that overrules them has come.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const SAME_FOR_ALL: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not "no-referrer": with it browsers hide where a form comes from, by which forged ones are told apart.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// A year.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds them, and turns a redirect that htmx would follow unseen into one that the browser follows.
pub(crate) async fn add(State(console): State<Console>, request: Request, next: Next) -> Response {
    let hx = Hx::of(request.headers());
    let mut response = next.run(request).await;
    if hx.request && response.status() == StatusCode::SEE_OTHER {
        *response.status_mut() = StatusCode::OK;
        if let Some(place) = response.headers_mut().remove(header::LOCATION) {
            response.headers_mut().insert("hx-redirect", place);
        }
    }
    // Browsers hold a form to this policy over redirects too.
    let wider = response
        .extensions()
        .get::<FormTargets>()
        .and_then(|targets| {
            let allowed = format!("form-action 'self' {}", targets.0.join(" "));
            HeaderValue::try_from(POLICY.replace("form-action 'self'", &allowed)).ok()
        });
    let headers = response.headers_mut();
    for (name, value) in SAME_FOR_ALL {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(policy) = wider {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if console.settings.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(header::VARY)
        .or_insert(HeaderValue::from_static("hx-request, hx-target"));
    response
}

#[cfg(test)]
mod tests;
