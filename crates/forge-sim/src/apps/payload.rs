//! What messages to hooks say (GitHub docs, webhook events and payloads).

use std::net::{IpAddr, Ipv4Addr};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::hooks::Notice;
use super::life;
use crate::caller::Caller;
use crate::rest::show::{Show, extend};
use crate::urls::Urls;
use crate::world::{Installation, Repository, World, node_id};

/// The commit before the first one.
const NOTHING: &str = "0000000000000000000000000000000000000000";

pub(super) fn of(world: &World, notice: &Notice, now: DateTime<Utc>) -> Value {
    let urls = Urls {
        web: world.apps.web.clone(),
        api: format!("{}/api/v3", world.apps.web),
        download: world.apps.web.clone(),
    };
    let nobody = Caller {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        identity: None,
        machine: None,
    };
    let show = Show {
        world,
        urls: &urls,
        caller: &nobody,
    };
    let mut payload = Map::new();
    if let Some(action) = &notice.action {
        payload.insert("action".to_owned(), json!(action));
    }
    let installation = notice
        .installation_id
        .and_then(|id| world.apps.installations.get(&id));
    if let Some(installation) = installation {
        payload.append(&mut about_installation(show, notice, installation));
    }
    let repository = notice
        .repository_id
        .and_then(|id| world.repositories.get(&id));
    if let Some(repository) = repository {
        payload.append(&mut about_repository(show, notice, repository, now));
    }
    payload.insert("sender".to_owned(), show.user(notice.sender_id));
    Value::Object(payload)
}

fn about_installation(
    show: Show<'_>,
    notice: &Notice,
    installation: &Installation,
) -> Map<String, Value> {
    let world = show.world;
    let mut told = Map::new();
    let mut say = |key: &str, value: Value| told.insert(key.to_owned(), value);
    say(
        "installation",
        if notice.event.starts_with("installation") {
            show.installation(installation)
        } else {
            json!({
                "id": installation.id,
                "node_id": node_id::encode("MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9u", installation.id),
            })
        },
    );
    if notice.lists_repositories {
        let covered = world
            .repositories_of(installation.account_id)
            .filter(|one| installation.covers(one.id));
        say(
            "repositories",
            covered.map(|one| short(world, one)).collect(),
        );
        say(
            "requester",
            notice.requester_id.map_or(Value::Null, |id| show.user(id)),
        );
    }
    if notice.event == "installation_repositories" {
        let changed: Vec<Value> = notice
            .repositories
            .iter()
            .filter_map(|id| world.repositories.get(id))
            .map(|one| short(world, one))
            .collect();
        let is_added = notice.action.as_deref() == Some("added");
        let (added, removed) = if is_added {
            (changed, Vec::new())
        } else {
            (Vec::new(), changed)
        };
        say("repositories_added", json!(added));
        say("repositories_removed", json!(removed));
        let is_selected = installation.selected.is_some();
        say(
            "repository_selection",
            json!(if is_selected { "selected" } else { "all" }),
        );
        say("requester", Value::Null);
    }
    if notice.event == "installation_target" {
        say("account", show.user(installation.account_id));
        let is_organization = life::is_organization(world, installation.account_id);
        say(
            "target_type",
            json!(if is_organization {
                "Organization"
            } else {
                "User"
            }),
        );
        say(
            "changes",
            json!({ "login": { "from": notice.renamed_from } }),
        );
    }
    told
}

fn about_repository(
    show: Show<'_>,
    notice: &Notice,
    repository: &Repository,
    now: DateTime<Utc>,
) -> Map<String, Value> {
    let mut told = Map::new();
    let mut say = |key: &str, value: Value| told.insert(key.to_owned(), value);
    let mut shown = show.repository(repository);
    if let Some((branch, after)) = &notice.pushed {
        // Instants are integers in pushes.
        let instants = json!({
            "created_at": repository.created_at.timestamp(),
            "pushed_at": now.timestamp(),
        });
        extend(&mut shown, instants);
        say("ref", json!(format!("refs/heads/{branch}")));
        say("before", json!(NOTHING));
        say("after", json!(after));
        say("created", json!(false));
        say("deleted", json!(false));
        say("forced", json!(false));
        say("base_ref", Value::Null);
        say("commits", json!([]));
        say("head_commit", Value::Null);
        let pusher = show.world.login(notice.sender_id);
        say("pusher", json!({ "name": pusher }));
    } else if let Some(was) = &notice.renamed_from {
        say(
            "changes",
            json!({ "repository": { "name": { "from": was } } }),
        );
    }
    say("repository", shown);
    told
}

/// A repository in the few words that messages about installations have for it.
fn short(world: &World, repository: &Repository) -> Value {
    json!({
        "id": repository.id,
        "node_id": node_id::encode(node_id::REPOSITORY, repository.id),
        "name": repository.name,
        "full_name": world.full_name(repository),
        "private": repository.private,
    })
}
