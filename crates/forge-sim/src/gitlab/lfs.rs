//! Git LFS: where objects are, and their bytes (git-lfs documentation, api/batch.md).

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Simulator;
use super::api::Caller;
use super::web::{Address, unauthorized};
use crate::lock::read;

const MEDIA_TYPE: &str = "application/vnd.git-lfs+json";
/// The largest request.
const LARGEST: usize = 1 << 20;

#[derive(Deserialize)]
struct Batch {
    operation: String,
    objects: Vec<Wanted>,
}

#[derive(Deserialize)]
struct Wanted {
    oid: String,
    size: u64,
}

pub(super) async fn serve(
    simulator: &Simulator,
    caller: Option<&Caller>,
    address: &Address<'_>,
    request: Request,
) -> Response {
    let Some(caller) = caller else {
        return unauthorized();
    };
    if let Some(oid) = address.rest.strip_prefix("/gitlab-lfs/objects/") {
        return bytes(simulator, caller, address, oid);
    }
    if address.rest != "/info/lfs/objects/batch" || request.method() != Method::POST {
        return say(StatusCode::NOT_FOUND, &json!({ "message": "Not found" }));
    }
    let body = axum::body::to_bytes(request.into_body(), LARGEST)
        .await
        .unwrap_or_default();
    let Ok(batch) = serde_json::from_slice::<Batch>(&body) else {
        return say(
            StatusCode::UNPROCESSABLE_ENTITY,
            &json!({ "message": "Invalid" }),
        );
    };
    if batch.operation != "download" {
        return say(
            StatusCode::FORBIDDEN,
            &json!({ "message": "Access forbidden." }),
        );
    }
    let world = read(&simulator.world);
    let project = world
        .project(&address.path)
        .filter(|project| world.role_in(caller.user, project.group) > 0);
    let Some(project) = project else {
        return say(StatusCode::NOT_FOUND, &json!({ "message": "Not found" }));
    };
    let coded = BASE64_STANDARD.encode(format!("oauth2:{}", caller.token.value));
    let objects: Vec<Value> = batch
        .objects
        .iter()
        .map(|wanted| {
            let known = project.lfs.get(&wanted.oid);
            if known.is_none_or(|content| content.size != wanted.size) {
                let error = json!({ "code": 404, "message": "Object does not exist on the server or you don't have permissions to access it" });
                return json!({ "oid": wanted.oid, "size": wanted.size, "error": error });
            }
            let href = format!("{}/{}.git/gitlab-lfs/objects/{}", simulator.base, address.path, wanted.oid);
            json!({
                "oid": wanted.oid,
                "size": wanted.size,
                "authenticated": true,
                "actions": { "download": { "href": href, "header": { "Authorization": format!("Basic {coded}") } } },
            })
        })
        .collect();
    say(StatusCode::OK, &json!({ "objects": objects }))
}

fn bytes(simulator: &Simulator, caller: &Caller, address: &Address<'_>, oid: &str) -> Response {
    let world = read(&simulator.world);
    let content = world
        .project(&address.path)
        .filter(|project| world.role_in(caller.user, project.group) > 0)
        .and_then(|project| project.lfs.get(oid).copied());
    match content {
        Some(content) => {
            let whole: Vec<u8> = content.pieces(0).flatten().collect();
            let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
            (kind, Body::from(whole)).into_response()
        }
        None => say(StatusCode::NOT_FOUND, &json!({ "message": "Not found" })),
    }
}

fn say(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, MEDIA_TYPE)],
        body.to_string(),
    )
        .into_response()
}
