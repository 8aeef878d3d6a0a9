//! Why the store could not do what it was asked.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use domain::Email;

/// An error of the store. Its text is for a person, its source for a log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database does not answer: the same call may succeed later.
    #[error("The database cannot be reached.")]
    Unavailable(#[source] sqlx::Error),
    /// Another thing of the same kind has the name.
    #[error("There is already {what} with the name \"{name}\": choose another name.")]
    NameTaken {
        /// The kind of thing, with its article.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Something that was referred to does not exist in this tenant.
    #[error("There is no such {what}.")]
    Missing {
        /// The kind of thing.
        what: &'static str,
    },
    /// An organization's main credential is needed for as long as the organization is registered.
    #[error(
        "\"{name}\" is the organization's main credential and cannot be removed: replace its token instead."
    )]
    MainCredential {
        /// The credential's name.
        name: String,
    },
    /// What uses an entry of the Password Manager needs it.
    #[error("\"{name}\" is in use by {}: remove it there first.", users.join(", "))]
    InUse {
        /// The entry's name.
        name: String,
        /// Who uses it, in words.
        users: Vec<String>,
    },
    /// The value is made by Holdfast and opens what was stored with it.
    #[error(
        "\"{name}\" opens a repository of snapshots, which nothing else does: it cannot be changed."
    )]
    KeyOfStorage {
        /// The entry's name.
        name: String,
    },
    /// The value was granted by a person on the host.
    #[error("\"{name}\" was granted on the host and is renewed by itself: it cannot be entered.")]
    Granted {
        /// The entry's name.
        name: String,
    },
    /// The value belongs to a channel for alerts.
    #[error(
        "\"{name}\" belongs to a channel for alerts: edit the channel to give it another value."
    )]
    OfChannel {
        /// The entry's name.
        name: String,
    },
    /// The organization was removed; its snapshots stay, and nothing new is backed up.
    #[error(
        "The organization \"{name}\" was removed: its snapshots can be restored, but its plans do not run any more."
    )]
    OrganizationRemoved {
        /// The organization's name.
        name: String,
    },
    /// What was to be changed is not any more what it was when somebody looked.
    #[error("This was changed meanwhile: look at it again, then decide.")]
    Stale,
    /// An organization has one main credential already.
    #[error(
        "The organization has a main credential already: add this one as an additional credential."
    )]
    SecondMainCredential,
    /// An additional application works only where the organization has main credentials.
    #[error("{}", domain::application::must_be_registered(account))]
    Unregistered {
        /// The account.
        account: String,
    },
    /// The slot of a host has its application.
    #[error("There is a {slot} for this host already: remove it first, or replace its keys.")]
    SlotTaken {
        /// The slot, as pages call it.
        slot: String,
    },
    /// Credentials live by the application.
    #[error("{count} credentials use this application: remove them first.")]
    ApplicationInUse {
        /// How many.
        count: u64,
    },
    /// Nobody else could let new members in.
    #[error(
        "A tenant needs an owner: make somebody else an owner before the last one goes or gets another role."
    )]
    LastOwner,
    /// Who answers for the tenant invites its members.
    #[error("This tenant has an owner, who invites its members.")]
    HasOwner,
    /// Somebody has the e-mail address already.
    #[error("There is already a person with the e-mail address {email}.")]
    EmailTaken {
        /// The address.
        email: Email,
    },
    /// Who is invited belongs to the tenant already.
    #[error("{email} is a member already: change the role in the list of members.")]
    AlreadyMember {
        /// The address.
        email: Email,
    },
    /// The link was used, withdrawn, replaced by a newer one, or is too old.
    #[error(
        "This invitation is not valid any more: ask the person who invited you for a new link."
    )]
    InvitationOver,
    /// The link was meant for somebody else.
    #[error(
        "This invitation is for {email}: sign in with that address, or ask for a link of your own."
    )]
    InvitedAnother {
        /// The address that was invited.
        email: Email,
    },
    /// The installation has its service operator.
    #[error("This installation is set up already: sign in.")]
    SetUpAlready,
    /// Somebody else has changed something since it was looked at.
    #[error("{by} has changed this {what} meanwhile: your changes are not saved yet.")]
    Changed {
        /// The kind of thing.
        what: &'static str,
        /// Who changed it.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// A plan has one open run at a time.
    #[error("A task of this plan is under way: wait for its end, or cancel it first.")]
    RunOpen,
    /// There is nothing to run again.
    #[error(
        "Nothing failed and nothing is missing in this task, or it has not ended yet: run the whole plan instead."
    )]
    NothingFailed,
    /// The claim is not this worker's any more: it was given to another one, or the run has ended.
    #[error("The claim on {what} has passed to somebody else.")]
    LostFence {
        /// What was claimed.
        what: &'static str,
    },
    /// The worker was thought dead, and what it held was given away: it must stop its work and register again.
    #[error("This worker was not heard of for too long and counts as dead.")]
    LostWorker,
    /// The storage lease ended before it was given back: nothing may be deleted on the strength of it.
    #[error("The lease on the storage was lost.")]
    LostLease,
    /// An update met another number of rows than it was meant for.
    #[error("{statement} changed {changed} rows instead of {meant}.")]
    RowCount {
        /// Name of the statement.
        statement: &'static str,
        /// How many rows it was meant for.
        meant: u64,
        /// How many rows it changed.
        changed: u64,
    },
    /// A stored value cannot be understood; it was written by a newer version, or by hand.
    #[error("The database holds {what} that cannot be understood: {detail}")]
    Unreadable {
        /// What the value is, with its article.
        what: &'static str,
        /// Why it is not understood.
        detail: String,
    },
    /// The master key is not the one that the stored keys were wrapped with.
    #[error(
        "The master key does not open this installation's secrets: start with the key file that the installation was begun with."
    )]
    WrongMasterKey,
    /// A sealed secret was changed, or moved from another place.
    #[error("A secret cannot be opened: what is stored is not what was sealed in its place.")]
    BrokenSeal,
    /// The master key is not a key.
    #[error("The master key is not usable: {detail}")]
    MasterKey {
        /// What is wrong and what to do.
        detail: String,
    },
    /// The master key's file cannot be used.
    #[error("The master key in {} cannot be used.", path.display())]
    MasterKeyFile {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// Other people can read the master key.
    #[error(
        "The master key in {0} can be read by other users of this machine: run `chmod 600 {0}`, and replace the tokens if others may have read it.",
        path.display()
    )]
    MasterKeyExposed {
        /// The file.
        path: PathBuf,
    },
    /// The schema could not be brought up to date.
    #[error("The database could not be brought up to date.")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The database refused a statement.
    #[error("The database refused a statement.")]
    Database(#[source] sqlx::Error),
}

