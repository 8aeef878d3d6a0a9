//! Apps, and where they are installed.

use serde_json::{Value, json};

use super::{Show, time};
use crate::world::{App, Delivery, Installation, InstallationRequest, InstallationToken, node_id};

impl Show<'_> {
    pub(crate) fn app(&self, app: &App) -> Value {
        let installations = self
            .world
            .apps
            .installations
            .values()
            .filter(|one| one.app_id == app.id)
            .count();
        json!({
            "id": app.id,
            "slug": app.slug,
            "node_id": node_id::encode(node_id::APP, app.id),
            "client_id": app.client_id,
            "owner": self.user(app.owner_id),
            "name": app.name,
            "description": null,
            "external_url": self.urls.web,
            "html_url": self.app_page(app),
            "created_at": time(app.created_at),
            "updated_at": time(app.created_at),
            "permissions": app.permissions,
            "events": app.events,
            "installations_count": installations,
        })
    }

    /// The page of an App, where Enterprise Server has it.
    pub(crate) fn app_page(&self, app: &App) -> String {
        format!("{}/github-apps/{}", self.urls.web, app.slug)
    }

    pub(crate) fn installation(&self, installation: &Installation) -> Value {
        let (api, id) = (&self.urls.api, installation.id);
        let app = self.world.apps.all.get(&installation.app_id);
        let account = self.world.accounts.get(&installation.account_id);
        let is_organization =
            crate::apps::life::is_organization(self.world, installation.account_id);
        let (kind, settings) = if is_organization {
            let login = account.map_or("", |account| account.login.as_str());
            ("Organization", format!("organizations/{login}/settings"))
        } else {
            ("User", "settings".to_owned())
        };
        json!({
            "id": id,
            "account": self.user(installation.account_id),
            "repository_selection": if installation.selected.is_some() { "selected" } else { "all" },
            "access_tokens_url": format!("{api}/app/installations/{id}/access_tokens"),
            "repositories_url": format!("{api}/installation/repositories"),
            "html_url": format!("{}/{settings}/installations/{id}", self.urls.web),
            "app_id": installation.app_id,
            "client_id": app.map(|app| &app.client_id),
            "app_slug": app.map(|app| &app.slug),
            "target_id": installation.account_id,
            "target_type": kind,
            "permissions": installation.permissions,
            "events": app.map(|app| &app.events),
            "created_at": time(installation.created_at),
            "updated_at": time(installation.updated_at),
            "single_file_name": null,
            "has_multiple_single_files": false,
            "single_file_paths": [],
            "suspended_by": installation.suspended.map_or(Value::Null, |(by, _)| self.user(by)),
            "suspended_at": installation.suspended.map(|(_, at)| time(at)),
        })
    }

    pub(crate) fn installation_request(&self, request: &InstallationRequest) -> Value {
        json!({
            "id": request.id,
            "node_id": node_id::encode(node_id::APP, request.id),
            "account": self.user(request.account_id),
            "requester": self.user(request.requester_id),
            "created_at": time(request.created_at),
        })
    }

    pub(crate) fn installation_token(&self, token: &InstallationToken) -> Value {
        let mut shown = json!({
            "token": token.value.reveal(),
            "expires_at": time(token.expires_at),
            "permissions": token.permissions,
            "repository_selection": if token.repositories.is_some() { "selected" } else { "all" },
        });
        if let (Some(shown), Some(ids)) = (shown.as_object_mut(), &token.repositories) {
            let repositories = ids
                .iter()
                .filter_map(|id| self.world.repositories.get(id))
                .map(|repository| self.repository(repository));
            shown.insert("repositories".to_owned(), repositories.collect());
        }
        shown
    }

    /// A message alone, with what was sent and what came back.
    pub(crate) fn whole_delivery(&self, delivery: &Delivery) -> Value {
        let mut shown = self::delivery(delivery);
        let url = self
            .world
            .apps
            .all
            .get(&delivery.app_id)
            .and_then(|app| app.hook.as_ref())
            .map(|hook| hook.url.clone());
        let payload: Value = serde_json::from_str(&delivery.payload).unwrap_or_default();
        super::account::extend(
            &mut shown,
            json!({
                "url": url,
                "request": {
                    "headers": {
                        "X-GitHub-Event": delivery.event,
                        "X-GitHub-Delivery": delivery.guid,
                        "content-type": "application/json",
                    },
                    "payload": payload,
                },
                "response": { "headers": {}, "payload": "" },
            }),
        );
        shown
    }
}

/// A message as a list shows it.
pub(crate) fn delivery(delivery: &Delivery) -> Value {
    let status = match delivery.status_code {
        200..=299 => "OK",
        0 => "failed to connect to host",
        _ => "Invalid HTTP Response",
    };
    json!({
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": time(delivery.delivered_at),
        "redelivery": delivery.redelivery,
        "duration": 0.1,
        "status": status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "repository_id": delivery.repository_id,
        "throttled_at": null,
    })
}
