//! Taking a snapshot, or a part of it, to the browser: streamed, never whole in memory, and noted in the audit log.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::SnapshotId;
use domain::tree::{Names, Part};
use serde::Deserialize;
use serde_json::json;
use store::{Act, Snapshot};

use super::place_of;
use crate::console::Console;
use crate::contents::Trouble;
use crate::download;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::form::Query;

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    part: Option<String>,
    path: Option<String>,
}

impl Wanted {
    fn part(&self) -> Result<Part, Error> {
        match self.part.as_deref().unwrap_or_default() {
            "archive" => Ok(Part::Archive),
            "git" => Ok(Part::Git),
            "wiki" => Ok(Part::Wiki),
            "file" => Names::parse(self.path.as_deref().unwrap_or_default())
                .filter(|names| names.last().is_some())
                .map(Part::File)
                .ok_or(Error::NotFound),
            other => Err(Error::Invalid(format!(
                "A snapshot has no part called \"{other}\": download archive, git, wiki or file."
            ))),
        }
    }
}

pub(super) async fn send(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, SnapshotId)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Error> {
    let part = wanted.part()?;
    let snapshot = member.scoped.snapshot(id).await?.ok_or(Error::NotFound)?;
    // The entry is there before the first byte leaves.
    member
        .scoped
        .record(Act {
            action: "snapshot.download",
            subject: ("snapshot", id.0, &snapshot.repository_name.to_string()),
            before: None,
            after: Some(json!({
                "part": wanted.part,
                "path": wanted.path,
                "taken_at": snapshot.taken_at,
            })),
        })
        .await?;
    let at = place_of(&member, &snapshot);
    let taken = match console.contents.take(&at, &part).await {
        Ok(taken) => taken,
        Err(Trouble::Missing) => return Err(missing(&part)),
        Err(trouble @ (Trouble::Away(_) | Trouble::Failed(_))) => {
            return Err(Error::Conflict(trouble.to_string()));
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            download::attachment(&name(&snapshot, &part)),
        ),
        // Packs do not get smaller by packing them again.
        (header::CONTENT_ENCODING, "identity".to_owned()),
    ];
    let mut response = (headers, Body::from_stream(taken.body)).into_response();
    if let Some(length) = taken.length {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}

fn missing(part: &Part) -> Error {
    match part {
        Part::Git => Error::Conflict(
            "The repository had no commits when this snapshot was taken: download the archive instead."
                .to_owned(),
        ),
        Part::Wiki => Error::Conflict("This snapshot holds no wiki with pages in it.".to_owned()),
        Part::Archive | Part::File(_) => Error::NotFound,
    }
}

/// What the browser calls it: `acme-web-2026-03-02.bundle`.
fn name(snapshot: &Snapshot, part: &Part) -> String {
    let stem = format!(
        "{}-{}",
        snapshot.repository_name.to_string().replace('/', "-"),
        snapshot.taken_at.format("%Y-%m-%d")
    );
    match part {
        Part::Archive => format!("{stem}.tar"),
        Part::Git => format!("{stem}.bundle"),
        Part::Wiki => format!("{stem}-wiki.bundle"),
        Part::File(names) => names.last().unwrap_or("download").to_owned(),
    }
}
