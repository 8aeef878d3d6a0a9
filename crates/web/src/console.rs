//! What every handler may use.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use domain::{Clock, Secret};
use store::{Db, Sealer};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::contents::{Contents, Nothing};
use crate::live::Live;
use crate::once::Once;

/// What the installation says about itself.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where people reach the console, if that is known: with `https` cookies are bound to it.
    pub public_url: Option<Url>,
    /// Proxies whose word on a visitor's address counts.
    pub proxies: Vec<IpAddr>,
    /// Folders below which tenants may keep snapshots on this server, each in a part of its own; none if they may not.
    pub storage_roots: Vec<PathBuf>,
    /// Hosts that may be spoken to over plain http although they are not this machine.
    pub http_allowed: Vec<String>,
    /// What the first visitor must know, until somebody is set up.
    pub set_up_code: Option<Secret>,
}

impl Settings {
    /// Whether people come over https.
    pub(crate) fn is_secure(&self) -> bool {
        self.public_url
            .as_ref()
            .is_some_and(|url| url.scheme() == "https")
    }
}

/// The parts that the console is made of. Clones share them.
#[derive(Debug, Clone)]
pub struct Console {
    pub(crate) db: Db,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) clock: Clock,
    pub(crate) settings: Arc<Settings>,
    pub(crate) once: Once,
    pub(crate) contents: Arc<dyn Contents>,
    pub(crate) live: Live,
    /// Cancelled when the process is to end: streams end then.
    pub(crate) draining: CancellationToken,
}

impl Console {
    /// Puts the parts together.
    pub fn new(db: Db, sealer: Arc<Sealer>, clock: Clock, settings: Settings) -> Self {
        Self {
            db,
            sealer,
            clock,
            settings: Arc::new(settings),
            once: Once::default(),
            contents: Arc::new(Nothing),
            live: Live::default(),
            draining: CancellationToken::new(),
        }
    }

    /// With a look into storages.
    #[must_use]
    pub fn with_contents(self, contents: Arc<dyn Contents>) -> Self {
        Self { contents, ..self }
    }

    /// With streams that end when the process drains.
    #[must_use]
    pub fn until(self, draining: CancellationToken) -> Self {
        Self { draining, ..self }
    }
}
