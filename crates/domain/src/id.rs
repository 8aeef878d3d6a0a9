//! Identifiers: one type per thing, over time-ordered UUIDs, so that ids of different things cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Makes a new id, ordered by the time of its making.
            #[expect(clippy::new_without_default, reason = "a default id would be a different id each time")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = crate::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().ok().map(Self).ok_or_else(|| {
                    crate::Invalid::new(format!("\"{text}\" is not an id: an id looks like 0193e0f2-…."))
                })
            }
        }
    )+};
}

ids! {
    /// A customer of this installation.
    TenantId,
    /// A registered connection to one host.
    OrganizationId,
    /// Something that may call the API.
    CredentialId,
    /// An application on a host.
    ApplicationId,
    /// Something that an owner on a host was asked to install.
    InstallationRequestId,
    /// One trial of a token at its host.
    CheckId,
    /// Something that somebody should know.
    AlertId,
    /// A way on which alerts are told.
    ChannelId,
    /// An entry of the Password Manager.
    SecretId,
    /// A place that keeps snapshots.
    StorageId,
    /// What to back up, when and where to.
    PlanId,
    /// One execution of a plan.
    RunId,
    /// One repository's part of a run.
    FetchId,
    /// A repository as Holdfast knows it, over renames and transfers.
    RepositoryId,
    /// A repository's state at one time.
    SnapshotId,
    /// A process that works on the queue.
    WorkerId,
    /// Unsaved changes of a plan.
    DraftId,
    /// Somebody who may sign in.
    PersonId,
    /// A browser that somebody has signed in with.
    SessionId,
    /// A link that makes somebody a member of a tenant.
    InvitationId,
}
