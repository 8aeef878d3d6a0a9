//! Kinds of data that come as lists: how each is walked, and its pages.

mod walk;

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{ForgeKind, Kind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::github::{self, reviews};
use crate::gitlab::{self, composed};
use crate::{Client, Error, Repository};
pub(crate) use walk::List;

/// How one kind of data is walked and how its items are told apart.
pub struct Collection {
    /// The kind of data.
    pub kind: Kind,
    /// In which order its pages come.
    pub walk: Walk,
    /// What identifies an item within its repository.
    pub key: fn(&Value) -> Option<i64>,
    /// When an item last changed, where the host says so.
    pub updated_at: fn(&Value) -> Option<DateTime<Utc>>,
    pub(crate) source: Source,
}

/// Which of the host's interfaces gives the pages.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// A list of the REST API.
    Rest(List),
    /// GitHub's reviews of all pull requests, by GraphQL.
    Reviews,
    /// A list of GitLab's whose items must be asked about one by one.
    Composed(composed::Composed),
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("kind", &self.kind)
            .field("walk", &self.walk)
            .finish_non_exhaustive()
    }
}

/// In which order the pages of a collection come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Everything, every time.
    Whole,
    /// Ascending by last change, from [`Cursor::since`] on, inclusive: an item may come twice.
    Since,
    /// Newest change first: the reader stops at its watermark. Whoever reads to the end gets the front again, because
    /// items may have moved there meanwhile: an item may come twice, the later time in its newer form.
    NewestFirst,
}

/// Where to go on reading a collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Where a [`Walk::Since`] begins; the other walks leave it to the reader.
    pub since: Option<DateTime<Utc>>,
    /// [`Page::next`] of the page before; nothing for the first page.
    pub next: Option<String>,
}

/// One page of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The items in the host's own words.
    pub items: Vec<Value>,
    /// For the next page's [`Cursor::next`]; nothing after the last page.
    pub next: Option<String>,
}

/// How a host gives a kind of data; nothing for kinds that are not lists there.
pub fn collection(forge: ForgeKind, kind: Kind) -> Option<&'static Collection> {
    let all: &[&Collection] = match forge {
        ForgeKind::GitHub => &github::COLLECTIONS,
        ForgeKind::GitLab => &gitlab::COLLECTIONS,
    };
    all.iter()
        .find(|collection| collection.kind == kind)
        .copied()
}

/// Reads one page.
pub(crate) async fn page(
    client: &Client,
    kind: Kind,
    repository: &Repository,
    cursor: &Cursor,
) -> Result<Page, Error> {
    let forge = client.host().kind();
    let collection = collection(forge, kind).ok_or_else(|| Error::Protocol {
        detail: format!("\"{kind}\" does not come as a list."),
    })?;
    match collection.source {
        Source::Rest(list) => walk::page(client, collection, list, repository, cursor).await,
        Source::Reviews => reviews::page(client, repository, cursor).await,
        Source::Composed(composed) => {
            composed::page(client, collection, composed, repository, cursor).await
        }
    }
}

/// Reads a place to go on from that we once gave out.
pub(crate) fn read_place<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Protocol {
        detail: format!("\"{text}\" is not a place to go on reading from: {error}."),
    })
}

/// Writes a place to go on from, to be given out.
pub(crate) fn write_place<T: Serialize>(place: &T) -> Result<String, Error> {
    serde_json::to_string(place).map_err(|error| Error::Protocol {
        detail: format!("A place to go on reading from cannot be written: {error}."),
    })
}

/// The item's numeric `id`.
pub(crate) fn id(item: &Value) -> Option<i64> {
    item.get("id")?.as_i64()
}

/// The instant under a name.
pub(crate) fn instant(item: &Value, name: &str) -> Option<DateTime<Utc>> {
    item.get(name)?.as_str()?.parse().ok()
}

/// The item's `updated_at`.
pub(crate) fn updated_at(item: &Value) -> Option<DateTime<Utc>> {
    instant(item, "updated_at")
}

/// For items that do not say when they changed.
pub(crate) fn undated(_: &Value) -> Option<DateTime<Utc>> {
    None
}
