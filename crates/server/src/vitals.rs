//! What the process tells those who run it: whether it lives, whether it is ready, and its counters.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use scheduler::Handle;
use serde::Serialize;
use store::Db;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// No answer here takes longer, even when the database hangs.
const TIME_OUT: Duration = Duration::from_secs(5);

/// What the answers are made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) db: Db,
    pub(crate) scheduler: Arc<Handle>,
    pub(crate) counters: PrometheusHandle,
}

/// Their routes.
pub(crate) fn router(parts: Parts) -> Router {
    Router::new()
        .route("/health", get(|| async { "alive\n" }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(parts)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIME_OUT,
        ))
        .layer(CatchPanicLayer::new())
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
}

#[derive(Serialize)]
struct Readiness {
    database: bool,
    scheduler: bool,
}

async fn ready(State(parts): State<Parts>) -> Response {
    let readiness = Readiness {
        database: parts.db.ping().await.is_ok(),
        scheduler: parts.scheduler.status().claiming,
    };
    let status = if readiness.database && readiness.scheduler {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness)).into_response()
}

async fn metrics(State(parts): State<Parts>) -> Response {
    parts.counters.run_upkeep();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        parts.counters.render(),
    )
        .into_response()
}
