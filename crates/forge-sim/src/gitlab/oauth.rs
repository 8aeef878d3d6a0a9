//! OAuth: a person grants an application what it asks for, and the application fetches its tokens (GitLab docs, "OAuth 2.0
//! identity provider API"). Codes count once and to the address that asked; a refresh token counts once, and ends its token.
//!
//! The pages hold what GitLab's hold and look like nothing. Who signs in says who she is; there is no password in this world.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Simulator;
use super::api;
use super::world::{Application, Code, Grant, Token, User, World};
use crate::lock::{read, write};
use crate::query::Query;

/// How long a code counts (Doorkeeper's default).
pub(super) const CODE: TimeDelta = TimeDelta::minutes(10);
/// How long a token works (the same page).
const TOKEN: TimeDelta = TimeDelta::seconds(7_200);
/// The largest form.
const LARGEST: usize = 1 << 20;
/// Who is signed in.
const COOKIE: &str = "_gitlab_session";
/// What stands in the address of the page and travels with its form.
const PARAMETERS: [&str; 7] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];

/// Whether a path, the host's prefix taken off, is one of these pages.
pub(super) fn is_ours(path: &str) -> bool {
    path == "/users/sign_in" || path.starts_with("/oauth/")
}

/// Answers a request; who asked is for the log.
pub(super) async fn serve(
    simulator: &Simulator,
    path: &str,
    request: Request,
) -> (Option<String>, Response) {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return (None, StatusCode::PAYLOAD_TOO_LARGE.into_response());
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
        whole: parts
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        query: Query::parse(parts.uri.query()),
        form,
        user: signed_in(&parts.headers, &read(&simulator.world)),
    };
    let is_post = parts.method == Method::POST;
    let response = match (path, is_post) {
        ("/users/sign_in", false) => visit.sign_in_page(),
        ("/users/sign_in", true) => visit.sign_in(),
        ("/oauth/authorize", false) => visit.consent_page(),
        ("/oauth/authorize", true) => visit.consent(),
        ("/oauth/token", true) => visit.tokens(),
        ("/oauth/revoke", true) => visit.revoke(),
        ("/oauth/token/info", false) => return info(simulator, &parts.headers),
        _ => StatusCode::NOT_FOUND.into_response(),
    };
    (None, response)
}

/// What a token says of itself.
fn info(simulator: &Simulator, headers: &HeaderMap) -> (Option<String>, Response) {
    match api::caller(simulator, headers) {
        Ok(Some(caller)) => {
            let grant = caller.token.grant.as_ref();
            let left = grant.map(|grant| (grant.ends_at - simulator.clock.now()).num_seconds());
            let answer = json!({
                "resource_owner_id": caller.user,
                "scope": caller.token.scopes,
                "expires_in": left,
                "application": { "uid": grant.map(|grant| &grant.application) },
            });
            (Some(caller.username), Json(answer).into_response())
        }
        Ok(None) => (None, StatusCode::UNAUTHORIZED.into_response()),
        Err(refused) => (None, refused.response()),
    }
}

struct Visit<'a> {
    simulator: &'a Simulator,
    /// What is asked for with its query, to come back to.
    whole: String,
    query: Query,
    form: Query,
    user: Option<u64>,
}

/// What an application asks for.
struct Asking {
    application: Application,
    redirect_uri: String,
    scopes: Vec<String>,
}

