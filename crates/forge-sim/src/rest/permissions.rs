//! What an installation must have been given for a route (GitHub docs, permissions required for GitHub Apps).

use axum::http::{HeaderName, StatusCode};

use crate::caller::{Caller, Machine};
use crate::reply::Refusal;

/// What follows a repository in a path, and the permissions of which one is enough.
const NEEDED: [(&str, &[&str]); 10] = [
    ("/hooks", &["repository_hooks"]),
    ("/issues", &["issues", "pull_requests"]),
    ("/labels", &["issues", "pull_requests"]),
    ("/milestones", &["issues", "pull_requests"]),
    ("/pulls", &["pull_requests"]),
    ("/releases", &["contents"]),
    ("/branches", &["contents"]),
    ("/comments", &["contents"]),
    ("/security-advisories", &["repository_advisories"]),
    ("", &["metadata"]),
];

/// Refuses an installation what it was not given. People's tokens are not meant.
pub(super) fn check(caller: &Caller, template: &str) -> Result<(), Refusal> {
    let permissions = match &caller.machine {
        None => return Ok(()),
        Some(Machine::App(_) | Machine::Client(_)) => return Err(Refusal::not_found()),
        Some(Machine::Installation { permissions, .. }) => permissions,
    };
    let below = template
        .strip_prefix("/repos/{owner}/{repo}")
        .unwrap_or_default();
    let needed = NEEDED
        .iter()
        .find(|(beginning, _)| below.starts_with(beginning))
        .map_or(&[][..], |(_, needed)| needed);
    if needed.iter().any(|name| permissions.contains_key(*name)) {
        return Ok(());
    }
    let alternatives: Vec<String> = needed.iter().map(|name| format!("{name}=read")).collect();
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "Resource not accessible by integration",
    )
    .with(
        HeaderName::from_static("x-accepted-github-permissions"),
        alternatives.join("; "),
    ))
}
