//! The files that pages are drawn with: in the binary, under addresses that change with their content.

use std::fmt;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::error::Error;

/// A year, and never asked for again: another content has another address.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A file. It writes itself as its address, so that a template says `{{ crate::assets::CONSOLE_CSS }}`.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Where it is served, with the hash of its content.
    pub(crate) address: &'static str,
    kind: &'static str,
    body: &'static [u8],
    brotli: Option<&'static [u8]>,
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.address)
    }
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Answers a file.
pub(crate) async fn show(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Error> {
    let wanted = format!("/static/{name}");
    let asset = ALL
        .iter()
        .find(|asset| asset.address == wanted)
        .ok_or(Error::NotFound)?;
    let takes_brotli = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|one| one.trim() == "br"));
    let mut response = match asset.brotli {
        Some(brotli) if takes_brotli => {
            ([(header::CONTENT_ENCODING, "br")], brotli).into_response()
        }
        _ => asset.body.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, FOR_EVER);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Ok(response)
}

#[cfg(test)]
mod tests;
