//! What a restore writes.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::projects::none;
use super::{Asked, Refused, refuse};
use crate::git::history;
use crate::gitlab::seed::{self, moment};
use crate::gitlab::show;
use crate::gitlab::world::{Item, Project, World, role};
use crate::lock::write;

/// Lists that take a row as it comes, and what tells two rows apart.
const ROWS: [(&str, &str); 8] = [
    ("labels", "name"),
    ("milestones", "title"),
    ("boards", "name"),
    ("releases", "tag_name"),
    ("snippets", "id"),
    ("protected_branches", "name"),
    ("protected_tags", "name"),
    ("variables", "key"),
];

pub(super) fn create_project(asked: &Asked<'_>) -> Result<Response, Refused> {
    let caller = asked.signed_in()?;
    let text = |name: &str| asked.body.get(name).and_then(Value::as_str);
    let path = text("path")
        .or_else(|| text("name"))
        .ok_or_else(|| missing("path"))?;
    let namespace = asked
        .body
        .get("namespace_id")
        .map(plain)
        .ok_or_else(|| missing("namespace_id"))?;
    let mut world = write(&asked.simulator.world);
    let group = world.group(&namespace).map(|group| group.id);
    let group = group.filter(|group| world.role_in(caller.user, *group) >= role::MAINTAINER);
    let group = group.ok_or_else(none)?;
    let is_taken = world
        .projects
        .values()
        .any(|one| one.group == group && one.path.eq_ignore_ascii_case(path));
    if is_taken {
        let body = json!({ "message": { "path": ["has already been taken"], "name": ["has already been taken"] } });
        return Err(Refused::from(
            (StatusCode::BAD_REQUEST, axum::Json(body)).into_response(),
        ));
    }
    let now = asked.simulator.clock.now();
    let mut project = seed::empty_project(&mut world, group, path, &asked.simulator.root);
    text("description")
        .unwrap_or_default()
        .clone_into(&mut project.description);
    if text("visibility") == Some("public") {
        project.visibility = "public";
    }
    project.lfs_enabled = asked
        .body
        .get("lfs_enabled")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    (
        project.created_at,
        project.updated_at,
        project.last_activity_at,
    ) = (now, now, now);
    let wiki = project.git.with_extension("wiki.git");
    for git in [&project.git, &wiki] {
        history::create(git, "main")
            .map_err(|error| refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))?;
    }
    project.wiki = Some(wiki);
    let shown = show::project(asked.simulator, &world, &project);
    world.projects.insert(project.id, project);
    Ok((StatusCode::CREATED, axum::Json(shown)).into_response())
}

pub(super) fn route(
    asked: &Asked<'_>,
    id: u64,
    role: u64,
    rest: &[&str],
) -> Result<Response, Refused> {
    let now = asked.simulator.clock.now();
    let mut world = write(&asked.simulator.world);
    let author = author(&world, asked);
    match (rest, &asked.method) {
        ([], &Method::PUT) => {
            at_least(role, role::MAINTAINER)?;
            let project = world.projects.get_mut(&id).ok_or_else(none)?;
            change_project(project, &asked.body, now);
            let project = world.projects.get(&id).ok_or_else(none)?;
            Ok(super::json_of(&show::project(
                asked.simulator,
                &world,
                project,
            )))
        }
        (["issues"], &Method::POST) => {
            at_least(role, role::GUEST)?;
            let number = world.next_id();
            let project = world.projects.get_mut(&id).ok_or_else(none)?;
            let iid = add_issue(project, number, asked, &author, role, now)?;
            let project = world.projects.get(&id).ok_or_else(none)?;
            let issue = project.issues.get(&iid).ok_or_else(none)?;
            let shown = show::item(asked.simulator, &world, project, issue);
            Ok((StatusCode::CREATED, axum::Json(shown)).into_response())
        }
        (["issues", iid], &Method::PUT) => {
            at_least(role, role::REPORTER)?;
            let iid: u64 = iid.parse().unwrap_or_default();
            let project = world.projects.get_mut(&id).ok_or_else(none)?;
            let issue = project.issues.get_mut(&iid).ok_or_else(none)?;
            change_issue(issue, &asked.body, now);
            let project = world.projects.get(&id).ok_or_else(none)?;
            let issue = project.issues.get(&iid).ok_or_else(none)?;
            Ok(super::json_of(&show::item(
                asked.simulator,
                &world,
                project,
                issue,
            )))
        }
        (["issues", iid, "notes"], &Method::POST) => {
            at_least(role, role::GUEST)?;
            let body = asked.body.get("body").and_then(Value::as_str);
            let body = body.ok_or_else(|| missing("body"))?;
            let at = given_date(&asked.body, role).unwrap_or(now);
            let note = seed::note(&mut world, &author, body, at);
            let iid: u64 = iid.parse().unwrap_or_default();
            let project = world.projects.get_mut(&id).ok_or_else(none)?;
            let issue = project.issues.get_mut(&iid).ok_or_else(none)?;
            issue.updated_at = now;
            let mut random = fastrand::Rng::new();
            issue
                .discussions
                .push(seed::discussion(&mut random, note.clone()));
            project.touch(now);
            Ok((StatusCode::CREATED, axum::Json(note)).into_response())
        }
        ([list], &Method::POST) => {
            let &(list, key) = ROWS
                .iter()
                .find(|(name, _)| name == list)
                .ok_or_else(|| refuse(StatusCode::NOT_FOUND, "404 Not Found"))?;
            at_least(role, role::DEVELOPER)?;
            let number = world.next_id();
            let project = world.projects.get_mut(&id).ok_or_else(none)?;
            add_row(project, list, key, number, &asked.body, now)
        }
        _ => Err(refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "405 Method Not Allowed",
        )),
    }
}

