//! A Postgres for the tests and the demo: the one named by `DATABASE_URL`, or a private cluster that lives as long as we do.

mod binaries;
mod cluster;
mod scratch;

use anyhow::Result;

use crate::environment;

pub(crate) use binaries::Binaries;
pub(crate) use cluster::Cluster;
pub(crate) use scratch::Scratch;

/// A database server that can be used.
#[derive(Debug)]
pub(crate) enum Database {
    /// Somebody else's.
    Given(String),
    /// Ours alone.
    Private(Cluster),
}

impl Database {
    /// Takes `DATABASE_URL`, or starts a private cluster.
    pub(crate) fn open() -> Result<Self> {
        match environment::text("DATABASE_URL") {
            Some(url) => Ok(Self::Given(url)),
            None => Ok(Self::Private(Cluster::start(&Binaries::find()?)?)),
        }
    }

    /// Where to connect.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Given(url) => url,
            Self::Private(cluster) => cluster.url(),
        }
    }

    /// An empty database on it, which goes with the value.
    pub(crate) fn scratch(&self, purpose: &str) -> Result<Scratch> {
        Scratch::create(self.url(), purpose)
    }
}
