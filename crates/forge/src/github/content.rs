//! The kinds of data that come as lists: one file a kind, one line here.

mod issue_comments;
mod issues;
mod labels;
mod milestones;
mod pull_requests;
mod releases;
mod review_comments;
mod reviews;
mod walk;

use std::fmt;

use chrono::{DateTime, Utc};
use domain::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Client, Repository};
use crate::Error;
use walk::List;

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
    source: Source,
}

/// Which of the host's interfaces gives the pages.
#[derive(Clone, Copy)]
enum Source {
    /// A list of the REST API.
    Rest(List),
    /// The reviews of all pull requests, by GraphQL.
    Reviews,
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

/// Every collection.
static COLLECTIONS: [&Collection; 8] = [
    &labels::LABELS,
    &milestones::MILESTONES,
    &issues::ISSUES,
    &issue_comments::ISSUE_COMMENTS,
    &pull_requests::PULL_REQUESTS,
    &reviews::REVIEWS,
    &review_comments::REVIEW_COMMENTS,
    &releases::RELEASES,
];

/// The collection of a kind of data; nothing for kinds that are not lists.
pub fn collection(kind: Kind) -> Option<&'static Collection> {
    COLLECTIONS
        .into_iter()
        .find(|collection| collection.kind == kind)
}

/// Reads one page.
pub(super) async fn page(
    client: &Client,
    kind: Kind,
    repository: &Repository,
    cursor: &Cursor,
) -> Result<Page, Error> {
    let collection = collection(kind).ok_or_else(|| Error::Protocol {
        detail: format!("\"{kind}\" does not come as a list."),
    })?;
    match collection.source {
        Source::Rest(list) => walk::page(client, collection, list, repository, cursor).await,
        Source::Reviews => reviews::page(client, repository, cursor).await,
    }
}

/// The item's numeric `id`.
fn id(item: &Value) -> Option<i64> {
    item.get("id")?.as_i64()
}

/// The instant under a name.
fn instant(item: &Value, name: &str) -> Option<DateTime<Utc>> {
    item.get(name)?.as_str()?.parse().ok()
}

/// The item's `updated_at`.
fn updated_at(item: &Value) -> Option<DateTime<Utc>> {
    instant(item, "updated_at")
}

/// For items that do not say when they changed.
fn undated(_: &Value) -> Option<DateTime<Utc>> {
    None
}