impl Visit<'_> {
    fn sign_in_page(&self) -> Response {
        let world = read(&self.simulator.world);
        let people = world.users.values().filter(|user| !user.bot);
        let button = |user: &User| {
            let name = escape(&user.username);
            format!("<button name=\"login\" value=\"{name}\">Sign in as {name}</button>")
        };
        let buttons = people.map(button).collect::<Vec<_>>().concat();
        let back = hidden("return_to", self.query.text("return_to").unwrap_or("/"));
        let action = format!("{}/users/sign_in", self.simulator.prefix);
        page(
            "Sign in · GitLab",
            &format!("<form method=\"post\" action=\"{action}\">{back}{buttons}</form>"),
        )
    }

    fn sign_in(&self) -> Response {
        let login = self.form.text("login").unwrap_or_default();
        let world = read(&self.simulator.world);
        let Some(user) = world.users.values().find(|user| user.username == login) else {
            return (StatusCode::UNPROCESSABLE_ENTITY, "Invalid login.").into_response();
        };
        let back = self.form.text("return_to").unwrap_or("/");
        let mut response = go(if back.starts_with('/') { back } else { "/" });
        let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", user.id);
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }

    fn consent_page(&self) -> Response {
        if self.user.is_none() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            let back = query.append_pair("return_to", &self.whole).finish();
            return go(&format!("{}/users/sign_in?{back}", self.simulator.prefix));
        }
        let asking = match self.asking(&self.query) {
            Ok(asking) => asking,
            Err(refusal) => return *refusal,
        };
        let kept: String = PARAMETERS
            .iter()
            .filter_map(|name| Some(hidden(name, self.query.text(name)?)))
            .collect();
        let name = escape(&asking.application.name);
        let scopes = escape(&asking.scopes.join(", "));
        let action = format!("{}/oauth/authorize", self.simulator.prefix);
        page(
            &format!("Authorize {name} to use your account?"),
            &format!(
                "<p>{name} asks for: {scopes}</p><form method=\"post\" action=\"{action}\">{kept}\
                 <button name=\"authorize\" value=\"1\">Authorize {name}</button>\
                 <button name=\"authorize\" value=\"0\">Cancel</button></form>"
            ),
        )
    }

    fn consent(&self) -> Response {
        let Some(user) = self.user else {
            return StatusCode::UNAUTHORIZED.into_response();
        };
        let asking = match self.asking(&self.form) {
            Ok(asking) => asking,
            Err(refusal) => return *refusal,
        };
        let state = self.form.text("state").unwrap_or_default();
        if self.form.text("authorize") != Some("1") {
            return go(&with(
                &asking.redirect_uri,
                &[
                    ("error", "access_denied"),
                    (
                        "error_description",
                        "The resource owner or authorization server denied the request.",
                    ),
                    ("state", state),
                ],
            ));
        }
        let value = secret();
        let redirect_uri = asking.redirect_uri.clone();
        write(&self.simulator.world).codes.push(Code {
            value: value.clone(),
            application: asking.application.client_id,
            user,
            scopes: asking.scopes,
            redirect_uri: asking.redirect_uri,
            challenge: self.form.text("code_challenge").map(str::to_owned),
            ends_at: self.simulator.clock.now() + CODE,
        });
        go(&with(&redirect_uri, &[("code", &value), ("state", state)]))
    }

    fn asking(&self, given: &Query) -> Result<Asking, Box<Response>> {
        let refuse = |words: &str| {
            Box::new((StatusCode::BAD_REQUEST, Html(words.to_owned())).into_response())
        };
        let world = read(&self.simulator.world);
        let client_id = given.text("client_id").unwrap_or_default();
        let application = find(&world, client_id)
            .ok_or_else(|| refuse("Client authentication failed due to unknown client."))?;
        let redirect_uri = given.text("redirect_uri").unwrap_or_default();
        if !application
            .redirect_uris
            .iter()
            .any(|one| one == redirect_uri)
        {
            return Err(refuse("The redirect URI included is not valid."));
        }
        if given.text("response_type") != Some("code") {
            return Err(refuse(
                "The authorization server does not support this response type.",
            ));
        }
        if given.text("code_challenge").is_some()
            && given.text("code_challenge_method") != Some("S256")
        {
            return Err(refuse("The code challenge method must be S256."));
        }
        let scopes: Vec<String> = given
            .text("scope")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        if scopes
            .iter()
            .any(|scope| !application.scopes.contains(scope))
        {
            return Err(refuse(
                "The requested scope is invalid, unknown, or malformed.",
            ));
        }
        Ok(Asking {
            application: application.clone(),
            redirect_uri: redirect_uri.to_owned(),
            scopes,
        })
    }

    fn tokens(&self) -> Response {
        let text = |key: &str| self.form.text(key).unwrap_or_default();
        let now = self.simulator.clock.now();
        let mut world = write(&self.simulator.world);
        let known = find(&world, text("client_id"))
            .filter(|one| one.secret == text("client_secret"))
            .map(|one| one.client_id.clone());
        let Some(application) = known else {
            return refusal(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.",
            );
        };
        let granted = match text("grant_type") {
            "authorization_code" => self.redeem(&mut world, &application, now),
            "refresh_token" => renew(&mut world, &application, text("refresh_token")),
            _ => {
                return refusal(
                    StatusCode::BAD_REQUEST,
                    "unsupported_grant_type",
                    "The authorization grant type is not supported by the authorization server.",
                );
            }
        };
        let Some((user, scopes)) = granted else {
            return refusal(
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.",
            );
        };
        Json(issue(&mut world, application, user, scopes, now)).into_response()
    }

    /// Ends a token of the application that asks; one that is not its own is left alone, and nobody is told.
    fn revoke(&self) -> Response {
        let text = |key: &str| self.form.text(key).unwrap_or_default();
        let mut world = write(&self.simulator.world);
        let known = find(&world, text("client_id"))
            .filter(|one| one.secret == text("client_secret"))
            .map(|one| one.client_id.clone());
        let Some(application) = known else {
            return refusal(
                StatusCode::FORBIDDEN,
                "unauthorized_client",
                "You are not authorized to revoke this token",
            );
        };
        let is_its = |token: &&mut Token| {
            let grant = token.grant.as_ref();
            grant.is_some_and(|grant| grant.application == application)
                && token.value == text("token")
        };
        for token in world.tokens.iter_mut().filter(is_its) {
            token.revoked = true;
        }
        Json(json!({})).into_response()
    }

    /// Takes a code back, for the one time that it counts.
    fn redeem(
        &self,
        world: &mut World,
        application: &str,
        now: DateTime<Utc>,
    ) -> Option<(u64, Vec<String>)> {
        let text = |key: &str| self.form.text(key).unwrap_or_default();
        let at = world
            .codes
            .iter()
            .position(|code| code.value == text("code"))?;
        let code = world.codes.swap_remove(at);
        let is_proven = code.challenge.is_none_or(|challenge| {
            BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier"))) == challenge
        });
        let is_good = now < code.ends_at
            && code.application == application
            && code.redirect_uri == text("redirect_uri")
            && is_proven;
        is_good.then_some((code.user, code.scopes))
    }
}

