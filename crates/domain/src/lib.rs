//! The words of Holdfast and its pure decisions.
//!
//! Refuses I/O of every kind: no sockets, no files, no database, no async. Time is an argument or a [`Clock`].
//! Start reading at [`run`] (what a backup run is and how it ends), then [`schedule`] and [`retention`].
//!
//! Invariants:
//! - a value of a type in this crate is valid: text enters through `parse`, which answers with a sentence;
//! - a [`Secret`] never shows its content in `Debug` and has no `Display`;
//! - a run is complete only when nothing is missing: see [`run::outcome`].
#![warn(missing_docs)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod alert;
pub mod application;
pub mod bucket;
pub mod check;
pub mod clock;
pub mod content;
pub mod credential;
pub mod exchange;
pub mod host;
pub mod id;
pub mod label;
pub mod login;
pub mod name;
pub mod notice;
mod part;
pub mod person;
pub mod place;
pub mod retention;
pub mod run;
pub mod schedule;
pub mod secret;
pub mod selection;
pub mod token;
pub mod tree;
mod weight;

pub use alert::{AlertKind, ChannelKind, HookUrl, Target};
pub use application::{Arrival, Purpose, Slot};
pub use bucket::{BucketKey, Reading, Resource, Subject};
pub use check::{CheckState, Errand, Findings, Refusal, Step};
pub use clock::Clock;
pub use content::{Content, Kind, Omission, Part, Reason};
pub use credential::{CredentialKind, Grant, Health, Role};
pub use host::{ForgeKind, Host};
pub use id::{
    AlertId, ApplicationId, ChannelId, CheckId, CredentialId, DraftId, FetchId,
    InstallationRequestId, InvitationId, OrganizationId, PersonId, PlanId, RepositoryId, RunId,
    SecretId, SessionId, SnapshotId, StorageId, TenantId, WorkerId,
};
pub use label::{Label, Remark};
pub use login::Login;
pub use name::{Name, RepositoryName};
pub use notice::Notice;
pub use part::PoolPart;
pub use person::{Email, MemberRole, PersonName, Theme};
pub use place::Place;
pub use retention::Retention;
pub use run::{FetchState, RunState};
pub use schedule::Schedule;
pub use secret::Secret;
pub use selection::Selection;
pub use token::{MissingRight, github_token, gitlab_token, may_rotate, missing_rights, token_for};
pub use weight::Weight;

/// Why a text given by a person is not what it should be: one sentence that says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    /// Wraps a sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}
