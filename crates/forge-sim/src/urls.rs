//! The addresses that answers contain, seen from the address by which the request came.

use axum::http::{HeaderMap, header};

/// The bases of all addresses.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    /// Pages, git and LFS.
    pub(crate) web: String,
    /// REST.
    pub(crate) api: String,
    /// Signed downloads, on another host.
    pub(crate) download: String,
}

/// The listener that took a request.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    pub(crate) scheme: &'static str,
    /// The address it listens on, for requests that name no host.
    pub(crate) authority: String,
}

impl Urls {
    /// Addresses below the host that the client named.
    pub(crate) fn new(entrance: &Entrance, headers: &HeaderMap, download_port: u16) -> Self {
        let authority = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or(&entrance.authority);
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host);
        let web = format!("{}://{authority}", entrance.scheme);
        Self {
            api: format!("{web}/api/v3"),
            download: format!("http://{host}:{download_port}"),
            web,
        }
    }
}
