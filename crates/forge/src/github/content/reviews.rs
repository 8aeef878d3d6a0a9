//! Reviews, by GraphQL: one item a pull request, fifty pull requests a point (REST would be one request each).

use domain::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Client;
use crate::Error;
use crate::Repository;
use crate::content::{self, Collection, Cursor, Page, Source, Walk};
use crate::github::connection::{PageInfo, Place};
use crate::github::{graphql, queries};
use crate::laps::Lap;

pub(crate) static REVIEWS: Collection = Collection {
    kind: Kind::Reviews,
    walk: Walk::NewestFirst,
    key: number,
    updated_at,
    source: Source::Reviews,
};

/// Pull requests a query: the host's clock is the limit here, not the cost (100 of them with their reviews are one point).
const PULL_REQUESTS_A_QUERY: u32 = 50;

#[derive(Serialize, Deserialize)]
struct Step {
    #[serde(flatten)]
    place: Place,
    #[serde(default, flatten)]
    lap: Lap,
}

#[derive(Deserialize)]
struct Data<T> {
    repository: Option<Parent<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parent<T> {
    database_id: i64,
    #[serde(flatten)]
    rest: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Several {
    pull_requests: Connection<PullRequest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct One {
    pull_request: Option<Reviewed>,
}

#[derive(Deserialize)]
struct Reviewed {
    reviews: Connection<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequest {
    number: i64,
    full_database_id: Value,
    updated_at: Value,
    reviews: Connection<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection<T> {
    page_info: PageInfo,
    nodes: Vec<T>,
}

fn number(item: &Value) -> Option<i64> {
    item.get("number")?.as_i64()
}

fn updated_at(item: &Value) -> Option<chrono::DateTime<chrono::Utc>> {
    content::instant(item, "updatedAt")
}

/// Reads one page.
pub(crate) async fn page(
    client: &Client,
    repository: &Repository,
    cursor: &Cursor,
) -> Result<Page, Error> {
    let mut step = match &cursor.next {
        Some(next) => content::read_place(next)?,
        None => Step {
            place: Place {
                size: PULL_REQUESTS_A_QUERY,
                after: None,
            },
            lap: Lap::default(),
        },
    };
    let found: Several = loop {
        let variables = json!({
            "owner": repository.name.owner(),
            "name": repository.name.name(),
            "first": step.place.size,
            "after": step.place.after,
        });
        let points = graphql::cost(1 + step.place.size);
        match client
            .query::<Data<Several>>(queries::REVIEWS, variables, points)
            .await
        {
            Ok(answered) => break unpack(repository, answered.data)?,
            Err(failure) => step.place.halve(failure)?,
        }
    };
    let mut items = Vec::with_capacity(found.pull_requests.nodes.len());
    for pull_request in found.pull_requests.nodes {
        items.push(whole(client, repository, pull_request).await?);
    }
    let size = step.place.size;
    let link = found.pull_requests.page_info.next();
    let next = step
        .lap
        .turn(items.iter().filter_map(updated_at), link)
        .map(|(after, lap)| {
            let place = Place { size, after };
            content::write_place(&Step { place, lap })
        });
    Ok(Page {
        items,
        next: next.transpose()?,
    })
}

/// One item, with every review of the pull request.
async fn whole(
    client: &Client,
    repository: &Repository,
    pull_request: PullRequest,
) -> Result<Value, Error> {
    let number = pull_request.number;
    let mut reviews = pull_request.reviews.nodes;
    let mut next = pull_request.reviews.page_info.next();
    while let Some(after) = next {
        let variables = json!({
            "owner": repository.name.owner(),
            "name": repository.name.name(),
            "number": number,
            "after": after,
        });
        let answered = client
            .query::<Data<One>>(queries::MORE_REVIEWS, variables, 1)
            .await?;
        let more = unpack(repository, answered.data)?
            .pull_request
            .ok_or_else(|| Error::Missing {
                detail: format!("Pull request {number} of {} is gone.", repository.name),
            })?;
        reviews.extend(more.reviews.nodes);
        next = more.reviews.page_info.next();
    }
    Ok(json!({
        "number": number,
        "fullDatabaseId": pull_request.full_database_id,
        "updatedAt": pull_request.updated_at,
        "reviews": reviews,
    }))
}

/// GraphQL follows renames silently: the number tells whether it is still the same repository.
fn unpack<T>(repository: &Repository, data: Data<T>) -> Result<T, Error> {
    match data.repository {
        Some(found) if found.database_id == repository.id => Ok(found.rest),
        Some(found) => Err(Error::Moved {
            to: format!("repository number {}", found.database_id),
        }),
        None => Err(Error::Missing {
            detail: format!("The host has no repository {}.", repository.name),
        }),
    }
}
