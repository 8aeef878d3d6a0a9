//! A running simulator.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use crate::control::Control;

/// A running simulator; it stops when this is dropped.
#[derive(Debug)]
pub struct Handle {
    pub(crate) web: String,
    pub(crate) download: String,
    pub(crate) control_url: String,
    pub(crate) secure: Option<Secure>,
    pub(crate) root: PathBuf,
    pub(crate) control: Control,
    pub(crate) stop: CancellationToken,
    /// Removed with the handle, unless the caller chose a folder to keep.
    pub(crate) _temporary: Option<tempfile::TempDir>,
}

/// The same host over TLS.
#[derive(Debug, Clone)]
pub struct Secure {
    /// The base of pages and git, `https://…`.
    pub web: String,
    /// The authority to trust, PEM.
    pub certificate: PathBuf,
}

impl Handle {
    /// The base of pages, git and LFS: the address a person would give for the host.
    pub fn web(&self) -> &str {
        &self.web
    }

    /// The base of REST.
    pub fn api(&self) -> String {
        format!("{}/api/v3", self.web)
    }

    /// The address of GraphQL.
    pub fn graphql(&self) -> String {
        format!("{}/api/graphql", self.web)
    }

    /// The base of the host that serves signed downloads.
    pub fn download(&self) -> &str {
        &self.download
    }

    /// The base of the control door over HTTP.
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// The same host over TLS, if that was asked for.
    pub fn secure(&self) -> Option<&Secure> {
        self.secure.as_ref()
    }

    /// The folder of the git repositories that the simulator made.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The control door for Rust.
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
