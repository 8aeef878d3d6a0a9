//! Things of the world as the JSON that GitHub makes of them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::urls::Urls;
use crate::world::{Account, License, Repository, World, node_id};

pub(crate) use account::{account_node_id, extend};
pub(crate) use app::delivery;

mod account;
mod app;
mod commit;
mod issue;
mod pull;
mod release;
mod repository;

/// Shows things to a caller, with addresses that lead back here.
#[derive(Clone, Copy)]
pub(crate) struct Show<'a> {
    pub(crate) world: &'a World,
    pub(crate) urls: &'a Urls,
    pub(crate) caller: &'a Caller,
}

/// An instant as the programming interfaces write it.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The same where there may be none.
fn maybe_time(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(time)
}

/// Reactions: nobody reacts in this world.
fn reactions(url: &str) -> Value {
    json!({
        "url": format!("{url}/reactions"),
        "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0,
        "confused": 0, "heart": 0, "rocket": 0, "eyes": 0,
    })
}

/// The node id of a git reference: references have no number of their own.
pub(crate) fn reference_node_id(repository: &Repository, name: &str) -> String {
    node_id::named(node_id::REFERENCE, &format!("{}:{name}", repository.id))
}

impl Show<'_> {
    /// The address of a repository in REST.
    pub(crate) fn repository_url(&self, repository: &Repository) -> String {
        format!(
            "{}/repos/{}",
            self.urls.api,
            self.world.full_name(repository)
        )
    }

    /// The address of a repository's page.
    pub(crate) fn repository_page(&self, repository: &Repository) -> String {
        format!("{}/{}", self.urls.web, self.world.full_name(repository))
    }

    /// What somebody is to a repository.
    pub(crate) fn association(&self, repository: &Repository, account_id: u64) -> &'static str {
        if account_id == repository.owner_id {
            "OWNER"
        } else if self
            .world
            .membership(account_id, repository.owner_id)
            .is_some()
        {
            "MEMBER"
        } else {
            "CONTRIBUTOR"
        }
    }

    fn account(&self, id: u64) -> Option<&Account> {
        self.world.accounts.get(&id)
    }

    fn license(&self, license: &License) -> Value {
        json!({
            "key": license.key,
            "name": license.name,
            "spdx_id": license.spdx_id,
            "url": format!("{}/licenses/{}", self.urls.api, license.key),
            "node_id": license.node_id(),
        })
    }
}
