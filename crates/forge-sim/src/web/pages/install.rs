//! Installing an App, or asking an owner to (GitHub docs, installing a GitHub App from a third party).

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::SubsecRound as _;

use super::{Visit, escape, go, hidden, page, with};
use crate::apps::{grants, life};
use crate::lock::{read, write};
use crate::world::{App, Voucher, World};

impl Visit<'_> {
    fn app(&self, slug: &str) -> Option<App> {
        let world = read(&self.simulator.world);
        world
            .apps
            .by_slug(slug)
            .filter(|app| app.installable)
            .cloned()
    }

    pub(super) fn app_page(&self, slug: &str) -> Response {
        match self.app(slug) {
            None => StatusCode::NOT_FOUND.into_response(),
            Some(app) => page(
                &app.name,
                &format!("<a href=\"/github-apps/{slug}/installations/new\">Install</a>"),
            ),
        }
    }

    /// Where to install it: on one's own account, or on an organization.
    pub(super) fn choose_account(&self, slug: &str) -> Response {
        let me = match self.me() {
            Ok(me) => me,
            Err(away) => return *away,
        };
        let Some(app) = self.app(slug) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let world = read(&self.simulator.world);
        let state = self.query.text("state").unwrap_or_default();
        let links: Vec<String> = life::reach(&world, me)
            .into_iter()
            .filter(|account| app.public || *account == app.owner_id)
            .map(|account| {
                let url = with(
                    &format!("/github-apps/{slug}/installations/new/permissions"),
                    &[("target_id", &account.to_string()), ("state", state)],
                );
                format!(
                    "<li><a href=\"{}\">{}</a></li>",
                    escape(&url),
                    escape(world.login(account))
                )
            })
            .collect();
        page(
            &format!("Install {}", app.name),
            &format!(
                "<p>Where do you want to install it?</p><ul>{}</ul>",
                links.concat()
            ),
        )
    }

    pub(super) fn install_page(&self, slug: &str) -> Response {
        let me = match self.me() {
            Ok(me) => me,
            Err(away) => return *away,
        };
        let Some(app) = self.app(slug) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let world = read(&self.simulator.world);
        let Some(account) = target(&world, me, self.query.text("target_id")) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let verb = if life::controls(&world, me, account) {
            "Install"
        } else {
            "Request"
        };
        let repositories: Vec<String> = world
            .repositories_of(account)
            .map(|one| {
                format!(
                    "<label><input type=\"checkbox\" name=\"repository\" value=\"{}\">{}</label>",
                    one.id,
                    escape(&one.name)
                )
            })
            .collect();
        let permissions: Vec<String> = app
            .permissions
            .iter()
            .map(|(name, level)| format!("{name}: {level}"))
            .collect();
        let login = escape(world.login(account));
        page(
            &format!("{verb} {}", app.name),
            &format!(
                "<p>On {login}, with {}</p><form method=\"post\" action=\"/github-apps/{slug}/installations\">{}{}\
                 <label><input type=\"radio\" name=\"selection\" value=\"all\" checked>All repositories</label>\
                 <label><input type=\"radio\" name=\"selection\" value=\"selected\">Only select repositories</label>\
                 <fieldset>{}</fieldset><button>{verb}</button></form>",
                escape(&permissions.join(", ")),
                hidden("target_id", &account.to_string()),
                hidden("state", self.query.text("state").unwrap_or_default()),
                repositories.concat(),
            ),
        )
    }

    /// Installs it for who may, asks an owner for who may not, and goes back to whoever offers the App.
    pub(super) fn install(&self, slug: &str) -> Response {
        let me = match self.me() {
            Ok(me) => me,
            Err(away) => return *away,
        };
        let Some(app) = self.app(slug) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let now = self.simulator.clock.now().trunc_subsecs(0);
        let mut world = write(&self.simulator.world);
        let Some(account) = target(&world, me, self.form.text("target_id")) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let mut back: Vec<(&str, String)> = Vec::new();
        if app.request_oauth_on_install {
            let redirect_uri = app.callback_urls.first().cloned().unwrap_or_default();
            let voucher = Voucher::Authorization {
                app_id: app.id,
                user_id: me,
                scopes: Vec::new(),
                redirect_uri,
                challenge: None,
            };
            back.push(("code", grants::code(&mut world, voucher, now)));
        }
        if life::controls(&world, me, account) {
            let had = world.apps.installation(app.id, account).is_some();
            let selected = (self.form.text("selection") == Some("selected")).then(|| {
                let chosen = self.form.all("repository");
                chosen
                    .filter_map(|id| id.parse().ok())
                    .collect::<BTreeSet<u64>>()
            });
            let id = life::install(&mut world, app.id, account, selected, me, now);
            back.push(("installation_id", id.to_string()));
            let action = if had { "update" } else { "install" };
            back.push(("setup_action", action.to_owned()));
        } else {
            life::request(&mut world, app.id, account, me, now);
            back.push(("setup_action", "request".to_owned()));
        }
        drop(world);
        self.simulator.mail.notify_one();
        if let Some(state) = self.form.text("state").filter(|state| !state.is_empty()) {
            back.push(("state", state.to_owned()));
        }
        let target = if app.request_oauth_on_install {
            app.callback_urls.first().cloned()
        } else {
            app.setup_url.clone()
        };
        let back: Vec<(&str, &str)> = back
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        match target {
            Some(target) => go(&with(&target, &back)),
            None => page("Okay", "<p>It is installed.</p>"),
        }
    }
}

/// The account that was chosen, if the person has it to choose.
fn target(world: &World, me: u64, given: Option<&str>) -> Option<u64> {
    let account = given?.parse().ok()?;
    life::reach(world, me).contains(&account).then_some(account)
}
