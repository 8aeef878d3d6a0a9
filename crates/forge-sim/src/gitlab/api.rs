//! The way of every request: who asks, what counts, what is answered.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::log::Arrival;
use super::world::Token;
use super::{Simulator, faults, oauth, web};
use crate::lock::{lock, read};
use crate::query::{self, Query};
use crate::server::Peer;

mod groups;
mod projects;
mod read;
mod tokens;
mod write;

/// The largest body of a request.
const LARGEST: usize = 16 << 20;

/// Who asks, with which token.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) user: u64,
    pub(super) username: String,
    pub(super) token: Token,
}

/// A request that passed the throttles.
pub(super) struct Asked<'a> {
    pub(super) simulator: &'a Simulator,
    pub(super) caller: Option<&'a Caller>,
    pub(super) method: Method,
    /// The decoded parts of the path behind `/api/v4/`.
    pub(super) parts: Vec<String>,
    /// The address without its query.
    pub(super) address: String,
    pub(super) query: Query,
    pub(super) body: Value,
}

/// Why there is no answer of the wished kind.
#[derive(Debug)]
pub(super) struct Refused(Box<Response>);

impl Refused {
    pub(super) fn response(self) -> Response {
        *self.0
    }
}

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

pub(super) fn router(simulator: Arc<Simulator>) -> Router {
    Router::new().fallback(answer).with_state(simulator)
}

async fn answer(
    State(simulator): State<Arc<Simulator>>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let address = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let Some(path) = path.strip_prefix(&simulator.prefix) else {
        return text(StatusCode::NOT_FOUND, "Not found");
    };
    if lock(&simulator.ledger).is_banned(peer.ip(), simulator.clock.now()) {
        return bare_forbidden();
    }
    let path = path.to_owned();
    let (user, response, book) = if let Some(rest) = path.strip_prefix("/api/v4/") {
        let (user, response) = Box::pin(api(&simulator, peer.ip(), rest, &address, request)).await;
        (user, response, 0)
    } else if oauth::is_ours(&path) {
        let (user, response) = Box::pin(oauth::serve(&simulator, &path, request)).await;
        (user, response, 3)
    } else {
        let is_lfs = path.contains("/info/lfs/") || path.contains("/gitlab-lfs/");
        let (user, response) = Box::pin(web::serve(&simulator, peer.ip(), &path, request)).await;
        (user, response, if is_lfs { 2 } else { 1 })
    };
    let mut response = response;
    let date = crate::etag::http_date(simulator.clock.now());
    if let Ok(date) = date.parse() {
        response.headers_mut().insert(header::DATE, date);
    }
    let arrival = Arrival {
        user,
        method: method.to_string(),
        address,
        status: response.status().as_u16(),
    };
    let mut log = lock(&simulator.log);
    match book {
        0 => log.api.push(arrival),
        1 => log.git.push(arrival),
        2 => log.lfs.push(arrival),
        _ => log.pages.push(arrival),
    }
    drop(log);
    response
}

async fn api(
    simulator: &Simulator,
    peer: IpAddr,
    rest: &str,
    address: &str,
    request: Request,
) -> (Option<String>, Response) {
    let caller = match caller(simulator, request.headers()) {
        Ok(caller) => caller,
        Err(refused) => {
            lock(&simulator.ledger).throttle(None, peer, simulator.clock.now());
            return (None, refused.response());
        }
    };
    let name = caller.as_ref().map(|caller| caller.username.clone());
    let now = simulator.clock.now();
    let user = caller.as_ref().map(|caller| caller.user);
    let (standing, silent) = {
        let mut ledger = lock(&simulator.ledger);
        (ledger.throttle(user, peer, now), ledger.limits.silent)
    };
    if let Some(standing) = standing.filter(super::limits::Standing::is_refused) {
        let mut response = text(StatusCode::TOO_MANY_REQUESTS, "Retry later\n");
        standing.write(response.headers_mut(), now);
        return (name, response);
    }
    let ordered = faults::strike(&mut lock(&simulator.faults), address);
    let mut response = match ordered {
        Some(response) => response,
        None => inside(simulator, caller.as_ref(), rest, request)
            .await
            .unwrap_or_else(Refused::response),
    };
    let is_of_an_endpoint = response.status() == StatusCode::TOO_MANY_REQUESTS;
    if let Some(standing) = standing.filter(|_| !silent && !is_of_an_endpoint) {
        standing.write(response.headers_mut(), now);
    }
    let id = format!("{:016x}", fastrand::u64(..));
    if let Ok(id) = id.parse() {
        response.headers_mut().insert("x-request-id", id);
    }
    (name, response)
}

/// Behind the throttles.
async fn inside(
    simulator: &Simulator,
    caller: Option<&Caller>,
    rest: &str,
    request: Request,
) -> Result<Response, Refused> {
    let query = Query::parse(request.uri().query());
    let method = request.method().clone();
    let body = body(request).await?;
    let parts: Vec<String> = rest
        .split('/')
        .filter(|part| !part.is_empty())
        .map(query::decode)
        .collect();
    let asked = Asked {
        simulator,
        caller,
        method,
        address: format!("{}/api/v4/{rest}", simulator.base),
        parts,
        query,
        body,
    };
    asked.check_scope()?;
    asked.check_endpoint()?;
    asked.route()
}

