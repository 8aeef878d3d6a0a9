//! Where a storage is, as its row keeps it: without the secret, which lies in the vault.

use std::path::PathBuf;

use backup::Location;
use domain::Secret;
use serde::{Deserialize, Serialize};

/// The address of a storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    /// A folder of a file system that every worker sees under this path.
    Local {
        /// The absolute path.
        path: PathBuf,
    },
    /// A bucket of an S3-compatible service.
    S3 {
        /// The service's address; nothing for Amazon's own.
        endpoint: Option<String>,
        /// The region.
        region: String,
        /// The bucket.
        bucket: String,
        /// Path inside the bucket, without slashes at its ends.
        prefix: String,
        /// The id of the access key; the key itself is the storage's secret.
        access_key_id: String,
        /// Whether plain http may be spoken.
        allow_http: bool,
    },
}

impl Place {
    /// The address with its secret, as the storage engine wants it; nothing if a secret is needed and missing.
    pub fn locate(self, secret: Option<Secret>) -> Option<Location> {
        match self {
            Self::Local { path } => Some(Location::Local { path }),
            Self::S3 {
                endpoint,
                region,
                bucket,
                prefix,
                access_key_id,
                allow_http,
            } => Some(Location::S3 {
                endpoint,
                region,
                bucket,
                prefix,
                access_key_id,
                secret_access_key: secret?,
                allow_http,
            }),
        }
    }
}
