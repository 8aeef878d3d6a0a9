//! Why the simulator could not start or could not do what the control door asked.

use std::path::PathBuf;

/// What can go wrong outside the simulated world. Inside it, failures are answers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A listener could not be opened.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The stock git command is missing or failed.
    #[error("git {command} failed: {message}")]
    Git {
        /// The subcommand.
        command: String,
        /// Its standard error, or why it could not be started.
        message: String,
    },
    /// The TLS certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Tls(String),
    /// A recipe, user or option contradicts itself.
    #[error("{0}")]
    Invalid(String),
    /// The control door was asked about something that is not in the world.
    #[error("there is no {0}")]
    Unknown(String),
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
