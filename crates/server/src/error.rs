//! Why a command did not do what it was asked to.

use domain::Invalid;

use crate::exit::Exit;

/// Every failure of the program. Its `Display` is a sentence that says what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the person gave is not usable. Nothing was stored.
    #[error("{0}")]
    Input(String),
    /// Something did not work.
    #[error("{0}")]
    Failed(String),
    /// The database.
    #[error("{}", with_sources(.0))]
    Store(#[from] store::Error),
    /// The host.
    #[error(transparent)]
    Forge(#[from] forge::Error),
    /// The storage.
    #[error(transparent)]
    Backup(#[from] backup::Error),
    /// The scheduler.
    #[error("{}", with_sources(.0))]
    Scheduler(#[from] scheduler::Error),
}

impl Error {
    /// Wraps a sentence about what the person gave.
    pub(crate) fn input(sentence: impl Into<String>) -> Self {
        Self::Input(sentence.into())
    }

    /// A name that nothing has, with those that there are.
    pub(crate) fn unknown<'a>(
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        Self::Input(if known.is_empty() {
            format!(
                "There is no {what} called \"{name}\": there is none at all yet, add one first."
            )
        } else {
            format!(
                "There is no {what} called \"{name}\": there is {}.",
                known.join(", ")
            )
        })
    }

    /// What the exit code says of it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Input(_)
            | Self::Store(
                store::Error::NameTaken { .. }
                | store::Error::EmailTaken { .. }
                | store::Error::AlreadyMember { .. }
                | store::Error::Missing { .. }
                | store::Error::MainCredential { .. }
                | store::Error::SecondMainCredential,
            )
            | Self::Scheduler(scheduler::Error::NothingStored { .. }) => Exit::BadInput,
            Self::Store(_)
            | Self::Failed(_)
            | Self::Forge(_)
            | Self::Backup(_)
            | Self::Scheduler(_) => Exit::Failed,
        }
    }
}

/// A sentence and, for whoever has to mend it, what lies under it.
fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(" (");
        text.push_str(&error.to_string());
        text.push(')');
        source = error.source();
    }
    text
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Input(invalid.0)
    }
}
