//! The control door over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, Mutation};
use crate::chaos::Fault;
use crate::error::Error;
use crate::recipe::AppRecipe;
use crate::state::Simulator;
use crate::world::TokenValue;

/// Where the door is.
pub(crate) const PREFIX: &str = "/_control";

pub(crate) fn router(simulator: Arc<Simulator>) -> Router {
    let routes = Router::new()
        .route("/statistics", get(statistics))
        .route("/reset-statistics", post(reset_statistics))
        .route("/world", get(world))
        .route("/advance", post(advance))
        .route("/faults", post(order_fault).delete(clear_faults))
        .route("/mutate", post(mutate))
        .route("/apps", post(create_app))
        .with_state(Control::new(simulator));
    Router::new().nest(PREFIX, routes)
}

#[derive(Debug, Deserialize)]
struct Advance {
    seconds: f64,
}

async fn statistics(State(control): State<Control>) -> Response {
    Json(control.statistics()).into_response()
}

async fn reset_statistics(State(control): State<Control>) -> StatusCode {
    control.reset_statistics();
    StatusCode::NO_CONTENT
}

async fn world(State(control): State<Control>) -> Response {
    Json(control.world()).into_response()
}

async fn advance(State(control): State<Control>, Json(advance): Json<Advance>) -> Response {
    match Duration::try_from_secs_f64(advance.seconds) {
        Ok(by) => {
            control.advance(by);
            Json(json!({ "now": control.now() })).into_response()
        }
        Err(error) => refuse(&Error::Invalid(error.to_string())),
    }
}

async fn order_fault(State(control): State<Control>, Json(fault): Json<Fault>) -> Json<Value> {
    Json(json!({ "id": control.fault(fault) }))
}

async fn clear_faults(State(control): State<Control>) -> StatusCode {
    control.clear_faults();
    StatusCode::NO_CONTENT
}

async fn mutate(State(control): State<Control>, Json(mutation): Json<Mutation>) -> Response {
    match control.mutate(&mutation) {
        Ok(mutated) => Json(mutated).into_response(),
        Err(error) => refuse(&error),
    }
}

/// Answers with the keys of the app, as its owner sees them once.
async fn create_app(State(control): State<Control>, Json(recipe): Json<AppRecipe>) -> Response {
    match control.create_app(&recipe) {
        Ok(keys) => Json(json!({
            "id": keys.id,
            "slug": keys.slug,
            "client_id": keys.client_id,
            "client_secret": keys.client_secret.reveal(),
            "pem": keys.pem.as_ref().map(TokenValue::reveal),
            "webhook_secret": keys.webhook_secret.as_ref().map(TokenValue::reveal),
        }))
        .into_response(),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &Error) -> Response {
    let status = match error {
        Error::Unknown(_) => StatusCode::NOT_FOUND,
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::File { .. } | Error::Listen { .. } | Error::Git { .. } | Error::Tls(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}
