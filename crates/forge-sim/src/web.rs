//! The host that people and git see: pages for people, repositories over smart HTTP, and Git LFS beside them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::caller::Caller;
use crate::chaos::{self, Effect, Target};
use crate::git::cgi;
use crate::lock::{lock, read};
use crate::query;
use crate::state::Simulator;
use crate::urls::{Entrance, Urls};

mod lfs;
mod pages;

/// What git is told about a repository that is not there, or not for it.
const NOT_FOUND: &str = "Repository not found.";

/// Answers a request below the host, outside the programming interfaces.
pub(crate) async fn serve(
    simulator: Arc<Simulator>,
    entrance: Entrance,
    address: IpAddr,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    let identify = |request: &Request| {
        let world = read(&simulator.world);
        Caller::of(request.headers(), address, &world, simulator.clock.now()).ok()
    };
    let mut caller = identify(&request);
    let effect = lock(&simulator.faults).strike(&Target {
        method: request.method().as_str(),
        path: &path,
        login: caller.as_ref().map(Caller::login),
    });
    if let Some(effect) = &effect {
        lock(&simulator.statistics).faults += 1;
        chaos::change_world(&simulator, effect);
        tokio::time::sleep(chaos::delay(effect)).await;
        caller = identify(&request);
    }
    let response = match effect.as_ref().and_then(replaced) {
        Some(response) => response,
        None => answer(&simulator, &entrance, caller.as_ref(), &path, request).await,
    };
    match effect {
        Some(effect) => chaos::apply(&effect, response).await,
        None => response,
    }
}

/// The answer that a fault puts in place of the right one.
fn replaced(effect: &Effect) -> Option<Response> {
    let status =
        |code: u16| StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match effect {
        Effect::Status { status: code } | Effect::Html { status: code } => {
            Some(text(status(*code), "Internal Server Error"))
        }
        Effect::BadCredentials => Some(unauthorized("Invalid username or token.")),
        Effect::ResourceNotAccessible => Some(not_granted()),
        Effect::Blocked { .. } => Some(blocked()),
        Effect::SecondaryLimit { status: code, .. } | Effect::PrimaryLimit { status: code, .. } => {
            Some(text(
                status(*code),
                "This request was rate-limited due to too many requests.",
            ))
        }
        _ => None,
    }
}

async fn answer(
    simulator: &Simulator,
    entrance: &Entrance,
    caller: Option<&Caller>,
    path: &str,
    request: Request,
) -> Response {
    let request = match pages::serve(simulator, path, request).await {
        Ok(page) => return page,
        Err(request) => request,
    };
    let Some(target) = Address::parse(path) else {
        return text(StatusCode::NOT_FOUND, "Not Found");
    };
    let Some(caller) = caller else {
        let message = "Invalid username or token. Password authentication is not supported for Git operations.";
        return unauthorized(message);
    };
    let urls = Urls::new(
        entrance,
        request.headers(),
        simulator.settings.download_port,
    );
    if target.rest == lfs::BATCH && request.method() == Method::POST {
        lock(&simulator.statistics).lfs += 1;
        return lfs::batch(simulator, &urls, caller, &target, request).await;
    }
    lock(&simulator.statistics).git += 1;
    match find(simulator, &urls, caller, &target, request.uri().query()) {
        Err(response) => *response,
        Ok(git) => cgi::serve(&git, target.rest, request)
            .await
            .unwrap_or_else(|error| {
                tracing::error!(%error, "git http-backend did not start");
                text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }),
    }
}

/// An address of a repository and what follows it.
#[derive(Debug)]
struct Address<'a> {
    owner: String,
    name: String,
    wiki: bool,
    rest: &'a str,
}

impl<'a> Address<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let (owner, below) = path.strip_prefix('/')?.split_once('/')?;
        let at = below.find('/')?;
        let (name, rest) = below.split_at(at);
        let known = [
            "/info/refs",
            "/git-upload-pack",
            "/git-receive-pack",
            lfs::BATCH,
        ];
        if !known.contains(&rest) {
            return None;
        }
        let name = query::decode(name.strip_suffix(".git").unwrap_or(name));
        let wiki = name.strip_suffix(".wiki").map(str::to_owned);
        Some(Self {
            owner: query::decode(owner),
            wiki: wiki.is_some(),
            name: wiki.unwrap_or(name),
            rest,
        })
    }
}

/// The git repository on disk, or why not.
fn find(
    simulator: &Simulator,
    urls: &Urls,
    caller: &Caller,
    target: &Address<'_>,
    query: Option<&str>,
) -> Result<PathBuf, Box<Response>> {
    let world = read(&simulator.world);
    let unseen = || {
        Box::new(if caller.is_authorized() {
            text(StatusCode::NOT_FOUND, NOT_FOUND)
        } else {
            unauthorized(NOT_FOUND)
        })
    };
    let Some(repository) = world.repository(&target.owner, &target.name) else {
        let moved = world
            .renamed(&target.owner, &target.name)
            .filter(|repository| caller.sees(repository, &world))
            .ok_or_else(unseen)?;
        let suffix = if target.wiki { ".wiki.git" } else { ".git" };
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let name = world.full_name(moved);
        let location = format!("{}/{name}{suffix}{}{query}", urls.web, target.rest);
        return Err(Box::new(redirect(&location)));
    };
    if !caller.sees(repository, &world) {
        return Err(unseen());
    }
    if repository.block.is_some() {
        return Err(Box::new(blocked()));
    }
    if target.rest == "/git-receive-pack" || query == Some("service=git-receive-pack") {
        return Err(Box::new(not_granted()));
    }
    if target.wiki {
        return repository.wiki.clone().ok_or_else(unseen);
    }
    Ok(repository.git.clone())
}

fn not_granted() -> Response {
    text(
        StatusCode::FORBIDDEN,
        "Write access to repository not granted.",
    )
}

fn blocked() -> Response {
    text(
        StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
        "Repository unavailable due to DMCA takedown.",
    )
}

fn unauthorized(message: &'static str) -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"GitHub\"")];
    (StatusCode::UNAUTHORIZED, challenge, format!("{message}\n")).into_response()
}

fn redirect(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Plain text, which git shows after `remote:`.
fn text(status: StatusCode, message: &str) -> Response {
    let plain = [(header::CONTENT_TYPE, "text/plain")];
    (status, plain, format!("{message}\n")).into_response()
}
