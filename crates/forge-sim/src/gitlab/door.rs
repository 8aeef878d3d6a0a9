//! The door for tests over HTTP, as the other simulator has it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Control;

/// Where the door is.
pub(super) const PREFIX: &str = "/_control";

pub(super) fn router(control: Control) -> Router {
    let routes = Router::new()
        .route("/statistics", get(statistics))
        .route("/reset-statistics", post(reset_statistics))
        .route("/advance", post(advance))
        .route("/push", post(push))
        .route("/apps", post(add_application))
        .with_state(control);
    Router::new().nest(PREFIX, routes)
}

#[derive(Deserialize)]
struct Advance {
    seconds: f64,
}

#[derive(Deserialize)]
struct Push {
    project: String,
}

async fn statistics(State(control): State<Control>) -> Json<Value> {
    let log = control.log();
    let users: BTreeMap<String, Value> = log
        .by_user()
        .into_iter()
        .map(|(user, requests)| (user, json!({ "requests": requests })))
        .collect();
    Json(json!({
        "requests": log.api.len(),
        "git": log.git.len(),
        "lfs": log.lfs.len(),
        "refused": log.refused(),
        "unauthorized": log.unauthorized(),
        "by_user": users,
    }))
}

async fn reset_statistics(State(control): State<Control>) -> StatusCode {
    control.reset_log();
    StatusCode::NO_CONTENT
}

async fn advance(State(control): State<Control>, Json(advance): Json<Advance>) -> Response {
    match Duration::try_from_secs_f64(advance.seconds) {
        Ok(by) => {
            control.advance(by);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

#[derive(Deserialize)]
struct NewApplication {
    name: String,
    redirect_uris: Vec<String>,
    scopes: Vec<String>,
}

async fn add_application(
    State(control): State<Control>,
    Json(new): Json<NewApplication>,
) -> Json<Value> {
    let made = control.add_application(&new.name, new.redirect_uris, new.scopes);
    Json(json!({ "client_id": made.client_id, "client_secret": made.secret }))
}

async fn push(State(control): State<Control>, Json(push): Json<Push>) -> Response {
    match control.push(&push.project) {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}
