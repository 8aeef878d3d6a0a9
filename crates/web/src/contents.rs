//! What lies in snapshots. The console knows the database alone; whoever composes the process lends it a look into storages.

use std::fmt::{self, Debug};
use std::pin::Pin;

use bytes::Bytes;
use domain::tree::{Found, Names, Part};
use domain::{OrganizationId, StorageId, TenantId};
use futures_util::Stream;

/// An answer that may take its time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 'a>>;

/// A look into storages.
pub trait Contents: Debug + Send + Sync + 'static {
    /// What lies at a path of a snapshot; the empty path is its own folder.
    fn find<'a>(&'a self, at: &'a Place, path: &'a Names) -> Answer<'a, Found>;

    /// The beginning of a file.
    fn head<'a>(&'a self, at: &'a Place, path: &'a Names, limit: usize) -> Answer<'a, Bytes>;

    /// A part of a snapshot, as a stream that goes no faster than it is taken.
    fn take<'a>(&'a self, at: &'a Place, part: &'a Part) -> Answer<'a, Taken>;
}

/// Where a snapshot lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The tenant.
    pub tenant: TenantId,
    /// The organization.
    pub organization: OrganizationId,
    /// The storage.
    pub storage: StorageId,
    /// The snapshot's id there.
    pub snapshot: String,
}

/// A part of a snapshot on its way.
pub struct Taken {
    /// Its length, if that is known beforehand.
    pub length: Option<u64>,
    /// An error in it means that the rest does not come.
    pub body: Pin<Box<dyn Stream<Item = Result<Bytes, Broken>> + Send>>,
}

impl Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// Why a stream broke off.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The snapshot does not hold it.
    #[error("The snapshot does not hold this.")]
    Missing,
    /// Too much is going on, or the storage does not answer: a sentence.
    #[error("{0}")]
    Away(String),
    /// Something is wrong with what is stored: a sentence.
    #[error("{0}")]
    Failed(String),
}

/// Where nobody has lent a look into storages.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Nothing {
    fn refusal<T>() -> Result<T, Trouble> {
        Err(Trouble::Away(
            "This process does not look into storages.".to_owned(),
        ))
    }
}

impl Contents for Nothing {
    fn find<'a>(&'a self, _: &'a Place, _: &'a Names) -> Answer<'a, Found> {
        Box::pin(std::future::ready(Self::refusal()))
    }

    fn head<'a>(&'a self, _: &'a Place, _: &'a Names, _: usize) -> Answer<'a, Bytes> {
        Box::pin(std::future::ready(Self::refusal()))
    }

    fn take<'a>(&'a self, _: &'a Place, _: &'a Part) -> Answer<'a, Taken> {
        Box::pin(std::future::ready(Self::refusal()))
    }
}