impl Error {
    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// SQL states that say "not now" (PostgreSQL documentation, appendix A): connection exceptions, too many connections,
/// shutdown by an administrator, crash, start-up, and the two by which a transaction asks to be tried again.
const PASSING: [&str; 8] = [
    "08", "53300", "55000", "57P01", "57P02", "57P03", "40001", "40P01",
];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let passing = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(answer) => answer
                .code()
                .is_some_and(|code| PASSING.iter().any(|passing| code.starts_with(passing))),
            _ => false,
        };
        if passing {
            Self::Unavailable(error)
        } else {
            Self::Database(error)
        }
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => match Self::from(error) {
                Self::Database(error) => Self::Migrate(sqlx::migrate::MigrateError::Execute(error)),
                other => other,
            },
            other => Self::Migrate(other),
        }
    }
}

/// Turns the violation of a named constraint into an error with a sentence.
pub(crate) trait OnConstraint<T> {
    /// Maps the violation of `constraint`; anything else becomes what it always becomes.
    fn on_constraint(self, constraint: &str, error: impl FnOnce() -> Error) -> Result<T, Error>;
}

impl<T, E: Into<Error>> OnConstraint<T> for Result<T, E> {
    fn on_constraint(self, constraint: &str, error: impl FnOnce() -> Error) -> Result<T, Error> {
        self.map_err(|original| match original.into() {
            Error::Database(sqlx::Error::Database(answer))
                if answer.constraint() == Some(constraint) =>
            {
                error()
            }
            other => other,
        })
    }
}

/// Checks that a statement changed as many rows as it was meant for.
pub(crate) fn meant(
    statement: &'static str,
    meant: u64,
    result: &sqlx::postgres::PgQueryResult,
) -> Result<(), Error> {
    let changed = result.rows_affected();
    if changed == meant {
        Ok(())
    } else {
        Err(Error::RowCount {
            statement,
            meant,
            changed,
        })
    }
}

/// Checks that a statement about one thing found it.
pub(crate) fn found(
    what: &'static str,
    statement: &'static str,
    result: &sqlx::postgres::PgQueryResult,
) -> Result<(), Error> {
    match result.rows_affected() {
        0 => Err(Error::Missing { what }),
        _ => meant(statement, 1, result),
    }
}

#[cfg(test)]
mod tests;
