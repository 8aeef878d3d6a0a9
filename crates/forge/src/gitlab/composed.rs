//! Lists whose items must be asked about one by one, or must not be kept as they come.

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::content::{Collection, Cursor, Page, read_place, updated_at, write_place};
use crate::laps::Lap;
use crate::{Client, Error, Repository};

/// Items a page: each may cost a request more, and a page that was not finished is begun again.
const ITEMS_A_PAGE: u8 = 20;
/// GitLab's usual limit for the text of a snippet is 50 MB; one that is larger is not kept in a list.
const LARGEST_SNIPPET: usize = 52_428_800;

/// The list of merge requests, of which people approve.
pub(crate) const OF_MERGE_REQUESTS: &str = "merge_requests";

/// What is asked about each item.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Composed {
    /// All that was said about each issue or merge request, which is the list's path: threads, award emoji, approvals.
    Discussions(&'static str),
    /// The text of each snippet.
    Snippets,
    /// The variables of each schedule.
    PipelineSchedules,
    /// Nothing: but a masked value is a secret, and is not kept. A hidden one never comes.
    Variables,
}

#[derive(Serialize, Deserialize)]
struct Step {
    path: String,
    #[serde(default, flatten)]
    lap: Lap,
}

/// Reads one page.
pub(crate) async fn page(
    client: &Client,
    collection: &Collection,
    composed: Composed,
    repository: &Repository,
    cursor: &Cursor,
) -> Result<Page, Error> {
    let project = format!("projects/{}", repository.id);
    let first = || format!("{project}/{}", composed.list());
    let step = match &cursor.next {
        Some(next) => read_place(next)?,
        None => Step {
            path: first(),
            lap: Lap::default(),
        },
    };
    let part = client.part(&step.path, composed.endpoint()).await?;
    let mut items = Vec::with_capacity(part.items.len());
    for item in part.items {
        items.push(composed.whole(client, &project, item).await?);
    }
    let next = match composed {
        Composed::Discussions(_) => {
            let dates = items.iter().filter_map(collection.updated_at);
            step.lap.turn(dates, part.next).map(|(path, lap)| Step {
                path: path.unwrap_or_else(first),
                lap,
            })
        }
        Composed::Snippets | Composed::PipelineSchedules | Composed::Variables => {
            part.next.map(|path| Step {
                path,
                lap: Lap::default(),
            })
        }
    };
    Ok(Page {
        items,
        next: next.map(|step| write_place(&step)).transpose()?,
    })
}

impl Composed {
    fn endpoint(self) -> &'static str {
        match self {
            Self::Discussions(path) => path,
            Self::Snippets => "snippets",
            Self::PipelineSchedules => "pipeline_schedules",
            Self::Variables => "variables",
        }
    }

    /// Path and query of the list's first page, below the project.
    fn list(self) -> String {
        let path = self.endpoint();
        match self {
            Self::Discussions(_) => format!(
                "{path}?scope=all&state=all&order_by=updated_at&sort=desc&per_page={ITEMS_A_PAGE}"
            ),
            Self::Snippets | Self::PipelineSchedules => format!("{path}?per_page={ITEMS_A_PAGE}"),
            Self::Variables => format!("{path}?per_page=100"),
        }
    }

    async fn whole(self, client: &Client, project: &str, mut item: Value) -> Result<Value, Error> {
        let number = |name: &str| item.get(name).and_then(Value::as_i64).unwrap_or_default();
        match self {
            Self::Discussions(path) => {
                let iid = number("iid");
                let discussions = if number("user_notes_count") > 0 {
                    let path = format!("{project}/{path}/{iid}/discussions?per_page=100");
                    all(client, path, "discussions").await?
                } else {
                    Vec::new()
                };
                let mut whole = json!({
                    "id": number("id"),
                    "iid": iid,
                    "updated_at": updated_at(&item),
                    "discussions": discussions,
                });
                // Thumbs are counted in the list: an item without any is not asked about, whatever else it was awarded.
                if number("upvotes") + number("downvotes") > 0 {
                    let path = format!("{project}/{path}/{iid}/award_emoji?per_page=100");
                    let awards = all(client, path, "award_emoji").await?;
                    insert(&mut whole, "award_emoji", awards.into());
                }
                if path == OF_MERGE_REQUESTS {
                    let path = format!("{project}/{path}/{iid}/approvals");
                    let approvals = client.one(&path, "approvals").await?;
                    let by = approvals.get("approved_by").cloned().unwrap_or_default();
                    insert(&mut whole, "approved_by", by);
                }
                Ok(whole)
            }
            Self::Snippets => {
                let path = format!("{project}/snippets/{}/raw", number("id"));
                let text = client.bytes(&path, "snippets/:id/raw").await?;
                let text = gather(text.body).await?;
                insert(&mut item, "content", String::from_utf8_lossy(&text).into());
                Ok(item)
            }
            Self::PipelineSchedules => {
                let path = format!("{project}/pipeline_schedules/{}", number("id"));
                Ok(client.one(&path, "pipeline_schedules/:id").await?)
            }
            Self::Variables => {
                let is_masked = item.get("masked").and_then(Value::as_bool).unwrap_or(true);
                if is_masked {
                    insert(&mut item, "value", Value::Null);
                }
                Ok(item)
            }
        }
    }
}

/// Every item of a list.
async fn all(client: &Client, path: String, endpoint: &'static str) -> Result<Vec<Value>, Error> {
    let mut items = Vec::new();
    let mut next = Some(path);
    while let Some(path) = next {
        let part = client.part(&path, endpoint).await?;
        items.extend(part.items);
        next = part.next;
    }
    Ok(items)
}

async fn gather(body: crate::Body) -> Result<Bytes, Error> {
    let whole = body.try_fold(BytesMut::new(), async |mut whole, chunk| {
        if whole.len() + chunk.len() > LARGEST_SNIPPET {
            return Err(Error::Denied {
                detail: "A snippet is larger than what is kept of one.".to_owned(),
            });
        }
        whole.extend_from_slice(&chunk);
        Ok(whole)
    });
    Ok(whole.await?.freeze())
}

fn insert(item: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = item {
        fields.insert(name.to_owned(), value);
    }
}
