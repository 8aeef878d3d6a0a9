//! The REST interface: one table of routes, one small function per route.

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::caller::Caller;
use crate::query::{self, Query};
use crate::reply::{Refusal, Reply};
use crate::state::Simulator;
use crate::urls::Urls;
use crate::world::{Repository, World};

mod accounts;
mod actions;
mod apps;
mod comments;
mod git;
mod issues;
mod labels;
mod page;
mod permissions;
mod pulls;
mod releases;
mod repositories;
mod root;
mod routes;
pub(crate) mod show;

pub(crate) use actions::{Act, Action, act, find as find_action};
pub(crate) use routes::{Found, RATE_LIMIT, find};
pub use routes::{app_templates, templates};

/// The path below the API's root.
pub(crate) fn below_root(path: &str) -> &str {
    path.strip_prefix("/api/v3").unwrap_or(path)
}

/// What a view may use.
pub(crate) struct Call<'a> {
    pub(crate) simulator: &'a Simulator,
    pub(crate) world: &'a World,
    pub(crate) caller: &'a Caller,
    pub(crate) urls: &'a Urls,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Query,
    pub(crate) now: DateTime<Utc>,
    /// Decoded values of the path's parameters, owner and name of a repository left out.
    parameters: Vec<String>,
    repository: Option<&'a Repository>,
    /// What `Link` points to: by number, as GitHub does.
    canonical: String,
}

/// What a view answers.
pub(crate) type Outcome = Result<Reply, Refusal>;

impl Call<'_> {
    /// A parameter of the path.
    fn parameter(&self, index: usize) -> &str {
        self.parameters.get(index).map_or("", String::as_str)
    }

    /// A parameter that must be a number.
    fn number(&self, index: usize) -> Result<u64, Refusal> {
        self.parameter(index)
            .parse()
            .map_err(|_not_a_number| Refusal::not_found())
    }

    /// The repository of a route below one.
    fn repository(&self) -> Result<&Repository, Refusal> {
        self.repository.ok_or_else(Refusal::not_found)
    }

    /// What shows things as JSON.
    fn show(&self) -> show::Show<'_> {
        show::Show {
            world: self.world,
            urls: self.urls,
            caller: self.caller,
        }
    }

    /// Whether the client wants bytes rather than a description of them.
    fn wants_bytes(&self) -> bool {
        self.headers
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("application/octet-stream"))
    }
}

/// Answers a request whose route is known.
pub(crate) fn answer(
    simulator: &Simulator,
    world: &World,
    caller: &Caller,
    urls: &Urls,
    parts: &Parts,
    found: &Found<'_>,
) -> Reply {
    outcome(simulator, world, caller, urls, parts, found).unwrap_or_else(Reply::from)
}

fn outcome(
    simulator: &Simulator,
    world: &World,
    caller: &Caller,
    urls: &Urls,
    parts: &Parts,
    found: &Found<'_>,
) -> Outcome {
    let Found::Known {
        route,
        place,
        parameters,
    } = found
    else {
        return Err(Refusal::not_found());
    };
    let (repository, canonical) = match place {
        routes::Place::Root(path) => (None, format!("{}{path}", urls.api)),
        routes::Place::Named { owner, name, rest } => {
            let owner = query::decode(owner);
            let name = query::decode(name);
            let Some(repository) = world.repository(&owner, &name) else {
                return moved(world, caller, urls, &owner, &name, rest, &parts.method);
            };
            (Some(repository), numbered(urls, repository.id, rest))
        }
        routes::Place::Numbered { id, rest } => {
            let repository = world.repositories.get(id).ok_or_else(Refusal::not_found)?;
            (Some(repository), numbered(urls, *id, rest))
        }
    };
    if let Some(repository) = repository {
        if !caller.sees(repository, world) {
            return Err(Refusal::not_found());
        }
        permissions::check(caller, route.template)?;
        if let Some(block) = &repository.block {
            return Err(Refusal::blocked(
                &block.reason,
                &show::time(block.created_at),
            ));
        }
    }
    let call = Call {
        simulator,
        world,
        caller,
        urls,
        headers: &parts.headers,
        query: Query::parse(parts.uri.query()),
        now: simulator.clock.now(),
        parameters: parameters
            .iter()
            .map(|value| query::decode(value))
            .collect(),
        repository,
        canonical,
    };
    (route.view)(&call)
}

fn numbered(urls: &Urls, id: u64, rest: &str) -> String {
    format!("{}/repositories/{id}{rest}", urls.api)
}

/// The answer for a name that nothing has today.
fn moved(
    world: &World,
    caller: &Caller,
    urls: &Urls,
    owner: &str,
    name: &str,
    rest: &str,
    method: &Method,
) -> Outcome {
    let repository = world
        .renamed(owner, name)
        .filter(|repository| caller.sees(repository, world))
        .ok_or_else(Refusal::not_found)?;
    let status = if method == Method::GET {
        StatusCode::MOVED_PERMANENTLY
    } else {
        StatusCode::TEMPORARY_REDIRECT
    };
    let url = numbered(urls, repository.id, rest);
    Err(Refusal::new(status, "Moved Permanently")
        .documented("https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects")
        .field("url", json!(url))
        .with(header::LOCATION, url))
}
