//! Every address there is and who may go there. No row, no handler.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use domain::MemberRole;
use store::Viewer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::timeout::TimeoutLayer;

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Address, Frame, Hx, Member, ServiceOperator, SignedIn, Visitor};
use crate::once::Held;
use crate::{failure, headers, page, session, views};

/// No answer begins later; what streams may go on for longer.
const TIME_OUT: Duration = Duration::from_secs(30);

/// Who may go to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever comes, without being looked up.
    Anyone,
    /// Who is signed in, in whatever tenants.
    SignedIn,
    /// Members of the tenant in the address with at least this role.
    Member(MemberRole),
    /// Who runs the installation; for others there is no such address.
    ServiceOperator,
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    handler: MethodRouter<Console>,
}

impl Route {
    pub(crate) fn get<H, T>(path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, Console>,
        T: 'static,
    {
        Self {
            method: Method::GET,
            path,
            access,
            handler: on(MethodFilter::GET, handler),
        }
    }

    pub(crate) fn post<H, T>(path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, Console>,
        T: 'static,
    {
        Self {
            method: Method::POST,
            path,
            access,
            handler: on(MethodFilter::POST, handler),
        }
    }
}

/// Every page and every action.
pub(crate) fn table() -> Vec<Route> {
    [
        views::routes(),
        views::alerts::routes(),
        views::applications::routes(),
        views::checks::routes(),
        views::github::routes(),
        views::login::routes(),
        views::passwords::routes(),
        views::returns::routes(),
        views::search::routes(),
        views::set_up::routes(),
        views::snapshots::routes(),
        views::tasks::routes(),
        views::throttling::routes(),
        views::invitation::routes(),
        views::account::routes(),
        views::members::routes(),
        views::audit::routes(),
        views::tenants::routes(),
        views::plans::routes(),
        views::storages::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The addresses of what can be looked at, for who tries them all.
pub fn addresses() -> Vec<&'static str> {
    table()
        .into_iter()
        .filter(|route| route.method == Method::GET)
        .map(|route| route.path)
        .collect()
}

/// The console, to be served beside what else the process answers.
pub fn router(console: Console) -> Router {
    let mut router = Router::new();
    for route in table() {
        let gate = Gate {
            console: console.clone(),
            access: route.access,
        };
        let guarded = route
            .handler
            .route_layer(middleware::from_fn_with_state(gate, guard));
        router = router.route(route.path, guarded);
    }
    let csrf = CsrfLayer::new();
    let csrf = match &console.settings.public_url {
        // A proxy in front of us may speak to us under another name.
        Some(url) => csrf
            .clone()
            .add_trusted_origin(url.origin().ascii_serialization())
            .unwrap_or(csrf),
        None => csrf,
    };
    router
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(csrf.with_rejection_response(forged))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIME_OUT,
        ))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(failure::draw))
        .layer(middleware::from_fn_with_state(
            console.clone(),
            headers::add,
        ))
        // Fonts are compressed already; streams of events must not wait for a block to fill.
        .layer(
            CompressionLayer::new()
                .compress_when(DefaultPredicate::new().and(NotForContentType::const_new("font/"))),
        )
        .with_state(console)
}

async fn nowhere(Visitor(frame): Visitor) -> Response {
    framed(Error::NotFound.into_response(), frame)
}

fn forged(_: ProtectionError) -> Response {
    Error::Invalid(
        "This form was sent from another site, and nothing was changed. Open the page here and send it again."
            .to_owned(),
    )
    .into_response()
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over so")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default();
    Error::internal(format!("A handler panicked: {text}")).into_response()
}

#[derive(Debug, Clone)]
struct Gate {
    console: Console,
    access: Access,
}

