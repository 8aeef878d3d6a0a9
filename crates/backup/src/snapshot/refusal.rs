//! What becomes of a refused request: an omission of the snapshot, or the end of the fetch.

use domain::Reason;

use crate::Error;

/// A refusal that the fetch survives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Something is missing from the snapshot.
    Omit(Reason, String),
    /// The host has it switched off: there is nothing to miss.
    Absent,
}

impl Refusal {
    /// Judges an error of one request. Quota, credentials and the caller's own wish end the fetch.
    pub(crate) fn judge(error: forge::Error) -> Result<Self, Error> {
        use forge::Error as Forge;
        match error {
            Forge::Throttled { .. } | Forge::NoCredential { .. } | Forge::Moved { .. } => {
                Err(error.into())
            }
            Forge::Cancelled => Err(Error::Cancelled),
            Forge::Disabled { .. } => Ok(Self::Absent),
            Forge::Denied { detail } => Ok(Self::Omit(Reason::Denied, detail)),
            Forge::Blocked { detail } => Ok(Self::Omit(Reason::Blocked, detail)),
            Forge::Missing { detail } => Ok(Self::Omit(Reason::NotFound, detail)),
            Forge::Corrupt { detail } => Ok(Self::Omit(Reason::Corrupt, detail)),
            Forge::Transient { detail } | Forge::Protocol { detail } => {
                Ok(Self::Omit(Reason::HostError, detail))
            }
        }
    }
}
