//! How a simulator is to be started.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::quota::Limits;
use crate::recipe::Recipe;

/// Everything that can be chosen at the start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The world to make.
    pub recipe: Recipe,
    /// Where to listen for REST, GraphQL and git.
    pub listen: SocketAddr,
    /// Where to keep the git repositories; a temporary folder when absent.
    pub state: Option<PathBuf>,
    /// The limits.
    pub limits: Limits,
    /// How long each API answer takes at least.
    pub latency: Duration,
    /// Entity tags that say nothing, different for each token.
    pub opaque_etags: bool,
    /// Issue lists longer than this refuse `page` and are paged by cursor.
    pub cursor_issues_above: usize,
    /// Whether a second listener speaks TLS with a certificate of its own.
    pub tls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            recipe: Recipe::default(),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            state: None,
            limits: Limits::default(),
            latency: Duration::ZERO,
            opaque_etags: false,
            cursor_issues_above: 10_000,
            tls: false,
        }
    }
}

impl Options {
    /// The usual options for a recipe.
    pub fn new(recipe: Recipe) -> Self {
        Self {
            recipe,
            ..Self::default()
        }
    }
}