/// Ends a token and its refresh token, for another pair.
fn renew(world: &mut World, application: &str, refresh: &str) -> Option<(u64, Vec<String>)> {
    let token = world.tokens.iter_mut().find(|token| {
        let grant = token.grant.as_ref();
        grant.is_some_and(|grant| grant.refresh == refresh && grant.application == application)
    })?;
    if std::mem::replace(&mut token.revoked, true) {
        return None;
    }
    Some((token.user, token.scopes.clone()))
}

fn issue(
    world: &mut World,
    application: String,
    user: u64,
    scopes: Vec<String>,
    now: DateTime<Utc>,
) -> Value {
    let id = world.next_id();
    let (value, refresh) = (secret(), secret());
    let answer = json!({
        "access_token": value,
        "token_type": "Bearer",
        "expires_in": TOKEN.num_seconds(),
        "refresh_token": refresh,
        "scope": scopes.join(" "),
        "created_at": now.timestamp(),
    });
    world.tokens.push(Token {
        id,
        value,
        user,
        scopes,
        expires_at: None,
        revoked: false,
        family: id,
        grant: Some(Grant {
            application,
            refresh,
            ends_at: now.trunc_subsecs(0) + TOKEN,
        }),
    });
    answer
}

fn find<'a>(world: &'a World, client_id: &str) -> Option<&'a Application> {
    let mut all = world.applications.iter();
    all.find(|one| one.client_id == client_id)
}

/// 64 hexadecimal digits.
pub(super) fn secret() -> String {
    format!("{:032x}{:032x}", fastrand::u128(..), fastrand::u128(..))
}

fn refusal(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (status, Json(body)).into_response()
}

fn signed_in(headers: &HeaderMap, world: &World) -> Option<u64> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let value = cookies
        .split(';')
        .find_map(|one| one.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let id = value.parse().ok()?;
    world.users.contains_key(&id).then_some(id)
}

/// An address with more in its query.
fn with(address: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(pairs).finish();
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{query}")
}

fn go(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Err(_not_a_header) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn page(title: &str, body: &str) -> Response {
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
