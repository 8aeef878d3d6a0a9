//! Coming back from a host, and what hosts tell by themselves.

use aws_lc_rs::hmac;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::{ApplicationId, Arrival, Notice, Secret};
use serde::Deserialize;
use serde_json::Value;

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Path, ServiceOperator, SignedIn};
use crate::form::Query;
use crate::router::{Access, Route};
use crate::{page, token, way};

/// Hosts send no larger message (GitHub docs, webhook events and payloads).
const LARGEST: usize = 25 * 1024 * 1024;

/// Characters of a delivery's number that are kept: hosts send 36.
const GUID: usize = 100;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get(way::GITHUB_CALLBACK, Access::SignedIn, come_back),
        Route::get(way::GITLAB_CALLBACK, Access::SignedIn, come_back),
        Route::get("/applications/made", Access::ServiceOperator, made),
        Route::post("/hooks/github/{application}", Access::Anyone, hear),
    ]
}

/// What a host adds to the address. Nothing of it is believed.
#[derive(Debug, Deserialize)]
struct Brought {
    code: Option<String>,
    state: Option<String>,
    installation_id: Option<String>,
    setup_action: Option<String>,
}

async fn come_back(
    State(console): State<Console>,
    signed_in: SignedIn,
    Query(brought): Query<Brought>,
) -> Result<Response, Error> {
    let Some(state) = &brought.state else {
        return Err(Error::Invalid(
            "Nothing was added: nobody here began this. Whoever asked for the installation finds it under Manage credentials."
                .to_owned(),
        ));
    };
    let installation = brought
        .installation_id
        .and_then(|number| number.parse().ok());
    let arrival = match (brought.setup_action.as_deref(), installation) {
        (Some("request"), _) => Arrival::Requested,
        (_, Some(installation)) => Arrival::Installed { installation },
        (_, None) => Arrival::Granted,
    };
    let code = brought.code.map(Secret::new);
    let viewer = signed_in.viewer();
    let authorized = console
        .db
        .fleet()
        .came_back(
            &console.sealer,
            token::hash(state),
            viewer.session,
            arrival,
            code.as_ref(),
        )
        .await?;
    let counted = authorized.and_then(|authorized| {
        let membership = viewer
            .memberships
            .iter()
            .find(|one| one.tenant == authorized.tenant)?;
        Some((&membership.tenant_name, authorized.check))
    });
    match counted {
        Some((tenant, check)) => page::go(&format!("/t/{tenant}/checks/{check}")),
        None => Err(Error::Invalid(way::DOES_NOT_COUNT.to_owned())),
    }
}

/// A browser comes back from making an application on a host.
async fn made(
    State(console): State<Console>,
    operator: ServiceOperator,
    Query(brought): Query<Brought>,
) -> Result<Response, Error> {
    let (Some(code), Some(state)) = (brought.code, brought.state) else {
        return page::go_saying(
            &console,
            "/applications",
            "The host did not hand over the application: register it again.",
        );
    };
    let id = console
        .db
        .fleet()
        .acting(operator.0.actor())
        .application_came_back(
            &console.sealer,
            token::hash(&state),
            operator.0.viewer().session,
            &Secret::new(code),
        )
        .await?;
    match id {
        Some(_) => page::go("/applications"),
        None => Err(Error::Invalid(
            "No application was added: this way back counts once, in the browser that began it. Register it again."
                .to_owned(),
        )),
    }
}

/// A host tells an application that something has happened. It is written down and answered at once; what follows is done later.
async fn hear(
    State(console): State<Console>,
    Path(application): Path<ApplicationId>,
    request: Request,
) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let fleet = console.db.fleet();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let secret = fleet
        .application_keys(&console.sealer, application)
        .await?
        .and_then(|keys| keys.webhook_secret)
        .ok_or(Error::NotFound)?;
    let signature = text("x-hub-signature-256")
        .and_then(|value| value.strip_prefix("sha256="))
        .and_then(|digits| hex::decode(digits).ok());
    // Only what claims to be signed for an application that is known is worth the memory.
    let Some(signature) = signature else {
        return Ok(StatusCode::UNAUTHORIZED.into_response());
    };
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return Err(Error::TooLarge);
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    if hmac::verify(&key, &body, &signature).is_err() {
        return Ok(StatusCode::UNAUTHORIZED.into_response());
    }
    let (Some(event), Some(guid)) = (text("x-github-event"), text("x-github-delivery")) else {
        return Ok(StatusCode::BAD_REQUEST.into_response());
    };
    let Ok(payload) = serde_json::from_slice::<Value>(&body) else {
        return Ok(StatusCode::BAD_REQUEST.into_response());
    };
    let guid: String = guid.chars().take(GUID).collect();
    let notice = Notice::read(event, &payload);
    fleet
        .receive_message(application, &guid, notice.as_ref())
        .await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

#[cfg(test)]
mod tests;
