//! People and organizations.

use serde_json::{Value, json};

use super::{Show, time};
use crate::world::{Account, AccountKind, node_id};

impl Show<'_> {
    /// The short form that everything written by somebody carries; null for accounts that are gone.
    pub(crate) fn user(&self, id: u64) -> Value {
        self.account(id)
            .map_or(Value::Null, |account| self.simple_user(account))
    }

    pub(crate) fn simple_user(&self, account: &Account) -> Value {
        let (api, web, login) = (&self.urls.api, &self.urls.web, &account.login);
        let user = format!("{api}/users/{login}");
        json!({
            "login": login,
            "id": account.id,
            "node_id": account_node_id(account),
            "avatar_url": format!("{web}/avatars/u/{}?v=4", account.id),
            "gravatar_id": "",
            "url": user,
            "html_url": format!("{web}/{login}"),
            "followers_url": format!("{user}/followers"),
            "following_url": format!("{user}/following{{/other_user}}"),
            "gists_url": format!("{user}/gists{{/gist_id}}"),
            "starred_url": format!("{user}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{user}/subscriptions"),
            "organizations_url": format!("{user}/orgs"),
            "repos_url": format!("{user}/repos"),
            "events_url": format!("{user}/events{{/privacy}}"),
            "received_events_url": format!("{user}/received_events"),
            "type": match account.kind {
                AccountKind::User => "User",
                AccountKind::Organization => "Organization",
            },
            "site_admin": false,
            "user_view_type": "public",
        })
    }

    pub(crate) fn public_user(&self, account: &Account) -> Value {
        let public = self
            .world
            .repositories_of(account.id)
            .filter(|r| !r.private)
            .count();
        let mut user = self.simple_user(account);
        extend(
            &mut user,
            json!({
                "name": account.name,
                "company": null,
                "blog": "",
                "location": null,
                "email": null,
                "hireable": null,
                "bio": null,
                "twitter_username": null,
                "public_repos": public,
                "public_gists": 0,
                "followers": 0,
                "following": 0,
                "created_at": time(account.created_at),
                "updated_at": time(account.updated_at),
            }),
        );
        user
    }

    /// What the user itself is told.
    pub(crate) fn private_user(&self, account: &Account) -> Value {
        let private = self
            .world
            .repositories_of(account.id)
            .filter(|r| r.private)
            .count();
        let mut user = self.public_user(account);
        extend(
            &mut user,
            json!({
                "notification_email": null,
                "user_view_type": "private",
                "private_gists": 0,
                "total_private_repos": private,
                "owned_private_repos": private,
                "disk_usage": 0,
                "collaborators": 0,
                "two_factor_authentication": true,
                "plan": { "name": "free", "space": 976_562_499, "collaborators": 0, "private_repos": 10_000 },
            }),
        );
        user
    }

    pub(crate) fn simple_organization(&self, account: &Account) -> Value {
        let (api, web, login) = (&self.urls.api, &self.urls.web, &account.login);
        let organization = format!("{api}/orgs/{login}");
        json!({
            "login": login,
            "id": account.id,
            "node_id": account_node_id(account),
            "url": organization,
            "repos_url": format!("{organization}/repos"),
            "events_url": format!("{organization}/events"),
            "hooks_url": format!("{organization}/hooks"),
            "issues_url": format!("{organization}/issues"),
            "members_url": format!("{organization}/members{{/member}}"),
            "public_members_url": format!("{organization}/public_members{{/member}}"),
            "avatar_url": format!("{web}/avatars/u/{}?v=4", account.id),
            "description": null,
        })
    }

    pub(crate) fn organization(&self, account: &Account) -> Value {
        let private = self
            .world
            .repositories_of(account.id)
            .filter(|r| r.private)
            .count();
        let public = self
            .world
            .repositories_of(account.id)
            .filter(|r| !r.private)
            .count();
        let mut organization = self.simple_organization(account);
        extend(
            &mut organization,
            json!({
                "name": account.name,
                "is_verified": false,
                "has_organization_projects": true,
                "has_repository_projects": true,
                "public_repos": public,
                "public_gists": 0,
                "followers": 0,
                "following": 0,
                "html_url": format!("{}/{}", self.urls.web, account.login),
                "type": "Organization",
                "created_at": time(account.created_at),
                "updated_at": time(account.updated_at),
                "archived_at": null,
            }),
        );
        if self.caller.is_member(account.id, self.world) {
            extend(
                &mut organization,
                json!({
                    "total_private_repos": private,
                    "owned_private_repos": private,
                    "default_repository_permission": "read",
                }),
            );
        }
        organization
    }
}

/// The node id of a person or an organization.
pub(crate) fn account_node_id(account: &Account) -> String {
    let prefix = match account.kind {
        AccountKind::User => node_id::USER,
        AccountKind::Organization => node_id::ORGANIZATION,
    };
    node_id::encode(prefix, account.id)
}

/// Adds the fields of one object to another.
pub(crate) fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}
