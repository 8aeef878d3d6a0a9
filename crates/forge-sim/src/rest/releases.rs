//! Releases and their files, whose bytes come from another host.

use axum::http::{StatusCode, header};
use serde_json::json;

use super::{Call, Outcome};
use crate::download;
use crate::reply::{Refusal, Reply, Validators};
use crate::world::Release;

/// How many releases can be listed at most (GitHub docs, REST API, releases).
const LISTABLE: usize = 10_000;

pub(super) fn list(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let page = call.query.number("page").unwrap_or(1);
    if page.saturating_mul(call.per_page()) > LISTABLE {
        let message = "Only the first 10000 results are available.";
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    let releases = repository.releases.iter().rev().collect::<Vec<_>>();
    call.page(&releases, |release| {
        call.show().release(repository, release)
    })
}

pub(super) fn latest(call: &Call<'_>) -> Outcome {
    found(call, |release| !release.draft && !release.prerelease)
}

pub(super) fn by_tag(call: &Call<'_>) -> Outcome {
    found(call, |release| release.tag_name == call.parameter(0))
}

pub(super) fn one(call: &Call<'_>) -> Outcome {
    let id = call.number(0)?;
    found(call, |release| release.id == id)
}

pub(super) fn assets(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let id = call.number(0)?;
    let release = repository
        .releases
        .iter()
        .find(|release| release.id == id)
        .ok_or_else(Refusal::not_found)?;
    call.page(&release.assets, |asset| {
        call.show().asset(repository, release, asset)
    })
}

/// A description of a file, or for those who want bytes the way to them.
pub(super) fn asset(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let id = call.number(0)?;
    let (release, asset) = repository
        .releases
        .iter()
        .find_map(|release| Some((release, release.assets.iter().find(|asset| asset.id == id)?)))
        .ok_or_else(Refusal::not_found)?;
    if !call.wants_bytes() {
        let body = call.show().asset(repository, release, asset);
        return Ok(Reply::dated(body, asset.updated_at));
    }
    let path = format!("/assets/{}/{}", repository.id, asset.id);
    let signed = download::sign(&call.simulator.settings, &path, call.now);
    Ok(Reply {
        status: StatusCode::FOUND,
        body: Some(json!({})),
        validators: Validators::None,
        headers: vec![(header::LOCATION, format!("{}{signed}", call.urls.download))],
    })
}

fn found(call: &Call<'_>, wanted: impl Fn(&Release) -> bool) -> Outcome {
    let repository = call.repository()?;
    let release = repository
        .releases
        .iter()
        .rev()
        .find(|release| wanted(release))
        .ok_or_else(Refusal::not_found)?;
    Ok(Reply::dated(
        call.show().release(repository, release),
        release.updated_at,
    ))
}
