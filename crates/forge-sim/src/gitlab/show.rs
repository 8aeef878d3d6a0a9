//! How things of the world look in JSON.

use serde_json::{Value, json};

use super::Simulator;
use super::seed::moment;
use super::world::{Discussion, Group, Item, Project, Token, User, World};
use crate::git::refs;

pub(super) fn user(simulator: &Simulator, user: &User) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "name": user.username,
        "state": "active",
        "bot": user.bot,
        "avatar_url": null,
        "web_url": format!("{}/{}", simulator.base, user.username),
        "created_at": moment(super::seed::epoch()),
    })
}

pub(super) fn token(token: &Token) -> Value {
    json!({
        "id": token.id,
        "name": "backup",
        "revoked": token.revoked,
        "created_at": moment(super::seed::epoch()),
        "description": null,
        "scopes": token.scopes,
        "user_id": token.user,
        "last_used_at": null,
        "active": !token.revoked,
        "expires_at": token.expires_at,
    })
}

pub(super) fn group(simulator: &Simulator, world: &World, group: &Group) -> Value {
    let path = world.group_path(group.id);
    json!({
        "id": group.id,
        "name": group.path,
        "path": group.path,
        "full_path": path,
        "full_name": path.replace('/', " / "),
        "description": "",
        "visibility": "private",
        "parent_id": group.parent,
        "web_url": format!("{}/groups/{path}", simulator.base),
        "avatar_url": null,
        "created_at": moment(super::seed::epoch()),
        "lfs_enabled": true,
        "marked_for_deletion_on": null,
    })
}

pub(super) fn project(simulator: &Simulator, world: &World, project: &Project) -> Value {
    let path = world.project_path(project);
    let namespace = world.group_path(project.group);
    let is_open = |item: &&Item| {
        item.fields
            .get("state")
            .is_some_and(|state| state == "opened")
    };
    let mut shown = json!({
        "id": project.id,
        "description": project.description,
        "name": project.path,
        "name_with_namespace": path.replace('/', " / "),
        "path": project.path,
        "path_with_namespace": path,
        "created_at": moment(project.created_at),
        "updated_at": moment(project.updated_at),
        "last_activity_at": moment(project.last_activity_at),
        "default_branch": project.default_branch,
        "topics": [],
        "http_url_to_repo": format!("{}/{path}.git", simulator.base),
        "web_url": format!("{}/{path}", simulator.base),
        "readme_url": null,
        "forks_count": 0,
        "avatar_url": null,
        "star_count": 0,
        "namespace": { "id": project.group, "name": namespace, "path": namespace, "kind": "group", "full_path": namespace },
        "visibility": project.visibility,
        "archived": project.archived,
        "empty_repo": refs::is_empty(&project.git),
        "open_issues_count": project.issues.values().filter(is_open).count(),
        "issues_enabled": !project.is_off("issues_access_level"),
        "wiki_enabled": !project.is_off("wiki_access_level"),
        "lfs_enabled": project.lfs_enabled,
        "import_status": "none",
        "marked_for_deletion_on": null,
        "merge_method": "merge",
        "permissions": { "project_access": null, "group_access": { "access_level": 50 } },
    });
    if let Value::Object(fields) = &mut shown {
        for (name, level) in &project.features {
            fields.insert(name.clone(), level.clone().into());
        }
    }
    shown
}

pub(super) fn item(simulator: &Simulator, world: &World, project: &Project, item: &Item) -> Value {
    let notes: usize = item
        .discussions
        .iter()
        .map(|discussion| discussion.notes.len())
        .sum();
    let iid = item.fields.get("iid").and_then(Value::as_u64);
    let mut shown = item.fields.clone();
    if let Value::Object(fields) = &mut shown {
        fields.insert("updated_at".to_owned(), moment(item.updated_at).into());
        fields.insert("user_notes_count".to_owned(), notes.into());
        for (count, name) in [("upvotes", "thumbsup"), ("downvotes", "thumbsdown")] {
            let is_one = |award: &&Value| award.get("name").and_then(Value::as_str) == Some(name);
            let all = item.awards.iter().filter(is_one).count();
            fields.insert(count.to_owned(), all.into());
        }
        let path = world.project_path(project);
        let address = format!("{}/{path}/-/{}", simulator.base, iid.unwrap_or_default());
        fields.insert("web_url".to_owned(), address.into());
    }
    shown
}

pub(super) fn discussion(discussion: &Discussion) -> Value {
    json!({
        "id": discussion.id,
        "individual_note": discussion.notes.len() == 1,
        "notes": discussion.notes,
    })
}
