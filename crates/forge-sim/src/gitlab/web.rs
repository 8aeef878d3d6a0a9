//! Git over smart HTTP, and Git LFS beside it.

use std::net::IpAddr;
use std::path::PathBuf;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::api::{Caller, known, text};
use super::world::role;
use super::{Simulator, lfs};
use crate::git::cgi;
use crate::lock::{lock, read, write};
use crate::query;

/// GitLab's words to whoever gives no valid credentials.
const DENIED: &str = "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect or you're required to use a token instead of a password.";

/// Answers a request below the host, outside the API; who asked is for the log.
pub(super) async fn serve(
    simulator: &Simulator,
    peer: IpAddr,
    path: &str,
    request: Request,
) -> (Option<String>, Response) {
    let Ok(caller) = basic(simulator, request.headers()) else {
        lock(&simulator.ledger).failed(peer, simulator.clock.now());
        return (None, unauthorized());
    };
    let name = caller.as_ref().map(|caller| caller.username.clone());
    let Some(address) = Address::parse(path) else {
        return (name, text(StatusCode::NOT_FOUND, "Not found"));
    };
    if address.rest.starts_with("/info/lfs/") || address.rest.starts_with("/gitlab-lfs/") {
        let response = lfs::serve(simulator, caller.as_ref(), &address, request).await;
        return (name, response);
    }
    let is_push = address.rest == "/git-receive-pack"
        || request.uri().query() == Some("service=git-receive-pack");
    let git = match find(simulator, caller.as_ref(), &address, is_push) {
        Ok(git) => git,
        Err(response) => return (name, *response),
    };
    if is_push && request.method() == Method::POST {
        touch(simulator, &address);
    }
    let rest = address.rest.to_owned();
    let answered = cgi::serve(&git, &rest, request).await;
    let response = answered.unwrap_or_else(|error| {
        tracing::error!(%error, "git http-backend did not start");
        text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    });
    (name, response)
}

/// Whose token the password is; nobody without one. Any user name will do.
fn basic(simulator: &Simulator, headers: &HeaderMap) -> Result<Option<Caller>, ()> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let value = value.to_str().map_err(|_no_text| ())?;
    let coded = value.strip_prefix("Basic ").ok_or(())?;
    let bytes = BASE64_STANDARD.decode(coded).map_err(|_no_base64| ())?;
    let pair = String::from_utf8(bytes).map_err(|_no_text| ())?;
    let (user, password) = pair.split_once(':').ok_or(())?;
    if user.trim().is_empty() {
        return Err(());
    }
    known(simulator, password).map(Some).map_err(|_refused| ())
}

/// An address of a project's repository and what follows it.
pub(super) struct Address<'a> {
    pub(super) path: String,
    wiki: bool,
    pub(super) rest: &'a str,
}

impl<'a> Address<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let at = path.find(".git/")?;
        let (name, rest) = path.split_at(at + ".git".len());
        let name = name.strip_prefix('/')?.strip_suffix(".git")?;
        let name = query::decode(name);
        let wiki = name.strip_suffix(".wiki").map(str::to_owned);
        Some(Self {
            wiki: wiki.is_some(),
            path: wiki.unwrap_or(name),
            rest,
        })
    }
}

/// The repository on disk, or why not.
fn find(
    simulator: &Simulator,
    caller: Option<&Caller>,
    address: &Address<'_>,
    is_push: bool,
) -> Result<PathBuf, Box<Response>> {
    let world = read(&simulator.world);
    let unseen = || {
        Box::new(match caller {
            None => unauthorized(),
            Some(_) => text(
                StatusCode::NOT_FOUND,
                "The project you were looking for could not be found or you don't have permission to view it.",
            ),
        })
    };
    let Some(project) = world.project(&address.path) else {
        let moved = world.moved(&address.path).ok_or_else(unseen)?;
        let suffix = if address.wiki { ".wiki.git" } else { ".git" };
        let path = world.project_path(moved);
        let location = format!("{}/{path}{suffix}{}", simulator.base, address.rest);
        let headers = [(header::LOCATION, location)];
        return Err(Box::new(
            (StatusCode::MOVED_PERMANENTLY, headers).into_response(),
        ));
    };
    let level = caller.map_or(0, |caller| world.role_in(caller.user, project.group));
    if level == 0 && project.visibility != "public" {
        return Err(unseen());
    }
    let has = |scope: &str| {
        caller.is_none_or(|caller| {
            caller
                .token
                .scopes
                .iter()
                .any(|one| one == scope || one == "api")
        })
    };
    let is_allowed = if is_push {
        level >= role::DEVELOPER && has("write_repository") && !project.archived
    } else {
        (level >= role::REPORTER || project.visibility == "public") && has("read_repository")
    };
    if !is_allowed {
        let words = "You are not allowed to download code from this project.";
        return Err(Box::new(text(StatusCode::FORBIDDEN, words)));
    }
    if address.wiki {
        return project.wiki.clone().ok_or_else(unseen);
    }
    Ok(project.git.clone())
}

/// A push is an activity, and the first one names the default branch.
fn touch(simulator: &Simulator, address: &Address<'_>) {
    let now = simulator.clock.now();
    let mut world = write(&simulator.world);
    let id = world.project(&address.path).map(|project| project.id);
    if let Some(project) = id.and_then(|id| world.projects.get_mut(&id)) {
        project.touch(now);
        project
            .default_branch
            .get_or_insert_with(|| "main".to_owned());
    }
}

pub(super) fn unauthorized() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"GitLab\"")];
    (StatusCode::UNAUTHORIZED, challenge, DENIED).into_response()
}
