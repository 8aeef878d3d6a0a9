//! The listeners: one host for pages, git and programming interfaces, one for downloads, one door for tests.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::serve::IncomingStream;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Interface};
use crate::error::Error;
use crate::state::Simulator;
use crate::urls::Entrance;
use crate::{control, download, web};

pub(crate) mod tls;

/// The other end of a connection, whatever it speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl Connected<IncomingStream<'_, tls::TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, tls::TlsListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A host that answers everything but downloads.
#[derive(Clone)]
struct Host {
    simulator: Arc<Simulator>,
    entrance: Entrance,
}

/// Opens a listener.
pub(crate) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen {
        address: address.to_string(),
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Serves anything that wants to know who asks, until cancelled.
pub(crate) fn serve_app(listener: TcpListener, app: Router, stop: CancellationToken) {
    let app = app.into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
        report(served.await);
    });
}

/// Serves pages, git, REST and GraphQL until cancelled.
pub(crate) fn serve_host(
    listener: TcpListener,
    simulator: Arc<Simulator>,
    entrance: Entrance,
    stop: CancellationToken,
) {
    let app = host(simulator, entrance).into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
        report(served.await);
    });
}

/// The same over TLS.
pub(crate) fn serve_host_over_tls(
    listener: tls::TlsListener,
    simulator: Arc<Simulator>,
    entrance: Entrance,
    stop: CancellationToken,
) {
    let app = host(simulator, entrance).into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
        report(served.await);
    });
}

/// Serves signed downloads until cancelled.
pub(crate) fn serve_downloads(
    listener: TcpListener,
    simulator: Arc<Simulator>,
    stop: CancellationToken,
) {
    serve_router(
        listener,
        Router::new()
            .fallback(download::serve)
            .with_state(simulator),
        stop,
    );
}

/// Serves the control door until cancelled.
pub(crate) fn serve_control(
    listener: TcpListener,
    simulator: Arc<Simulator>,
    stop: CancellationToken,
) {
    serve_router(listener, control::door::router(simulator), stop);
}

fn serve_router(listener: TcpListener, router: Router, stop: CancellationToken) {
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        report(served.await);
    });
}

fn report(served: std::io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(%error, "a listener of the simulator ended");
    }
}

fn host(simulator: Arc<Simulator>, entrance: Entrance) -> Router {
    let host = Host {
        simulator,
        entrance,
    };
    Router::new().fallback(answer).with_state(host)
}

async fn answer(
    State(host): State<Host>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let Host {
        simulator,
        entrance,
    } = host;
    let path = request.uri().path();
    let interface = if path == "/api/graphql" {
        Some(Interface::Graphql)
    } else if path == "/api/v3" || path.starts_with("/api/v3/") {
        Some(Interface::Rest)
    } else {
        None
    };
    match interface {
        Some(interface) => {
            Box::pin(api::serve(
                simulator,
                interface,
                entrance,
                peer.ip(),
                request,
            ))
            .await
        }
        None => Box::pin(web::serve(simulator, entrance, peer.ip(), request)).await,
    }
}
