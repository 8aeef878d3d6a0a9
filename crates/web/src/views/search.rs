//! Looking for something by a part of its name.

use askama::Template;
use axum::response::Response;
use domain::MemberRole;
use serde::Deserialize;
use store::{Found, Hit};

use crate::error::Error;
use crate::extract::Member;
use crate::form::Query;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};

/// Hits of each kind.
const MOST: u32 = 20;

/// Characters that are looked for.
const LONGEST: usize = 100;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get(
        "/t/{tenant}/search",
        Access::Member(MemberRole::Auditor),
        list,
    )]
}

#[derive(Debug, Deserialize)]
struct Wish {
    q: Option<String>,
}

/// Hits of one kind.
struct Group {
    label: &'static str,
    icon: &'static str,
    hits: Vec<Row>,
    /// Whether there may be more.
    is_full: bool,
}

struct Row {
    name: String,
    organization_name: String,
    url: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    page: Page,
    text: String,
    groups: Vec<Group>,
}

async fn list(member: Member, Query(wish): Query<Wish>) -> Result<Response, Error> {
    let text: String = wish
        .q
        .unwrap_or_default()
        .trim()
        .chars()
        .take(LONGEST)
        .collect();
    let hits = if text.is_empty() {
        Vec::new()
    } else {
        member.scoped.search(&text, MOST).await?
    };
    page::show(&SearchPage {
        page: Page::new(&member, Tab::None, "Search"),
        groups: groups(&member, hits),
        text,
    })
}

fn groups(member: &Member, hits: Vec<Hit>) -> Vec<Group> {
    let mut groups = [
        ("Organizations", "building-community"),
        ("Repositories", "git-branch"),
        ("Plans", "calendar-repeat"),
        ("Credentials", "users-plus"),
    ]
    .map(|(label, icon)| Group {
        label,
        icon,
        hits: Vec::new(),
        is_full: false,
    });
    let [organizations, repositories, plans, credentials] = &mut groups;
    for hit in hits {
        let tab = hit.forge.as_str();
        let (group, url) = match hit.found {
            Found::Organization(id) => (&mut *organizations, format!("{tab}/{id}/edit")),
            Found::Repository(id) => (&mut *repositories, format!("snapshots?repository={id}")),
            Found::Plan(id) => (&mut *plans, format!("plans/{id}/edit")),
            Found::Credential(of) => (&mut *credentials, format!("{tab}/{of}/credentials")),
        };
        group.hits.push(Row {
            name: hit.name,
            organization_name: hit.organization_name,
            url: member.url(url),
        });
        group.is_full = group.hits.len() >= MOST as usize;
    }
    groups
        .into_iter()
        .filter(|group| !group.hits.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
