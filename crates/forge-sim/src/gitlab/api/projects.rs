//! Projects: which there are, who sees them, and where one went that has moved.

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Asked, Refused, json_of, read as reading, refuse, write as writing};
use crate::gitlab::page::List;
use crate::gitlab::show;
use crate::gitlab::world::{Project, World};
use crate::lock::read;

impl Asked<'_> {
    /// A part of a list.
    pub(super) fn list(&self, items: Vec<Value>, keyset: bool) -> Response {
        let list = List {
            address: self.address.clone(),
            query: &self.query,
            items,
            keyset,
            totals_up_to: self.simulator.totals_up_to,
        };
        list.answer()
    }

    /// The caller's role in a project; 0 for those who do not see it.
    pub(super) fn role_in(&self, world: &World, project: &Project) -> u64 {
        let user = self.caller.map(|caller| caller.user);
        let role = user.map_or(0, |user| world.role_in(user, project.group));
        if role == 0 && project.visibility == "public" {
            1
        } else {
            role
        }
    }
}

/// The projects that the caller sees, of those that are wanted.
pub(super) fn listed(asked: &Asked<'_>, is_wanted: impl Fn(u64) -> bool) -> Response {
    let world = read(&asked.simulator.world);
    let is_active_after = |project: &Project| {
        asked
            .query
            .time("last_activity_after")
            .is_none_or(|after| project.last_activity_at > after)
    };
    let mut projects: Vec<&Project> = world
        .projects
        .values()
        .filter(|project| is_wanted(project.id) && asked.role_in(&world, project) > 0)
        .filter(|project| is_active_after(project))
        .filter(|project| match asked.query.text("archived") {
            Some("true") => project.archived,
            Some("false") => !project.archived,
            _ => true,
        })
        .collect();
    if asked.query.text("order_by") == Some("last_activity_at") {
        projects.sort_by_key(|project| project.last_activity_at);
    }
    if asked.query.text("sort") != Some("asc") {
        projects.reverse();
    }
    let shown = projects
        .into_iter()
        .map(|project| show::project(asked.simulator, &world, project));
    asked.list(shown.collect(), true)
}

pub(super) fn route(asked: &Asked<'_>, parts: &[&str]) -> Result<Response, Refused> {
    let ["projects", rest @ ..] = parts else {
        return Err(none());
    };
    let Some((named, rest)) = rest.split_first() else {
        if asked.is_read() {
            let is_membership = asked.query.is_on("membership");
            let user = asked.caller.map(|caller| caller.user);
            let world = read(&asked.simulator.world);
            let mine: Vec<u64> = world
                .projects
                .values()
                .filter(|one| user.is_some_and(|user| world.role_in(user, one.group) > 0))
                .map(|one| one.id)
                .collect();
            drop(world);
            return Ok(listed(asked, |id| !is_membership || mine.contains(&id)));
        }
        return writing::create_project(asked);
    };
    let world = read(&asked.simulator.world);
    let Some(project) = world.project(named) else {
        let moved = world.moved(named).ok_or_else(none)?;
        if asked.role_in(&world, moved) == 0 {
            return Err(none());
        }
        return Err(elsewhere(asked, moved, rest));
    };
    let role = asked.role_in(&world, project);
    if role == 0 {
        return Err(none());
    }
    let id = project.id;
    match rest {
        [] if asked.is_read() => {
            let mut shown = show::project(asked.simulator, &world, project);
            if let Value::Object(fields) = &mut shown {
                fields.insert("runners_token".to_owned(), "GR1348941simulated".into());
                fields.insert("license".to_owned(), Value::Null);
            }
            Ok(json_of(&shown))
        }
        rest if asked.is_read() => reading::route(asked, &world, project, role, rest),
        rest => {
            drop(world);
            writing::route(asked, id, role, rest)
        }
    }
}

/// GitLab docs, REST API, "Redirects": the same address with the number in place of the path, for GET alone.
fn elsewhere(asked: &Asked<'_>, moved: &Project, rest: &[&str]) -> Refused {
    if asked.method != Method::GET {
        return refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "Non GET methods are not allowed for moved projects",
        );
    }
    let mut path = format!("{}/api/v4/projects/{}", asked.simulator.base, moved.id);
    for part in rest {
        path.push('/');
        path.push_str(part);
    }
    let body = json!({ "message": format!("This resource has been moved permanently to {path}") });
    let mut response = (StatusCode::MOVED_PERMANENTLY, axum::Json(body)).into_response();
    if let Ok(location) = HeaderValue::from_str(&path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.into()
}

pub(super) fn none() -> Refused {
    refuse(StatusCode::NOT_FOUND, "404 Project Not Found")
}
