//! The batch interface of Git LFS (git-lfs documentation, api/batch.md).

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Address;
use crate::caller::Caller;
use crate::download;
use crate::lock::{lock, read};
use crate::quota::{Charge, Resource, Verdict};
use crate::state::Simulator;
use crate::urls::Urls;
use crate::world::Repository;

/// What follows the repository's address.
pub(super) const BATCH: &str = "/info/lfs/objects/batch";

/// The media type of everything said here.
const MEDIA_TYPE: &str = "application/vnd.git-lfs+json";

/// Objects of one request at most (GitHub docs, rate limits for Git LFS).
const MOST: usize = 100;

/// The largest request.
const LARGEST_BODY: usize = 1024 * 1024;

#[derive(Debug, Deserialize)]
struct Batch {
    operation: String,
    objects: Vec<Wanted>,
}

#[derive(Debug, Deserialize)]
struct Wanted {
    oid: String,
    size: u64,
}

pub(super) async fn batch(
    simulator: &Simulator,
    urls: &Urls,
    caller: &Caller,
    target: &Address<'_>,
    request: Request,
) -> Response {
    let bucket = caller.bucket();
    let charge = Charge {
        bucket: &bucket,
        resource: Resource::Lfs,
        endpoint: BATCH,
        cost: 1,
        points: 0,
    };
    let verdict = lock(&simulator.ledger).admit(&charge, simulator.clock.now());
    if verdict != Verdict::Admitted {
        lock(&simulator.statistics).refused(caller.login());
        return say(
            StatusCode::TOO_MANY_REQUESTS,
            &json!({ "message": "API rate limit exceeded" }),
        );
    }
    let body = axum::body::to_bytes(request.into_body(), LARGEST_BODY)
        .await
        .unwrap_or_default();
    let response = answer(simulator, urls, caller, target, &body);
    lock(&simulator.ledger).finish(&bucket);
    response
}

fn answer(
    simulator: &Simulator,
    urls: &Urls,
    caller: &Caller,
    target: &Address<'_>,
    body: &[u8],
) -> Response {
    let world = read(&simulator.world);
    let repository = world
        .repository(&target.owner, &target.name)
        .filter(|repository| caller.sees(repository, &world));
    let Some(repository) = repository else {
        return unseen(caller);
    };
    let Ok(batch) = serde_json::from_slice::<Batch>(body) else {
        return say(
            StatusCode::UNPROCESSABLE_ENTITY,
            &json!({ "message": "Unprocessable Entity" }),
        );
    };
    if batch.operation != "download" {
        return say(
            StatusCode::FORBIDDEN,
            &json!({ "message": "Write access is not granted." }),
        );
    }
    if batch.objects.len() > MOST {
        return say(
            StatusCode::PAYLOAD_TOO_LARGE,
            &json!({ "message": format!("At most {MOST} objects can be asked for at once.") }),
        );
    }
    let objects = batch
        .objects
        .iter()
        .map(|wanted| object(simulator, urls, repository, wanted))
        .collect::<Vec<_>>();
    say(
        StatusCode::OK,
        &json!({ "transfer": "basic", "objects": objects, "hash_algo": "sha256" }),
    )
}

fn object(simulator: &Simulator, urls: &Urls, repository: &Repository, wanted: &Wanted) -> Value {
    let known = repository
        .lfs_objects
        .get(&wanted.oid)
        .filter(|object| object.content.size == wanted.size);
    if known.is_none() {
        let error = json!({ "code": 404, "message": "Object does not exist on the server" });
        return json!({ "oid": wanted.oid, "size": wanted.size, "error": error });
    }
    let path = format!("/lfs/{}/{}", repository.id, wanted.oid);
    let signed = download::sign(&simulator.settings, &path, simulator.clock.now());
    json!({
        "oid": wanted.oid,
        "size": wanted.size,
        "authenticated": true,
        "actions": {
            "download": {
                "href": format!("{}{signed}", urls.download),
                "expires_in": download::lifetime(),
            },
        },
    })
}

fn unseen(caller: &Caller) -> Response {
    let message = json!({ "message": "Repository not found" });
    if caller.is_authorized() {
        return say(StatusCode::NOT_FOUND, &message);
    }
    let mut response = say(StatusCode::UNAUTHORIZED, &message);
    let challenge = axum::http::HeaderValue::from_static("Basic realm=\"GitHub\"");
    response.headers_mut().insert("lfs-authenticate", challenge);
    response
}

fn say(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, MEDIA_TYPE)],
        body.to_string(),
    )
        .into_response()
}
