//! Making an App from a manifest (GitHub docs, registering a GitHub App from a manifest).

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Visit, escape, go, hidden, page, with};
use crate::apps::{grants, life};
use crate::lock::{read, write};
use crate::recipe::AppRecipe;
use crate::world::Voucher;

/// Callback addresses that an App may have.
const CALLBACKS: usize = 10;

#[derive(Debug, Deserialize)]
struct Manifest {
    name: Option<String>,
    url: String,
    hook_attributes: Option<HookAttributes>,
    redirect_url: String,
    #[serde(default)]
    callback_urls: Vec<String>,
    setup_url: Option<String>,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    default_events: Vec<String>,
    #[serde(default)]
    default_permissions: BTreeMap<String, String>,
    #[serde(default)]
    request_oauth_on_install: bool,
}

#[derive(Debug, Deserialize)]
struct HookAttributes {
    url: String,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

impl Visit<'_> {
    /// Asks for the name, which is the person's to choose.
    pub(super) fn manifest_page(&self, organization: Option<&str>) -> Response {
        let text = self.form.text("manifest").unwrap_or_default();
        let manifest: Manifest = match serde_json::from_str(text) {
            Ok(manifest) => manifest,
            Err(error) => return invalid(&error.to_string()),
        };
        if manifest.callback_urls.len() > CALLBACKS || manifest.url.is_empty() {
            return invalid("url is missing or there are too many callback_urls");
        }
        let owner = if let Some(login) = organization {
            login.to_owned()
        } else {
            let world = read(&self.simulator.world);
            let me = self.user_id.map(|id| world.login(id).to_owned());
            me.unwrap_or_default()
        };
        let name = escape(manifest.name.as_deref().unwrap_or_default());
        let state = self.query.text("state").unwrap_or_default();
        // Who is not signed in yet comes back by signing in on the way: the manifest must not get lost.
        let sign_in = if self.user_id.is_none() {
            "<label>Sign in as <input name=\"login\" required></label>"
        } else {
            ""
        };
        page(
            "Create GitHub App",
            &format!(
                "<form method=\"post\" action=\"/settings/apps\">{}{}{}{sign_in}\
                 <label>GitHub App name <input name=\"name\" value=\"{name}\" maxlength=\"34\" required></label>\
                 <button>Create GitHub App</button></form>",
                hidden("manifest", text),
                hidden("owner", &owner),
                hidden("state", state),
            ),
        )
    }

    pub(super) fn create_from_manifest(&self) -> Response {
        let text = |name: &str| self.form.text(name).unwrap_or_default();
        let manifest: Manifest = match serde_json::from_str(text("manifest")) {
            Ok(manifest) => manifest,
            Err(error) => return invalid(&error.to_string()),
        };
        let owner = if text("owner").is_empty() {
            text("login")
        } else {
            text("owner")
        };
        let now = self.simulator.clock.now();
        let mut world = write(&self.simulator.world);
        let me = self
            .user_id
            .or_else(|| world.account(text("login")).map(|one| one.id));
        let may = world
            .account(owner)
            .map(|one| one.id)
            .zip(me)
            .is_some_and(|(owner, me)| life::controls(&world, me, owner));
        if !may {
            return StatusCode::NOT_FOUND.into_response();
        }
        let hook = manifest.hook_attributes.filter(|hook| hook.active);
        let recipe = AppRecipe {
            name: text("name").to_owned(),
            owner: owner.to_owned(),
            oauth: false,
            public: manifest.public,
            permissions: manifest.default_permissions,
            events: manifest.default_events,
            callback_urls: manifest.callback_urls,
            setup_url: manifest.setup_url,
            hook_url: hook.map(|hook| hook.url),
            request_oauth_on_install: manifest.request_oauth_on_install,
            expiring_user_tokens: true,
        };
        let keys = match life::create(&mut world, &recipe, now) {
            Ok(keys) => keys,
            Err(error) => return invalid(&error.to_string()),
        };
        let Some(pem) = keys.pem else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let voucher = Voucher::Manifest {
            app_id: keys.id,
            pem,
        };
        let code = grants::code(&mut world, voucher, now);
        drop(world);
        go(&with(
            &manifest.redirect_url,
            &[("code", &code), ("state", text("state"))],
        ))
    }
}

fn invalid(why: &str) -> Response {
    let words = format!("Invalid GitHub App configuration: {why}");
    (StatusCode::UNPROCESSABLE_ENTITY, words).into_response()
}
