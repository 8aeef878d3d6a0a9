//! Bare mirrors by the stock git command.
//!
//! Nothing is ever pruned in place: what vanishes from the host or is overwritten there stays under `refs/backup/`. A mirror's
//! packs are only added to, so that a snapshot adds only new bytes.

mod bundle;
mod check;
mod command;
mod credential;
mod failure;
mod fetch;
mod kept;
mod mirror;
mod packs;
mod pointers;
mod push;
mod references;
mod running;

pub(crate) use self::bundle::{bundle, check_references};
pub(crate) use self::check::check;
pub use self::command::{GIT_WITH_PROACTIVE_AUTHENTICATION, git_version};
pub(crate) use self::failure::{Class, Failure};
pub(crate) use self::fetch::{Fetching, host_references};
pub(crate) use self::mirror::Mirror;
pub(crate) use self::push::push;
pub(crate) use self::references::References;
