//! Walking a list of the REST API so that nothing is lost while items change under the reader.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::ForgeKind;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{Collection, Cursor, Page, Walk, read_place, write_place};
use crate::Client;
use crate::Error;
use crate::Repository;
use crate::laps::Lap;
use crate::rest::Part;

/// Where a list is, below the address of its repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    /// Path below the repository; names the endpoint too.
    pub(crate) path: &'static str,
    /// Fixed part of the query.
    pub(crate) query: &'static str,
}

/// A place within a walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    /// Path and query below the API's base.
    path: String,
    /// What the path was asked to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
    #[serde(default, flatten)]
    lap: Lap,
}

/// Reads one page.
pub(super) async fn page(
    client: &Client,
    collection: &Collection,
    list: List,
    repository: &Repository,
    cursor: &Cursor,
) -> Result<Page, Error> {
    let size = client.shared().options.page_size.clamp(1, 100);
    let base = Base::of(client, repository);
    let first = |since| first(list, &base, size, since);
    let since = cursor.since.filter(|_| collection.walk == Walk::Since);
    let mut step = match &cursor.next {
        Some(next) => read_place(next)?,
        None => first(since),
    };
    let part = loop {
        match client.part(&step.path, list.path).await {
            Ok(part) => break part,
            Err(failure) if failure.is_heavy => match smaller(&step.path) {
                Some(path) => step.path = path,
                None => return Err(failure.error),
            },
            Err(failure) => return Err(failure.error),
        }
    };
    let next = match collection.walk {
        Walk::Whole => part.next.clone().map(|path| Step { path, ..step }),
        Walk::Since => go_on_since(&step, collection, &part, first),
        Walk::NewestFirst => {
            let dates = part.items.iter().filter_map(collection.updated_at);
            step.lap
                .turn(dates, part.next.clone())
                .map(|(path, lap)| Step {
                    path: path.unwrap_or_else(|| first(None).path),
                    since: None,
                    lap,
                })
        }
    };
    Ok(Page {
        items: part.items,
        next: next.map(|step| write_place(&step)).transpose()?,
    })
}

/// How a host addresses a repository and what changed in it since an instant.
pub(super) struct Base {
    /// Path below the API's base.
    pub(super) path: String,
    /// Name of the parameter that leaves out what was changed before.
    pub(super) since: &'static str,
}

impl Base {
    fn of(client: &Client, repository: &Repository) -> Self {
        match client.host().kind() {
            ForgeKind::GitHub => Self {
                path: format!("repos/{}", repository.name),
                since: "since",
            },
            // A number outlives renames (GitLab docs, REST API, "Namespaced paths").
            ForgeKind::GitLab => Self {
                path: format!("projects/{}", repository.id),
                since: "updated_after",
            },
        }
    }
}

fn first(list: List, base: &Base, size: u8, since: Option<DateTime<Utc>>) -> Step {
    let mut path = format!("{}/{}?{}per_page={size}", base.path, list.path, list.query);
    if let Some(since) = since {
        path.push('&');
        path.push_str(base.since);
        path.push('=');
        path.push_str(&since.to_rfc3339_opts(SecondsFormat::Secs, true));
    }
    Step {
        path,
        since,
        lap: Lap::default(),
    }
}

/// From the newest change of this page on, inclusive: items that move while one reads move ahead of the reader, never
/// behind. Only a page whose items all have the instant it began with needs the host's own next page, by number: more
/// items than a page holds, changed within one second, and only a change of one of them while they are read could hide
/// another one until the next sweep.
fn go_on_since(
    step: &Step,
    collection: &Collection,
    part: &Part,
    first: impl Fn(Option<DateTime<Utc>>) -> Step,
) -> Option<Step> {
    let link = part.next.clone()?;
    let newest = part.items.iter().filter_map(collection.updated_at).max();
    match newest {
        Some(newest) if step.since.is_none_or(|since| since < newest) => Some(first(Some(newest))),
        Some(_) | None => Some(Step {
            path: link,
            ..step.clone()
        }),
    }
}

/// The same items in smaller pages: GitHub docs, troubleshooting the REST API, for lists that time out.
fn smaller(path: &str) -> Option<String> {
    let (base, query) = path.split_once('?')?;
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let value = |pairs: &[(String, String)], name| {
        pairs
            .iter()
            .find(|(key, _)| key == name)
            .and_then(|(_, value)| value.parse::<u32>().ok())
    };
    let size = value(&pairs, "per_page").filter(|size| *size >= 2 && size % 2 == 0)?;
    let page = value(&pairs, "page");
    for (key, value) in &mut pairs {
        match (key.as_str(), page) {
            ("per_page", _) => *value = (size / 2).to_string(),
            ("page", Some(page)) => *value = (2 * page - 1).to_string(),
            _ => {}
        }
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    Some(format!("{base}?{query}"))
}

#[cfg(test)]
mod tests;
