//! What belongs to the host itself: the index, its versions, the caller's limits.

#![expect(
    clippy::unnecessary_wraps,
    reason = "views stand in one table and have one type, whether or not they can refuse"
)]

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Call, Outcome};
use crate::lock::lock;
use crate::quota::Resource;
use crate::reply::{Refusal, Reply};

/// The addresses of the index, as the field's name and what follows the API's root.
const INDEX: [(&str, &str); 32] = [
    ("current_user_url", "/user"),
    ("authorizations_url", "/authorizations"),
    (
        "code_search_url",
        "/search/code?q={query}{&page,per_page,sort,order}",
    ),
    (
        "commit_search_url",
        "/search/commits?q={query}{&page,per_page,sort,order}",
    ),
    ("emails_url", "/user/emails"),
    ("emojis_url", "/emojis"),
    ("events_url", "/events"),
    ("feeds_url", "/feeds"),
    ("followers_url", "/user/followers"),
    ("following_url", "/user/following{/target}"),
    ("gists_url", "/gists{/gist_id}"),
    ("hub_url", "/hub"),
    (
        "issue_search_url",
        "/search/issues?q={query}{&page,per_page,sort,order}",
    ),
    ("issues_url", "/issues"),
    ("keys_url", "/user/keys"),
    (
        "label_search_url",
        "/search/labels?q={query}&repository_id={repository_id}{&page,per_page}",
    ),
    ("notifications_url", "/notifications"),
    ("organization_url", "/orgs/{org}"),
    (
        "organization_repositories_url",
        "/orgs/{org}/repos{?type,page,per_page,sort}",
    ),
    ("organization_teams_url", "/orgs/{org}/teams"),
    ("public_gists_url", "/gists/public"),
    ("rate_limit_url", "/rate_limit"),
    ("repository_url", "/repos/{owner}/{repo}"),
    (
        "repository_search_url",
        "/search/repositories?q={query}{&page,per_page,sort,order}",
    ),
    (
        "current_user_repositories_url",
        "/user/repos{?type,page,per_page,sort}",
    ),
    ("starred_url", "/user/starred{/owner}{/repo}"),
    ("starred_gists_url", "/gists/starred"),
    (
        "topic_search_url",
        "/search/topics?q={query}{&page,per_page}",
    ),
    ("user_url", "/users/{user}"),
    ("user_organizations_url", "/user/orgs"),
    (
        "user_repositories_url",
        "/users/{user}/repos{?type,page,per_page,sort}",
    ),
    (
        "user_search_url",
        "/search/users?q={query}{&page,per_page,sort,order}",
    ),
];

pub(super) fn index(call: &Call<'_>) -> Outcome {
    let mut index = INDEX
        .iter()
        .map(|(key, path)| ((*key).to_owned(), json!(format!("{}{path}", call.urls.api))))
        .collect::<Map<String, Value>>();
    let page = format!(
        "{}/settings/connections/applications{{/client_id}}",
        call.urls.web
    );
    index.insert(
        "current_user_authorizations_html_url".to_owned(),
        json!(page),
    );
    Ok(Reply::json(Value::Object(index)))
}

pub(super) fn meta(_call: &Call<'_>) -> Outcome {
    Ok(Reply::json(json!({
        "verifiable_password_authentication": false,
        "installed_version": "3.19.0",
    })))
}

pub(super) fn versions(_call: &Call<'_>) -> Outcome {
    Ok(Reply::json(json!(["2022-11-28", "2026-03-10"])))
}

pub(super) fn rate_limit(call: &Call<'_>) -> Outcome {
    if call.simulator.settings.limits.off {
        let message = "Rate limiting is not enabled.";
        return Err(Refusal::new(StatusCode::NOT_FOUND, message));
    }
    let bucket = call.caller.bucket();
    let ledger = lock(&call.simulator.ledger);
    let counter = |resource| {
        let reading = ledger.reading(&bucket, resource, call.now);
        json!({
            "limit": reading.limit,
            "used": reading.used,
            "remaining": reading.remaining(),
            "reset": reading.reset,
        })
    };
    let resources = [Resource::Core, Resource::Graphql, Resource::Search]
        .into_iter()
        .map(|resource| (resource.name().to_owned(), counter(resource)))
        .collect::<Map<String, Value>>();
    Ok(Reply {
        validators: crate::reply::Validators::None,
        ..Reply::json(json!({ "resources": resources, "rate": counter(Resource::Core) }))
    })
}

/// A list that is always empty.
pub(super) fn nothing(_call: &Call<'_>) -> Outcome {
    Ok(Reply::json(json!([])))
}

/// The same, for those who have a token.
pub(super) fn nothing_for_me(call: &Call<'_>) -> Outcome {
    call.me().and_then(|_| nothing(call))
}

/// The refusal of what makes sense only for a user.
pub(super) fn unauthenticated() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "Requires authentication")
}
