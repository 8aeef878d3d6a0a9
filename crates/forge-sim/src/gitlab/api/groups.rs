//! Groups.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::{Asked, Refused, json_of, projects, refuse};
use crate::gitlab::show;
use crate::gitlab::world::{World, role};
use crate::lock::read;

pub(super) fn route(asked: &Asked<'_>, parts: &[&str]) -> Result<Response, Refused> {
    let caller = asked.signed_in()?;
    let world = read(&asked.simulator.world);
    let role_in = |group: u64| world.role_in(caller.user, group);
    let ["groups", rest @ ..] = parts else {
        return Err(none());
    };
    let Some((named, rest)) = rest.split_first() else {
        let least = asked.query.number("min_access_level").unwrap_or(0) as u64;
        let groups = world
            .groups
            .values()
            .filter(|group| role_in(group.id) >= least.max(role::GUEST))
            .map(|group| show::group(asked.simulator, &world, group));
        return Ok(asked.list(groups.collect(), false));
    };
    let group = world.group(named).filter(|group| role_in(group.id) > 0);
    let group = group.ok_or_else(none)?;
    match rest {
        [] => Ok(json_of(&show::group(asked.simulator, &world, group))),
        ["projects"] => {
            let below = asked.query.is_on("include_subgroups");
            let id = group.id;
            let is_in = |world: &World, of: u64| of == id || below && world.is_within(of, id);
            let within = world
                .projects
                .values()
                .filter(|project| is_in(&world, project.group))
                .map(|project| project.id)
                .collect::<Vec<_>>();
            drop(world);
            Ok(projects::listed(asked, |project| within.contains(&project)))
        }
        ["subgroups" | "descendant_groups"] => {
            let groups = world
                .groups
                .values()
                .filter(|one| one.id != group.id && world.is_within(one.id, group.id))
                .map(|one| show::group(asked.simulator, &world, one));
            Ok(asked.list(groups.collect(), false))
        }
        ["members"] => {
            let members = group.members.iter().filter_map(|(user, level)| {
                let user = world.users.get(user)?;
                Some(json!({ "id": user.id, "username": user.username, "name": user.username, "state": "active", "access_level": level }))
            });
            Ok(asked.list(members.collect(), false))
        }
        ["members", "all", user] => {
            let found = user.parse().ok().and_then(|id: u64| world.users.get(&id));
            let level = found.map_or(0, |user| world.role_in(user.id, group.id));
            let user = found.filter(|_| level > 0);
            let user = user.ok_or_else(|| refuse(StatusCode::NOT_FOUND, "404 Not found"))?;
            Ok(json_of(
                &json!({ "id": user.id, "username": user.username, "name": user.username, "state": "active", "access_level": level }),
            ))
        }
        ["hooks"] if !world.premium => Err(none()),
        [list] if ["labels", "milestones", "hooks", "variables", "boards"].contains(list) => {
            let items = group.lists.get(*list).cloned().unwrap_or_default();
            Ok(asked.list(items, false))
        }
        _ => Err(none()),
    }
}

fn none() -> Refused {
    refuse(StatusCode::NOT_FOUND, "404 Group Not Found")
}
