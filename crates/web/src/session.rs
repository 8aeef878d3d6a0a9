//! The cookie by which a person is known again.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::cookie::CookieJar;
use store::Viewer;

use crate::Console;
use crate::error::Error;
use crate::token::{self, Token};

/// As long as a session can last at most.
const MAX_AGE_S: u32 = 30 * 24 * 60 * 60;

/// Who the cookie belongs to.
pub(crate) async fn viewer(
    console: &Console,
    headers: &HeaderMap,
) -> Result<Option<Arc<Viewer>>, Error> {
    let Some(token) = read(headers, name(console)) else {
        return Ok(None);
    };
    let viewer = console.db.people().viewer(&token::hash(&token)).await?;
    Ok(viewer.map(Arc::new))
}

/// The hash of the cookie's token, to ask later whether the session still stands.
pub(crate) fn token_hash(console: &Console, headers: &HeaderMap) -> Option<[u8; 32]> {
    read(headers, name(console)).map(|token| token::hash(&token))
}

/// Makes the browser keep a new session.
pub(crate) fn cookie(console: &Console, token: &Token) -> Result<HeaderValue, Error> {
    set(console, name(console), token.text(), MAX_AGE_S)
}

/// Makes the browser forget its session.
pub(crate) fn no_cookie(console: &Console) -> Result<HeaderValue, Error> {
    set(console, name(console), "", 0)
}

/// The value of a cookie.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    CookieJar::from_headers(headers)
        .get(name)
        .map(|cookie| cookie.value().to_owned())
}

/// A cookie that no script reads and no other site's form brings along. Zero seconds take it away.
pub(crate) fn set(
    console: &Console,
    name: &str,
    value: &str,
    seconds: u32,
) -> Result<HeaderValue, Error> {
    let secure = if console.settings.is_secure() {
        "; Secure"
    } else {
        ""
    };
    HeaderValue::try_from(format!(
        "{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"
    ))
    .map_err(|error| Error::Internal(Box::new(error)))
}

/// With the prefix, browsers take the cookie from nobody but this very host over https.
fn name(console: &Console) -> &'static str {
    if console.settings.is_secure() {
        "__Host-holdfast"
    } else {
        "holdfast"
    }
}
