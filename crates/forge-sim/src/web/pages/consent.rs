//! OAuth: a person grants an app what it asks for, and the app fetches its token (GitHub docs, authorizing OAuth apps).

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::SubsecRound as _;

use super::{Visit, escape, go, hidden, page, with};
use crate::apps::grants;
use crate::lock::{read, write};
use crate::query::Query;
use crate::world::{App, Voucher};

/// What stands in the address of the page and travels with its form.
const PARAMETERS: [&str; 6] = [
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];

impl Visit<'_> {
    pub(super) fn consent_page(&self) -> Response {
        if let Err(away) = self.me() {
            return *away;
        }
        let app = match self.asking(&self.query) {
            Ok((app, _)) => app,
            Err(refusal) => return *refusal,
        };
        let kept: String = PARAMETERS
            .iter()
            .filter_map(|name| Some(hidden(name, self.query.text(name)?)))
            .collect();
        let scopes = escape(self.query.text("scope").unwrap_or_default());
        let name = escape(&app.name);
        page(
            &format!("Authorize {}", app.name),
            &format!(
                "<p>{name} asks for: {scopes}</p><form method=\"post\" action=\"/login/oauth/authorize\">{kept}\
                 <button name=\"authorize\" value=\"1\">Authorize {name}</button>\
                 <button name=\"authorize\" value=\"narrow\">Authorize {name} for less</button>\
                 <button name=\"authorize\" value=\"0\">Cancel</button></form>"
            ),
        )
    }

    pub(super) fn consent(&self) -> Response {
        let user_id = match self.me() {
            Ok(id) => id,
            Err(away) => return *away,
        };
        let (app, redirect_uri) = match self.asking(&self.form) {
            Ok(asking) => asking,
            Err(refusal) => return *refusal,
        };
        let state = self.form.text("state").unwrap_or_default();
        let choice = self.form.text("authorize").unwrap_or_default();
        if !matches!(choice, "1" | "narrow") {
            return go(&with(
                &redirect_uri,
                &[
                    ("error", "access_denied"),
                    (
                        "error_description",
                        "The user has denied your application access.",
                    ),
                    ("state", state),
                ],
            ));
        }
        // People may grant less than they were asked for.
        let scopes = self
            .form
            .text("scope")
            .unwrap_or_default()
            .split([',', ' '])
            .filter(|scope| !scope.is_empty() && (choice == "1" || *scope != "repo"))
            .map(str::to_owned)
            .collect();
        let voucher = Voucher::Authorization {
            app_id: app.id,
            user_id,
            scopes: if app.installable { Vec::new() } else { scopes },
            redirect_uri: redirect_uri.clone(),
            challenge: self.form.text("code_challenge").map(str::to_owned),
        };
        let code = grants::code(
            &mut write(&self.simulator.world),
            voucher,
            self.simulator.clock.now(),
        );
        go(&with(&redirect_uri, &[("code", &code), ("state", state)]))
    }

    /// The app that asks, and where it wants the answer.
    fn asking(&self, given: &Query) -> Result<(App, String), Box<Response>> {
        let refuse = |words: &'static str| {
            Box::new((StatusCode::UNPROCESSABLE_ENTITY, words).into_response())
        };
        let world = read(&self.simulator.world);
        let app = world
            .apps
            .by_client_id(given.text("client_id").unwrap_or_default())
            .ok_or_else(|| Box::new(StatusCode::NOT_FOUND.into_response()))?;
        let method = given.text("code_challenge_method");
        if given.text("code_challenge").is_some() && method != Some("S256") {
            return Err(refuse("code_challenge_method must be S256"));
        }
        let first = app
            .callback_urls
            .first()
            .ok_or_else(|| refuse("This app has no callback URL"))?;
        let wanted = given.text("redirect_uri").unwrap_or(first);
        if !app.callback_urls.iter().any(|one| one == wanted) {
            return Err(refuse(
                "The redirect_uri is not associated with this application.",
            ));
        }
        Ok((app.clone(), wanted.to_owned()))
    }

    /// The address where apps fetch their tokens.
    pub(super) fn tokens(&self) -> Response {
        let answer = grants::exchange(
            &mut write(&self.simulator.world),
            &self.form,
            self.simulator.clock.now().trunc_subsecs(0),
        );
        if self.wants_json {
            return Json(answer).into_response();
        }
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in answer.as_object().into_iter().flatten() {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            form.append_pair(key, &text);
        }
        let kind = [(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=utf-8",
        )];
        (kind, form.finish()).into_response()
    }
}
