//! The way of every request to the programming interfaces: who, which route, faults, limits, answer, validators, headers.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use crate::chaos;
use crate::lock::lock;
use crate::state::Simulator;
use crate::urls::Entrance;
use exchange::Exchange;
use gauge::InFlight;

mod answer;
mod exchange;
mod finish;
mod gauge;
pub(crate) mod limited;
mod rules;

/// The largest body a client may send.
const LARGEST_BODY: usize = 1024 * 1024;

/// Which interface a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interface {
    Rest,
    Graphql,
}

/// Answers a request to REST or GraphQL.
pub(crate) async fn serve(
    simulator: Arc<Simulator>,
    interface: Interface,
    entrance: Entrance,
    address: IpAddr,
    request: Request,
) -> Response {
    let _in_flight = InFlight::enter(&simulator);
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    let mut exchange = Exchange::new(&simulator, interface, &entrance, address, &parts, body);
    let Some(effect) = exchange.arrive() else {
        return exchange.answer(simulator.settings.latency).await;
    };
    if chaos::is_limit(&effect) {
        lock(&simulator.statistics).refused(exchange.login());
    }
    chaos::change_world(&simulator, &effect);
    exchange.identify(address);
    let response = match exchange.replaced(&effect) {
        Some(response) => response,
        None => {
            exchange
                .answer(simulator.settings.latency + chaos::delay(&effect))
                .await
        }
    };
    chaos::apply(&effect, response).await
}
