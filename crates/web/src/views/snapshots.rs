//! Snapshots: which there are, what one holds, and ways to bring it back.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use domain::{MemberRole, Name, OrganizationId, RepositoryId, SnapshotId};
use serde::Deserialize;
use store::{Snapshot, SnapshotPage, SnapshotPlace, SnapshotQuery};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::form::Query;
use crate::page::{self, Page, Tab};
use crate::place;
use crate::router::{Access, Route};

mod download;
mod files;

/// Rows of a page.
const ROWS: u32 = 50;

/// Characters of a name that is looked for.
const LONGEST_NAME: usize = 200;

pub(crate) fn routes() -> Vec<Route> {
    use Access::Member as Of;
    use MemberRole::{Admin, Auditor, Operator};
    vec![
        Route::get("/t/{tenant}/snapshots", Of(Auditor), list),
        Route::get("/t/{tenant}/snapshots/{snapshot}", Of(Auditor), show),
        Route::get(
            "/t/{tenant}/snapshots/{snapshot}/files",
            Of(Operator),
            files::show,
        ),
        Route::get(
            "/t/{tenant}/snapshots/{snapshot}/download",
            Of(Admin),
            download::send,
        ),
    ]
}

/// What narrows the list.
#[derive(Debug, Deserialize)]
struct Narrowing {
    organization: Option<String>,
    repository: Option<String>,
    q: Option<String>,
    until: Option<String>,
    after: Option<String>,
}

impl Narrowing {
    fn query(&self) -> Result<SnapshotQuery, Error> {
        let organization = wanted(self.organization.as_deref())
            .map(str::parse::<OrganizationId>)
            .transpose()?;
        let repository = wanted(self.repository.as_deref())
            .map(str::parse::<RepositoryId>)
            .transpose()?;
        let name = self.q.as_deref().unwrap_or_default().trim();
        if name.chars().count() > LONGEST_NAME {
            return Err(Error::Invalid(format!(
                "No repository has a name of more than {LONGEST_NAME} characters: shorten what you look for."
            )));
        }
        let before = wanted(self.until.as_deref()).map(end_of).transpose()?;
        Ok(SnapshotQuery {
            organization,
            repository,
            name: name.to_owned(),
            before,
        })
    }
}

fn wanted(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// The end of a day, in UTC.
fn end_of(day: &str) -> Result<DateTime<Utc>, Error> {
    NaiveDate::parse_from_str(day, "%Y-%m-%d")
        .ok()
        .and_then(|day| day.checked_add_days(Days::new(1)))
        .map(|next| next.and_time(NaiveTime::MIN).and_utc())
        .ok_or_else(|| {
            Error::Invalid(format!(
                "\"{day}\" is not a date: write it like 2026-03-31."
            ))
        })
}

#[derive(Template)]
#[template(path = "snapshots/list.html")]
struct List {
    page: Page,
    base: String,
    now: DateTime<Utc>,
    snapshots: SnapshotPage,
    organizations: Vec<(OrganizationId, Name)>,
    organization: String,
    repository: String,
    q: String,
    until: String,
    narrowed: bool,
    more: Option<String>,
}

async fn list(
    State(console): State<Console>,
    member: Member,
    Query(narrowing): Query<Narrowing>,
) -> Result<Response, Error> {
    let query = narrowing.query()?;
    let after = narrowing
        .after
        .as_deref()
        .map(place::read)
        .transpose()?
        .map(|(at, id)| SnapshotPlace {
            at,
            snapshot: SnapshotId(id),
        });
    let snapshots = member.scoped.snapshot_page(&query, after, ROWS).await?;
    let organizations = member.scoped.organization_names().await?;
    let text = |value: Option<String>| value.unwrap_or_default();
    let organization = text(query.organization.map(|id| id.to_string()));
    let repository = text(query.repository.map(|id| id.to_string()));
    let until = text(narrowing.until);
    let more = snapshots.next.map(|next| {
        let after = place::write(next.at, next.snapshot.0);
        let narrow = [
            ("organization", organization.as_str()),
            ("repository", &repository),
            ("q", &query.name),
            ("until", &until),
            ("after", &after),
        ];
        place::url(&member.url("snapshots"), &narrow)
    });
    page::show(&List {
        page: Page::new(&member, Tab::Snapshots, "Snapshots"),
        base: member.url(""),
        now: console.clock.now(),
        narrowed: query != SnapshotQuery::default() || after.is_some(),
        q: query.name,
        snapshots,
        organizations,
        organization,
        repository,
        until,
        more,
    })
}

#[derive(Template)]
#[template(path = "snapshots/show.html")]
struct Whole {
    page: Page,
    base: String,
    now: DateTime<Utc>,
    snapshot: Snapshot,
}

impl Whole {
    fn url(&self, rest: &str) -> String {
        format!("{}snapshots/{}{rest}", self.base, self.snapshot.key)
    }

    fn missing(&self) -> u64 {
        self.snapshot.omissions.len() as u64
    }

    fn has(&self, kind: domain::Kind) -> bool {
        self.snapshot
            .counts
            .get(&kind)
            .is_some_and(|count| *count > 0)
    }
}

async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, SnapshotId)>,
) -> Result<Response, Error> {
    let snapshot = member.scoped.snapshot(id).await?.ok_or(Error::NotFound)?;
    page::show(&Whole {
        page: Page::new(
            &member,
            Tab::Snapshots,
            snapshot.repository_name.to_string(),
        ),
        base: member.url(""),
        now: console.clock.now(),
        snapshot,
    })
}

/// Where a snapshot lies.
fn place_of(member: &Member, snapshot: &Snapshot) -> crate::contents::Place {
    crate::contents::Place {
        tenant: member.scoped.tenant_id(),
        organization: snapshot.organization,
        storage: snapshot.storage,
        snapshot: snapshot.restic_id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_includes_its_last_moment() {
        assert_eq!(
            end_of("2026-02-28").unwrap().to_rfc3339(),
            "2026-03-01T00:00:00+00:00"
        );
        for text in ["2026-02-30", "yesterday", "2026-3", "262142-12-31"] {
            assert!(end_of(text).is_err(), "{text}");
        }
    }
}