/// JSON or a form; nothing for an empty body.
async fn body(request: Request) -> Result<Value, Refused> {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| {
            kind.as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        });
    let bytes = axum::body::to_bytes(request.into_body(), LARGEST)
        .await
        .map_err(|error| refuse(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string()))?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    if is_form {
        let pairs = url::form_urlencoded::parse(&bytes).into_owned();
        return Ok(pairs
            .map(|(name, value)| (name, Value::String(value)))
            .collect());
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        refuse(
            StatusCode::BAD_REQUEST,
            &format!("400 (Bad request) {error}"),
        )
    })
}

impl Asked<'_> {
    fn route(&self) -> Result<Response, Refused> {
        let parts: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["metadata" | "version"] => Ok(json_of(
                &json!({ "version": "18.6.0", "revision": "simulated", "enterprise": false }),
            )),
            ["user"] => tokens::user(self),
            ["users", ..] => tokens::users(self, &parts),
            ["personal_access_tokens", "self", ..] => tokens::itself(self, &parts),
            ["groups", ..] => groups::route(self, &parts),
            ["projects", ..] => projects::route(self, &parts),
            _ => Err(refuse(StatusCode::NOT_FOUND, "404 Not Found")),
        }
    }

    pub(super) fn signed_in(&self) -> Result<&Caller, Refused> {
        self.caller
            .ok_or_else(|| refuse(StatusCode::UNAUTHORIZED, "401 Unauthorized"))
    }

    pub(super) fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    fn check_scope(&self) -> Result<(), Refused> {
        let Some(caller) = self.caller else {
            return Ok(());
        };
        let has = |scope: &str| caller.token.scopes.iter().any(|one| one == scope);
        let first = self.parts.first().map(String::as_str);
        let allowed = match first {
            Some("personal_access_tokens") => self.is_read() || has("api") || has("self_rotate"),
            Some("user") => has("api") || has("read_api") || has("read_user"),
            _ if self.is_read() => has("api") || has("read_api"),
            _ => has("api"),
        };
        if allowed {
            return Ok(());
        }
        let body = json!({
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": "api read_api",
        });
        Err(Refused::from(
            (StatusCode::FORBIDDEN, axum::Json(body)).into_response(),
        ))
    }

    /// The limits that no header shows.
    fn check_endpoint(&self) -> Result<(), Refused> {
        let Some(caller) = self.caller else {
            return Ok(());
        };
        let parts: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        let class = match (self.is_read(), parts.as_slice()) {
            (true, ["projects"]) => "GET projects",
            (true, ["projects", _]) => "GET projects/:id",
            (true, ["groups"]) => "GET groups",
            (true, ["groups", _]) => "GET groups/:id",
            (true, ["groups", _, "projects"]) => "GET groups/:id/projects",
            (true, [.., last]) => &format!("GET {last}"),
            (false, [.., "issues"]) => "POST issues",
            (false, [.., "notes"]) => "POST notes",
            _ => return Ok(()),
        };
        let now = self.simulator.clock.now();
        if lock(&self.simulator.ledger).endpoint(class, caller.user, now) {
            return Ok(());
        }
        let body = json!({ "message": { "error": "This endpoint has been requested too many times. Try again later." } });
        Err(Refused::from(
            (StatusCode::TOO_MANY_REQUESTS, axum::Json(body)).into_response(),
        ))
    }
}

/// Who has the token; nobody without one.
pub(super) fn caller(
    simulator: &Simulator,
    headers: &HeaderMap,
) -> Result<Option<Caller>, Refused> {
    let private = headers
        .get("private-token")
        .and_then(|value| value.to_str().ok());
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let Some(value) = private.or(bearer) else {
        return Ok(None);
    };
    known(simulator, value).map(Some)
}

/// The owner of a token, or the words with which the API refuses it.
pub(super) fn known(simulator: &Simulator, value: &str) -> Result<Caller, Refused> {
    let world = read(&simulator.world);
    let now = simulator.clock.now();
    let found = world.tokens.iter().find(|token| token.value == value);
    let Some(token) = found else {
        return Err(refuse(StatusCode::UNAUTHORIZED, "401 Unauthorized"));
    };
    let invalid = |description: &str| {
        let body = json!({ "error": "invalid_token", "error_description": description });
        Refused::from((StatusCode::UNAUTHORIZED, axum::Json(body)).into_response())
    };
    if token.revoked {
        return Err(invalid(
            "Token was revoked. You have to re-authorize from the user.",
        ));
    }
    if !token.is_valid(now) {
        return Err(invalid(
            "Token is expired. You can either do re-authorization or token refresh.",
        ));
    }
    let user = world.users.get(&token.user);
    Ok(Caller {
        user: token.user,
        username: user.map(|user| user.username.clone()).unwrap_or_default(),
        token: token.clone(),
    })
}

pub(super) fn json_of(value: &Value) -> Response {
    axum::Json(value).into_response()
}

/// A refusal in the usual words.
pub(super) fn refuse(status: StatusCode, message: &str) -> Refused {
    Refused::from((status, axum::Json(json!({ "message": message }))).into_response())
}

pub(super) fn text(status: StatusCode, words: &str) -> Response {
    let plain = [(header::CONTENT_TYPE, "text/plain")];
    (status, plain, words.to_owned()).into_response()
}

/// What a banned address gets: no headers, no words of the API.
pub(super) fn bare_forbidden() -> Response {
    let mut response = Response::new(Body::from("Forbidden\n"));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}
