//! Repositories: lists of an owner, and what belongs to one.

use serde_json::{Value, json};

use super::{Call, Outcome, accounts, root};
use crate::reply::{Refusal, Reply};
use crate::world::{Account, AccountKind, Repository};

pub(super) fn one(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    Ok(Reply::dated(
        call.show().full_repository(repository),
        repository.updated_at,
    ))
}

pub(super) fn of_organization(call: &Call<'_>) -> Outcome {
    let account = accounts::find_organization(call)?;
    list(call, &[account.id], &Listing::of_organization(account))
}

pub(super) fn of_organization_id(call: &Call<'_>) -> Outcome {
    let account = by_id(call, AccountKind::Organization)?;
    list(call, &[account.id], &Listing::of_organization(account))
}

pub(super) fn of_user(call: &Call<'_>) -> Outcome {
    let account = call
        .world
        .account(call.parameter(0))
        .ok_or_else(Refusal::not_found)?;
    list(call, &[account.id], &Listing::of_user(account))
}

pub(super) fn of_user_id(call: &Call<'_>) -> Outcome {
    let account = by_id(call, AccountKind::User)?;
    list(call, &[account.id], &Listing::of_user(account))
}

pub(super) fn mine(call: &Call<'_>) -> Outcome {
    let identity = call.me()?;
    let memberships = call.world.memberships.iter();
    let owners = memberships
        .filter(|membership| membership.user_id == identity.user_id)
        .map(|membership| membership.organization_id)
        .chain([identity.user_id])
        .collect::<Vec<_>>();
    let listing = Listing {
        canonical: "/user/repos".to_owned(),
        sorted_by: "full_name",
        shape: Shape::Whole,
    };
    list(call, &owners, &listing)
}

pub(super) fn topics(call: &Call<'_>) -> Outcome {
    Ok(Reply::json(json!({ "names": call.repository()?.topics })))
}

pub(super) fn languages(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let languages = repository
        .language
        .iter()
        .map(|language| (language.clone(), json!(1024)));
    Ok(Reply::json(Value::Object(languages.collect())))
}

pub(super) fn hooks(call: &Call<'_>) -> Outcome {
    if call.caller.administers(call.repository()?, call.world) {
        root::nothing(call)
    } else {
        Err(Refusal::not_found())
    }
}

/// A list of a repository that is always empty.
pub(super) fn nothing(call: &Call<'_>) -> Outcome {
    call.repository()?;
    root::nothing(call)
}

/// Which of GitHub's two shapes a list of repositories has.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Minimal,
    Whole,
}

fn by_id<'a>(call: &'a Call<'_>, kind: AccountKind) -> Result<&'a Account, Refusal> {
    let id = call.number(0)?;
    call.world
        .accounts
        .get(&id)
        .filter(|account| account.kind == kind)
        .ok_or_else(Refusal::not_found)
}

/// Where a list is found by number, and how it is sorted when nobody says.
struct Listing {
    canonical: String,
    sorted_by: &'static str,
    shape: Shape,
}

impl Listing {
    fn of_organization(account: &Account) -> Self {
        Self {
            canonical: format!("/organizations/{}/repos", account.id),
            sorted_by: "created",
            shape: Shape::Minimal,
        }
    }

    fn of_user(account: &Account) -> Self {
        Self {
            canonical: format!("/user/{}/repos", account.id),
            sorted_by: "full_name",
            shape: Shape::Minimal,
        }
    }
}

fn list(call: &Call<'_>, owners: &[u64], listing: &Listing) -> Outcome {
    let kind = call.query.text("type").unwrap_or("all");
    let mut repositories = owners
        .iter()
        .flat_map(|owner| call.world.repositories_of(*owner))
        .filter(|repository| call.caller.sees(repository, call.world))
        .filter(|repository| match kind {
            "public" => !repository.private,
            "private" => repository.private,
            "forks" => repository.fork,
            "sources" => !repository.fork,
            _ => true,
        })
        .collect::<Vec<_>>();
    sort(call, &mut repositories, listing.sorted_by);
    let show = call.show();
    let canonical = format!("{}{}", call.urls.api, listing.canonical);
    call.page_at(&canonical, &repositories, |repository| {
        match listing.shape {
            Shape::Minimal => show.minimal_repository(repository),
            Shape::Whole => show.repository(repository),
        }
    })
}

fn sort(call: &Call<'_>, repositories: &mut [&Repository], by_default: &str) {
    let sort = call.query.text("sort").unwrap_or(by_default);
    let descending = match call.query.text("direction") {
        Some(direction) => direction == "desc",
        None => sort != "full_name",
    };
    match sort {
        "full_name" => {
            let key = |repository: &&Repository| call.world.full_name(repository).to_lowercase();
            repositories.sort_by_key(key);
        }
        "updated" => repositories.sort_by_key(|repository| (repository.updated_at, repository.id)),
        "pushed" => repositories.sort_by_key(|repository| (repository.pushed_at, repository.id)),
        _ => repositories.sort_by_key(|repository| repository.id),
    }
    if descending {
        repositories.reverse();
    }
}
