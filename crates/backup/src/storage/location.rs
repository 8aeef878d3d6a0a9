//! Where a storage is, and what opens a repository in it.

use std::path::PathBuf;

use domain::Secret;

/// A place that holds repositories: a folder, or a bucket of an S3-compatible service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of a local file system. Renames must be atomic there.
    Local {
        /// The folder; it must exist.
        path: PathBuf,
    },
    /// A bucket of an S3-compatible service, addressed by path.
    S3 {
        /// The service's address; nothing for Amazon's own.
        endpoint: Option<String>,
        /// The region.
        region: String,
        /// The bucket; it must exist.
        bucket: String,
        /// Path inside the bucket, without slashes at its ends; empty for the bucket itself.
        prefix: String,
        /// The id of the access key.
        access_key_id: String,
        /// The access key.
        secret_access_key: Secret,
        /// Whether plain http may be spoken.
        allow_http: bool,
    },
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local { path } => write!(f, "{}", path.display()),
            Self::S3 { bucket, prefix, .. } if prefix.is_empty() => write!(f, "s3:{bucket}"),
            Self::S3 { bucket, prefix, .. } => write!(f, "s3:{bucket}/{prefix}"),
        }
    }
}

/// What opens one repository. Either alone suffices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// What the stock `restic` asks for: 256 random bits in hex.
    pub password: Secret,
    /// The key itself, in JSON, as restic's `cat masterkey` shows it: opens without the cost of deriving it from the password.
    pub master: Secret,
}