fn at_least(role: u64, least: u64) -> Result<(), Refused> {
    if role < least {
        return Err(refuse(StatusCode::FORBIDDEN, "403 Forbidden"));
    }
    Ok(())
}

fn missing(field: &str) -> Refused {
    refuse(
        StatusCode::BAD_REQUEST,
        &format!("400 (Bad request) \"{field}\" not given"),
    )
}

/// A text or a number as text.
pub(super) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn author(world: &World, asked: &Asked<'_>) -> Value {
    let user = asked
        .caller
        .and_then(|caller| world.users.get(&caller.user));
    user.map_or(Value::Null, |user| {
        json!({ "id": user.id, "username": user.username, "name": user.username, "state": "active" })
    })
}

/// GitLab docs, Issues API: `created_at` and `iid` are for administrators and owners.
fn given_date(body: &Value, role: u64) -> Option<DateTime<Utc>> {
    let text = body.get("created_at").and_then(Value::as_str)?;
    (role >= role::OWNER).then(|| text.parse().ok()).flatten()
}

fn change_project(project: &mut Project, body: &Value, now: DateTime<Utc>) {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(description) = text("description") {
        project.description = description;
    }
    if let Some(is_on) = body.get("lfs_enabled").and_then(Value::as_bool) {
        project.lfs_enabled = is_on;
    }
    if let Some(branch) = text("default_branch") {
        project.default_branch = Some(branch);
    }
    for (name, level) in &mut project.features {
        if let Some(given) = text(name) {
            *level = given;
        }
    }
    project.updated_at = now;
}

fn add_issue(
    project: &mut Project,
    number: u64,
    asked: &Asked<'_>,
    author: &Value,
    role: u64,
    now: DateTime<Utc>,
) -> Result<u64, Refused> {
    let body = &asked.body;
    let title = body.get("title").and_then(Value::as_str);
    let title = title.ok_or_else(|| missing("title"))?;
    let given = body.get("iid").and_then(|iid| plain(iid).parse().ok());
    let next = project.issues.keys().next_back().map_or(1, |last| last + 1);
    let iid = given.filter(|_| role >= role::OWNER).unwrap_or(next);
    if project.issues.contains_key(&iid) {
        return Err(refuse(StatusCode::CONFLICT, "409 Conflict"));
    }
    let labels: Vec<Value> = match body.get("labels") {
        Some(Value::Array(labels)) => labels.clone(),
        Some(Value::String(text)) => text
            .split(',')
            .filter(|label| !label.is_empty())
            .map(Into::into)
            .collect(),
        _ => Vec::new(),
    };
    let milestone = body.get("milestone_id").and_then(|wanted| {
        let rows = project.lists.get("milestones")?;
        let wanted = plain(wanted);
        rows.iter()
            .find(|row| row.get("id").is_some_and(|id| plain(id) == wanted))
            .cloned()
    });
    let fields = json!({
        "id": number,
        "iid": iid,
        "project_id": project.id,
        "title": title,
        "description": body.get("description").cloned().unwrap_or_default(),
        "state": "opened",
        "created_at": moment(given_date(body, role).unwrap_or(now)),
        "closed_at": null,
        "labels": labels,
        "milestone": milestone,
        "assignees": [],
        "author": author,
    });
    project.issues.insert(
        iid,
        Item {
            fields,
            updated_at: now,
            discussions: Vec::new(),
            awards: Vec::new(),
            approved_by: Vec::new(),
        },
    );
    project.touch(now);
    Ok(iid)
}

fn change_issue(issue: &mut Item, body: &Value, now: DateTime<Utc>) {
    let Value::Object(fields) = &mut issue.fields else {
        return;
    };
    match body.get("state_event").and_then(Value::as_str) {
        Some("close") => {
            fields.insert("state".to_owned(), "closed".into());
            fields.insert("closed_at".to_owned(), moment(now).into());
        }
        Some("reopen") => {
            fields.insert("state".to_owned(), "opened".into());
            fields.insert("closed_at".to_owned(), Value::Null);
        }
        _ => {}
    }
    issue.updated_at = now;
}

fn add_row(
    project: &mut Project,
    list: &str,
    key: &str,
    number: u64,
    body: &Value,
    now: DateTime<Utc>,
) -> Result<Response, Refused> {
    let Value::Object(given) = body else {
        return Err(missing(key));
    };
    let rows = project.lists.entry(list.to_owned()).or_default();
    let is_twin = |row: &Value| given.contains_key(key) && row.get(key) == given.get(key);
    if rows.iter().any(is_twin) {
        return Err(refuse(StatusCode::CONFLICT, "409 Conflict: already exists"));
    }
    let mut row = given.clone();
    row.insert("id".to_owned(), number.into());
    match list {
        "milestones" => {
            row.insert("iid".to_owned(), (rows.len() + 1).into());
            row.entry("state").or_insert_with(|| "active".into());
        }
        "releases" => {
            row.remove("id");
            row.entry("created_at")
                .or_insert_with(|| moment(now).into());
        }
        _ => {}
    }
    rows.push(Value::Object(row.clone()));
    project.touch(now);
    Ok((StatusCode::CREATED, axum::Json(Value::Object(row))).into_response())
}
