//! Git LFS: where objects are, a hundred at a time (git-lfs, docs/api/batch.md).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::Secret;
use http::{HeaderName, HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use crate::Error;
use crate::client::Client;
use crate::gate::Delivery;
use crate::limits::Dialect;
use crate::request::{Ask, Content, REPEATS, send};
use crate::{Download, Repository, address, rest};
use budget::Demand;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.git-lfs+json");
/// git-lfs asks for as many in one request, and GitHub counts them so.
const OBJECTS_A_REQUEST: usize = 100;

/// An object as a pointer file names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LfsPointer {
    /// SHA-256 of the content, in hex.
    pub oid: String,
    /// Length of the content.
    pub size: u64,
}

/// What the host says of one object.
#[derive(Debug, Clone)]
pub struct LfsObject {
    /// SHA-256 of the content, in hex.
    pub oid: String,
    /// Length of the content.
    pub size: u64,
    /// How to get it, or why not.
    pub action: Result<LfsAction, Error>,
}

/// How to get one object. The address is signed: it is as secret as a token while it lasts.
#[derive(Clone)]
pub struct LfsAction {
    href: Url,
    headers: Vec<(HeaderName, Secret)>,
    /// Until when the address works, if the host says so.
    pub expires_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for LfsAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LfsAction")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Batch {
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    oid: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    actions: Actions,
    error: Option<Refusal>,
}

#[derive(Default, Deserialize)]
struct Actions {
    download: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: Url,
    #[serde(default)]
    header: BTreeMap<String, String>,
    expires_in: Option<i64>,
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Refusal {
    code: u16,
    #[serde(default)]
    message: String,
}

impl Client {
    /// Where objects are. The answer holds one entry for each that the host spoke of.
    pub async fn lfs_batch(
        &self,
        repository: &Repository,
        objects: &[LfsPointer],
    ) -> Result<Vec<LfsObject>, Error> {
        let mut found = Vec::with_capacity(objects.len());
        for some in objects.chunks(OBJECTS_A_REQUEST) {
            found.extend(self.lfs_request(repository, some).await?);
        }
        Ok(found)
    }

    async fn lfs_request(
        &self,
        repository: &Repository,
        objects: &[LfsPointer],
    ) -> Result<Vec<LfsObject>, Error> {
        let ask = Ask {
            forge: self.host().kind(),
            method: Method::POST,
            url: address::git(self.host(), &repository.name, ".git/info/lfs/objects/batch")?,
            headers: vec![
                (header::ACCEPT, MEDIA_TYPE),
                (header::CONTENT_TYPE, MEDIA_TYPE),
            ],
            body: Some(Content::Json(
                json!({ "operation": "download", "transfers": ["basic"], "objects": objects }),
            )),
            demand: Demand::free("lfs"),
            dialect: Dialect::Lfs,
            delivery: Delivery::Whole,
            home: None,
            // Asking where something is changes nothing.
            repeats: REPEATS,
        };
        let reply = send(self.shared(), &self.authority(), &ask).await?;
        let batch: Batch = serde_json::from_value(rest::json(reply.payload)?).map_err(|error| {
            Error::Protocol {
                detail: format!("The host's LFS answer is not understood: {error}."),
            }
        })?;
        let now = self.shared().clock.now();
        Ok(batch
            .objects
            .into_iter()
            .map(|object| object.read(now))
            .collect())
    }

    /// The bytes of an LFS object. Only the headers that came with the address are sent.
    pub async fn lfs_download(&self, action: &LfsAction) -> Result<Download, Error> {
        let headers = action.headers.iter().map(|(name, value)| {
            let mut value =
                HeaderValue::from_str(value.expose()).map_err(|_invalid| Error::Protocol {
                    detail: format!(
                        "The host's LFS answer gives a header {name} that cannot be sent."
                    ),
                })?;
            value.set_sensitive(true);
            Ok((name.clone(), value))
        });
        self.fetch(action.href.clone(), headers.collect::<Result<_, Error>>()?)
            .await
    }
}

impl Object {
    fn read(self, now: DateTime<Utc>) -> LfsObject {
        let action = match (self.actions.download, self.error) {
            (_, Some(refusal)) => Err(refusal.read(&self.oid)),
            (Some(link), None) => link.read(now),
            (None, None) => Err(Error::Missing {
                detail: format!("The host offers no download of LFS object {}.", self.oid),
            }),
        };
        LfsObject {
            oid: self.oid,
            size: self.size,
            action,
        }
    }
}

impl Link {
    fn read(self, now: DateTime<Utc>) -> Result<LfsAction, Error> {
        let headers = self.header.into_iter().map(|(name, value)| {
            let name = HeaderName::try_from(name).map_err(|error| Error::Protocol {
                detail: format!(
                    "The host's LFS answer gives a header that cannot be sent: {error}."
                ),
            })?;
            Ok((name, Secret::new(value)))
        });
        Ok(LfsAction {
            href: self.href,
            headers: headers.collect::<Result<_, Error>>()?,
            expires_at: self
                .expires_at
                .or_else(|| Some(now + TimeDelta::try_seconds(self.expires_in?)?)),
        })
    }
}

impl Refusal {
    fn read(self, oid: &str) -> Error {
        let detail = format!(
            "The host answered {} for LFS object {oid}: {}.",
            self.code,
            self.message.trim_end_matches('.')
        );
        match self.code {
            404 | 410 => Error::Missing { detail },
            401 | 403 | 507 | 509 => Error::Denied { detail },
            500..=599 | 429 => Error::Transient { detail },
            _ => Error::Protocol { detail },
        }
    }
}
