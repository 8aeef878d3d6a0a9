//! Speaking to GitHub and GitLab politely: one gate that every request passes, in front of it a pool of credentials.
//!
//! Refuses the database, storages, tenants and plans: it sees an opaque pool and a scope. What a host said is judged
//! without I/O; what may be sent is decided without I/O.
//! Start reading at [`Forge`], then follow a request: the session in [`Client`], the lease in [`pool`], the books in
//! [`budget`]. What only one vendor does is in `github` and `gitlab`; everything else knows no vendor.
//!
//! Invariants:
//! - no request leaves without passing the gate, and none for a member of the pool without a lease;
//! - no request is sent to a bucket that is known to be empty, backing off, or out of concurrency;
//! - a token goes to its own host only, to the same origin only, and into no text;
//! - only requests that change nothing are repeated, a few times, and each repetition is counted;
//! - a part of an answer is never taken for the whole: cut bodies, partial GraphQL data and lists shortened for want of
//!   single sign-on are errors.
#![warn(missing_docs)]
#![warn(clippy::wildcard_enum_match_arm)]

mod address;
mod client;
mod content;
mod download;
pub mod error;
mod forge;
mod gate;
mod git;
pub mod github;
mod gitlab;
mod identity;
mod laps;
mod lfs;
mod limits;
mod marks;
mod model;
pub mod oauth;
pub mod pool;
mod request;
mod rest;
#[cfg(test)]
mod test_assets;
mod usage;

pub use client::Client;
pub use content::{Collection, Cursor, Page, Walk, collection};
pub use download::{Body, Download};
pub use error::{Error, Retry};
pub use forge::{Forge, Options, Scope};
pub use gate::trust::PrivateAuthority;
pub use git::GitAccess;
pub use gitlab::Made;
pub use gitlab::Rotated;
pub use identity::{Account, Budgets, Memberships, Owner};
pub use lfs::{LfsAction, LfsObject, LfsPointer};
pub use marks::{Mark, Marks};
pub use model::{Listing, Repository};
pub use pool::{BucketState, Claim, Event, Member, MemberView, Pool, Sharing, Terms};
pub use pool::{Expectation, Outlook};
#[cfg(test)]
use test_assets::test_assets;
pub use usage::{Choice, Spent, Usage};
