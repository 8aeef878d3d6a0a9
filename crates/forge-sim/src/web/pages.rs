//! Pages that people walk through: signing in, consenting, installing an App or asking for it, making one from a manifest.
//!
//! They hold what GitHub's hold and look like nothing. Who signs in says who she is; there is no password in this world.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::lock::read;
use crate::query::Query;
use crate::state::Simulator;
use crate::world::{AccountKind, World};

mod consent;
mod install;
mod manifest;

/// The largest form.
const LARGEST: usize = 1024 * 1024;

/// Who is signed in.
const COOKIE: &str = "user_session";

/// A visit to a page.
pub(super) struct Visit<'a> {
    simulator: &'a Simulator,
    /// What is asked for, without the query.
    path: &'a str,
    /// The same with its query, to come back to.
    whole: String,
    query: Query,
    form: Query,
    /// Who is signed in.
    user_id: Option<u64>,
    /// Whether the client asks for JSON.
    wants_json: bool,
}

/// Answers a request to a page; nothing if there is no such page.
pub(super) async fn serve(
    simulator: &Simulator,
    path: &str,
    request: Request,
) -> Result<Response, Request> {
    let is_page = path == "/login"
        || path.starts_with("/login/oauth/")
        || path.starts_with("/github-apps/")
        || path.starts_with("/settings/")
        || path.starts_with("/organizations/");
    if !is_page {
        return Err(request);
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    };
    let is_json = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let form = if is_json {
        Query::from_json(&body)
    } else {
        Query::parse(std::str::from_utf8(&body).ok())
    };
    let visit = Visit {
        simulator,
        path,
        whole: parts
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        query: Query::parse(parts.uri.query()),
        form,
        wants_json: parts
            .headers
            .get(header::ACCEPT)
            .is_some_and(|accept| accept.as_bytes() == b"application/json"),
        user_id: signed_in(&parts.headers, &read(&simulator.world)),
    };
    Ok(visit.answer(&parts.method))
}

impl Visit<'_> {
    fn answer(&self, method: &Method) -> Response {
        let is_post = method == Method::POST;
        let parts: Vec<&str> = self.path.trim_matches('/').split('/').collect();
        match (parts.as_slice(), is_post) {
            (["login"], false) => self.sign_in_page(),
            (["login"], true) => self.sign_in(),
            (["login", "oauth", "access_token"], true) => self.tokens(),
            (["login", "oauth", "authorize"], false) => self.consent_page(),
            (["login", "oauth", "authorize"], true) => self.consent(),
            (["github-apps", slug], false) => self.app_page(slug),
            (["github-apps", slug, "installations", "new"], false) => self.choose_account(slug),
            (["github-apps", slug, "installations", "new", "permissions"], false) => {
                self.install_page(slug)
            }
            (["github-apps", slug, "installations"], true) => self.install(slug),
            (["settings", "apps", "new"], true) => self.manifest_page(None),
            (["organizations", owner, "settings", "apps", "new"], true) => {
                self.manifest_page(Some(owner))
            }
            (["settings", "apps"], true) => self.create_from_manifest(),
            _ => (StatusCode::NOT_FOUND, "Not Found").into_response(),
        }
    }

    /// Who is signed in, or the way to the page where that is done, which leads back here.
    fn me(&self) -> Result<u64, Box<Response>> {
        self.user_id
            .ok_or_else(|| Box::new(go(&with("/login", &[("return_to", &self.whole)]))))
    }

    fn sign_in_page(&self) -> Response {
        let world = read(&self.simulator.world);
        let people = world
            .accounts
            .values()
            .filter(|one| one.kind == AccountKind::User && !one.login.starts_with("contributor-"));
        let buttons: Vec<String> = people
            .map(|one| {
                format!(
                    "<button name=\"login\" value=\"{0}\">Sign in as {0}</button>",
                    escape(&one.login)
                )
            })
            .collect();
        let back = escape(self.query.text("return_to").unwrap_or("/"));
        page(
            "Sign in to GitHub",
            &format!(
                "<form method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"return_to\" value=\"{back}\">{}</form>",
                buttons.concat()
            ),
        )
    }

    fn sign_in(&self) -> Response {
        let login = self.form.text("login").unwrap_or_default();
        let Some(id) = read(&self.simulator.world).account(login).map(|one| one.id) else {
            return (StatusCode::UNPROCESSABLE_ENTITY, "Incorrect username").into_response();
        };
        let back = self.form.text("return_to").unwrap_or("/");
        let back = if back.starts_with('/') { back } else { "/" };
        let mut response = go(back);
        let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

fn signed_in(headers: &HeaderMap, world: &World) -> Option<u64> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let value = cookies
        .split(';')
        .find_map(|one| one.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let id = value.parse().ok()?;
    world.accounts.contains_key(&id).then_some(id)
}

/// An address with more in its query.
fn with(address: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs {
        query.append_pair(key, value);
    }
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{}", query.finish())
}

fn go(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Err(_not_a_header) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn page(title: &str, body: &str) -> Response {
    let title = escape(title);
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    ))
    .into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

/// A field that is sent along unseen.
fn hidden(name: &str, value: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
        escape(value)
    )
}