/// Stands in front of every handler: finds out who asks, and lets nobody through but whom the route's row names.
async fn guard(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let held = Held::default();
    request.extensions_mut().insert(held.clone());
    let response = match admit(&gate, request).await {
        Ok((request, frame)) => {
            let speaks = frame.as_ref().is_some_and(|frame| frame.toast.is_some());
            let mut response = framed(next.run(request).await, frame);
            if speaks && let Ok(cookie) = session::set(&gate.console, page::TOAST, "", 0) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(refusal) => refusal,
    };
    let taken = response.status() == StatusCode::SEE_OTHER;
    held.settle(response.headers().get(header::LOCATION).filter(|_| taken));
    response
}

/// Leaves with the response who is looking, for the page of a failure.
fn framed(mut response: Response, frame: Option<Frame>) -> Response {
    if let Some(frame) = frame {
        response.extensions_mut().insert(frame);
    }
    response
}

async fn admit(gate: &Gate, request: Request) -> Result<(Request, Option<Frame>), Response> {
    if gate.access == Access::Anyone {
        return Ok((request, None));
    }
    let (mut parts, body) = request.into_parts();
    let viewer = session::viewer(&gate.console, &parts.headers)
        .await
        .map_err(IntoResponse::into_response)?
        .ok_or_else(|| sign_in(&parts))?;
    let hx = Hx::of(&parts.headers);
    let is_page = parts.method == Method::GET && !hx.request;
    let mut frame = Frame {
        tenant: home(&viewer),
        viewer: Arc::clone(&viewer),
        hx,
        toast: is_page.then(|| page::toast(&parts.headers)).flatten(),
    };
    let address = Address::of(&parts, &gate.console).0;
    let refuse = |error: Error, frame: &Frame| framed(error.into_response(), Some(frame.clone()));
    match gate.access {
        Access::Anyone => {}
        Access::SignedIn => {
            let frame = frame.clone();
            parts.extensions.insert(SignedIn { frame, address });
        }
        Access::ServiceOperator => {
            if !viewer.operator {
                return Err(refuse(Error::NotFound, &frame));
            }
            let frame = frame.clone();
            parts
                .extensions
                .insert(ServiceOperator(SignedIn { frame, address }));
        }
        Access::Member(least) => {
            let wanted = tenant_of(parts.uri.path());
            let membership = viewer
                .memberships
                .iter()
                .find(|one| one.tenant_name.as_str() == wanted)
                .ok_or_else(|| refuse(Error::NotFound, &frame))?;
            frame.tenant = Some((membership.tenant_name.clone(), membership.role));
            if membership.role < least {
                return Err(refuse(Error::Forbidden, &frame));
            }
            let signed_in = SignedIn {
                frame: frame.clone(),
                address,
            };
            let scoped = gate
                .console
                .db
                .tenant(membership.tenant)
                .acting(signed_in.actor());
            parts.extensions.insert(Member {
                signed_in,
                tenant_name: membership.tenant_name.clone(),
                role: membership.role,
                scoped,
            });
        }
    }
    Ok((Request::from_parts(parts, body), Some(frame)))
}

/// The tenant around pages that belong to none.
fn home(viewer: &Viewer) -> Option<(domain::Name, MemberRole)> {
    viewer
        .memberships
        .first()
        .map(|first| (first.tenant_name.clone(), first.role))
}

/// The tenant's name in `/t/NAME/…`; names need no escaping, so an escaped one is nobody's.
fn tenant_of(path: &str) -> &str {
    path.strip_prefix("/t/")
        .and_then(|rest| rest.split('/').next())
        .unwrap_or_default()
}

/// Sends somebody unknown to the sign-in page, and back afterwards to what was a page.
fn sign_in(parts: &Parts) -> Response {
    let hx = Hx::of(&parts.headers);
    let shown = if hx.request {
        parts
            .headers
            .get("hx-current-url")
            .and_then(|url| url.to_str().ok())
            .and_then(|url| url::Url::parse(url).ok())
            .map(|url| url[url::Position::BeforePath..].to_owned())
    } else if parts.method == Method::GET {
        parts.uri.path_and_query().map(ToString::to_string)
    } else {
        None
    };
    let next = shown.map_or_else(String::new, |shown| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        format!("?{}", query.append_pair("next", &shown).finish())
    });
    let Ok(location) = HeaderValue::try_from(format!("/login{next}")) else {
        return Error::NotFound.into_response();
    };
    if hx.request {
        (StatusCode::UNAUTHORIZED, [("hx-redirect", location)]).into_response()
    } else {
        (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
    }
}

#[cfg(test)]
mod tests;
