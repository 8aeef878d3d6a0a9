//! Where a storage is, without the secret that opens it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::Invalid;
use crate::name::shown;

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
    /// What it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Local { .. } => "local",
            Self::S3 { .. } => "s3",
        }
    }

    /// The address as the restic command writes it, of what lies below a path.
    pub fn restic_address(&self, below: &str) -> String {
        match self {
            Self::Local { path } if below.is_empty() => path.display().to_string(),
            Self::Local { path } => path.join(below).display().to_string(),
            Self::S3 {
                endpoint,
                region,
                bucket,
                prefix,
                ..
            } => {
                let amazon = format!("https://s3.{region}.amazonaws.com");
                let mut address = format!("s3:{}/{bucket}", endpoint.as_deref().unwrap_or(&amazon));
                for part in [prefix.as_str(), below] {
                    if !part.is_empty() {
                        address.push('/');
                        address.push_str(part);
                    }
                }
                address
            }
        }
    }
}

/// Understands the address of an S3-compatible service: `https`, or `http` to one of the hosts that may be spoken to so.
///
/// Nothing means Amazon's own. No part of the address but scheme, host and port is taken: a password in it would be stored in clear.
pub fn parse_endpoint(text: &str, http_allowed: &[String]) -> Result<Option<String>, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let invalid = || {
        Invalid::new(format!(
            "{} is not the address of a service: write it as https://s3.example.com.",
            shown(text)
        ))
    };
    let url = Url::parse(text).ok().ok_or_else(invalid)?;
    let host = url.host_str().ok_or_else(invalid)?;
    let is_bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match url.scheme() {
        _ if !is_bare => Err(invalid()),
        "https" => Ok(Some(url.as_str().trim_end_matches('/').to_owned())),
        "http" if http_allowed.iter().any(|allowed| allowed == host) => {
            Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
        }
        "http" => Err(Invalid::new(format!(
            "{} is plain http: use https, or ask whoever runs this service to allow it for this host.",
            shown(text)
        ))),
        _ => Err(invalid()),
    }
}

/// Understands the name of a bucket (Amazon S3 user guide, "Bucket naming rules", with the capitals and underscores of older ones).
pub fn parse_bucket(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    let fits = (3..=63).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..");
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Invalid::new(format!(
            "{} is not the name of a bucket: use 3 to 63 letters, digits, hyphens or dots.",
            shown(text)
        )))
    }
}

/// Understands the name of a region.
pub fn parse_region(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    let fits = (1..=63).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Invalid::new(format!(
            "{} is not a region: write it as eu-central-1.",
            shown(text)
        )))
    }
}

/// Understands a path inside a bucket; slashes at its ends do not count.
pub fn parse_prefix(text: &str) -> Result<String, Invalid> {
    let text = text.trim().trim_matches('/');
    let is_part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    if text.is_empty() || (text.len() <= 500 && text.split('/').all(is_part)) {
        Ok(text.to_owned())
    } else {
        Err(Invalid::new(format!(
            "{} is not a path inside a bucket: use letters, digits, hyphens and dots, with slashes between them.",
            shown(text)
        )))
    }
}

#[cfg(test)]
mod tests;
