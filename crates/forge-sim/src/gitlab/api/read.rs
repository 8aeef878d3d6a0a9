//! What hangs below a project, for reading.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::write::plain;
use super::{Asked, Refused, json_of, refuse};
use crate::gitlab::show;
use crate::gitlab::world::{Item, Project, World, role};

/// Every list besides those with a shape of their own: the role that it asks for, and the feature that it belongs to.
const LISTS: [(&str, u64, &str); 13] = [
    ("labels", 1, ""),
    ("milestones", 1, ""),
    ("boards", role::GUEST, "issues_access_level"),
    ("releases", role::GUEST, "releases_access_level"),
    ("snippets", role::GUEST, "snippets_access_level"),
    ("members", role::GUEST, ""),
    ("hooks", role::MAINTAINER, ""),
    ("variables", role::MAINTAINER, ""),
    ("pipeline_schedules", role::DEVELOPER, "builds_access_level"),
    ("deploy_keys", role::MAINTAINER, ""),
    (
        "protected_branches",
        role::MAINTAINER,
        "repository_access_level",
    ),
    (
        "protected_tags",
        role::MAINTAINER,
        "repository_access_level",
    ),
    ("uploads", role::MAINTAINER, ""),
];

pub(super) fn route(
    asked: &Asked<'_>,
    world: &World,
    project: &Project,
    role: u64,
    rest: &[&str],
) -> Result<Response, Refused> {
    match rest {
        ["issues", rest @ ..] => {
            allow(project, role, 1, "issues_access_level")?;
            items(asked, world, project, project.issues.values(), rest)
        }
        ["merge_requests", rest @ ..] => {
            allow(
                project,
                role,
                least_to_merge(project),
                "merge_requests_access_level",
            )?;
            items(asked, world, project, project.merge_requests.values(), rest)
        }
        ["snippets", id, "raw"] => {
            let found = id
                .parse()
                .ok()
                .and_then(|id: u64| project.snippets.get(&id));
            let found =
                found.ok_or_else(|| refuse(StatusCode::NOT_FOUND, "404 Snippet Not Found"))?;
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            Ok((plain, found.clone()).into_response())
        }
        ["uploads", id] => {
            allow(project, role, role::MAINTAINER, "")?;
            let found = id.parse().ok().and_then(|id: u64| project.uploads.get(&id));
            let content = *found.ok_or_else(|| refuse(StatusCode::NOT_FOUND, "404 Not Found"))?;
            let whole: Vec<u8> = content.pieces(0).flatten().collect();
            let bytes = [(header::CONTENT_TYPE, "application/octet-stream")];
            Ok((bytes, Body::from(whole)).into_response())
        }
        [list] => {
            let &(list, least, feature) = known(list)?;
            allow(project, role, least, feature)?;
            let items = project.lists.get(list).cloned().unwrap_or_default();
            Ok(asked.list(items, false))
        }
        [list, id] => {
            let &(list, least, feature) = known(list)?;
            allow(project, role, least, feature)?;
            let rows = project.lists.get(list).into_iter().flatten();
            let is_it = |row: &&Value| {
                let names = ["id", "name", "tag_name", "key"];
                names
                    .iter()
                    .any(|name| row.get(*name).is_some_and(|value| plain(value) == *id))
            };
            let found = rows.into_iter().find(is_it);
            let mut found = found
                .cloned()
                .ok_or_else(|| refuse(StatusCode::NOT_FOUND, "404 Not found"))?;
            if let ("pipeline_schedules", Value::Object(fields)) = (list, &mut found) {
                let variable = json!({ "key": "MODE", "variable_type": "env_var", "value": "nightly", "raw": false });
                fields.insert("variables".to_owned(), json!([variable]));
            }
            Ok(json_of(&found))
        }
        _ => Err(refuse(StatusCode::NOT_FOUND, "404 Not Found")),
    }
}

fn known(list: &str) -> Result<&'static (&'static str, u64, &'static str), Refused> {
    LISTS
        .iter()
        .find(|(name, _, _)| *name == list)
        .ok_or_else(|| refuse(StatusCode::NOT_FOUND, "404 Not Found"))
}

/// Of private projects guests see no merge requests.
fn least_to_merge(project: &Project) -> u64 {
    if project.visibility == "public" {
        1
    } else {
        role::REPORTER
    }
}

/// A feature that is off and a role that is too low sound alike.
pub(super) fn allow(
    project: &Project,
    role: u64,
    least: u64,
    feature: &str,
) -> Result<(), Refused> {
    if role < least || project.is_off(feature) {
        return Err(refuse(StatusCode::FORBIDDEN, "403 Forbidden"));
    }
    Ok(())
}

/// Issues or merge requests, and what was said about one.
fn items<'a>(
    asked: &Asked<'_>,
    world: &World,
    project: &Project,
    items: impl Iterator<Item = &'a Item>,
    rest: &[&str],
) -> Result<Response, Refused> {
    let show = |item: &Item| show::item(asked.simulator, world, project, item);
    let Some((iid, rest)) = rest.split_first() else {
        let after = asked.query.time("updated_after");
        let state = asked.query.text("state").filter(|state| *state != "all");
        let is_wanted = |item: &&Item| {
            after.is_none_or(|after| item.updated_at >= after)
                && state.is_none_or(|state| {
                    item.fields.get("state").and_then(Value::as_str) == Some(state)
                })
        };
        let mut found: Vec<&Item> = items.filter(is_wanted).collect();
        if asked.query.text("order_by") == Some("updated_at") {
            found.sort_by_key(|item| item.updated_at);
        }
        if asked.query.text("sort") != Some("asc") {
            found.reverse();
        }
        return Ok(asked.list(found.into_iter().map(show).collect(), false));
    };
    let mut items = items;
    let item = items.find(|item| {
        let number = item.fields.get("iid").and_then(Value::as_u64);
        number.is_some_and(|number| number.to_string() == *iid)
    });
    let item = item.ok_or_else(|| refuse(StatusCode::NOT_FOUND, "404 Not found"))?;
    match rest {
        [] => Ok(json_of(&show(item))),
        ["discussions"] => {
            let threads = item.discussions.iter().map(show::discussion);
            Ok(asked.list(threads.collect(), false))
        }
        ["award_emoji"] => Ok(asked.list(item.awards.clone(), false)),
        // Issues are not approved of.
        ["approvals"] if item.fields.get("source_branch").is_some() => Ok(json_of(&json!({
            "iid": item.fields.get("iid"),
            "approved": !item.approved_by.is_empty(),
            "approved_by": item.approved_by,
        }))),
        ["notes"] => {
            let notes = item.discussions.iter().flat_map(|one| one.notes.clone());
            Ok(asked.list(notes.collect(), false))
        }
        _ => Err(refuse(StatusCode::NOT_FOUND, "404 Not Found")),
    }
}
