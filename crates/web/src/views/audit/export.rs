//! The audit log as a file: written while it is read, however long it is. Exporting it is an entry of its own.

use std::collections::VecDeque;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use store::{Act, AuditEntry, AuditFilter, AuditPlace};
use uuid::Uuid;

use super::{Log, Wish};
use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, ServiceOperator};
use crate::form::Query;

/// Entries that are read at a time.
const BATCH: u32 = 500;

/// How entries are written.
#[derive(Debug, Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
}

impl Format {
    fn kind(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/jsonl; charset=utf-8",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }
}

pub(super) async fn csv(
    State(console): State<Console>,
    member: Member,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    export(&console, Log::of(&member), &wish, Format::Csv).await
}

pub(super) async fn json_lines(
    State(console): State<Console>,
    member: Member,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    export(&console, Log::of(&member), &wish, Format::JsonLines).await
}

pub(super) async fn installation_csv(
    State(console): State<Console>,
    operator: ServiceOperator,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    export(
        &console,
        Log::of_installation(&console, &operator),
        &wish,
        Format::Csv,
    )
    .await
}

pub(super) async fn installation_json_lines(
    State(console): State<Console>,
    operator: ServiceOperator,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    let log = Log::of_installation(&console, &operator);
    export(&console, log, &wish, Format::JsonLines).await
}

async fn export(
    console: &Console,
    log: Log,
    wish: &Wish,
    format: Format,
) -> Result<Response, Error> {
    let (mut filter, fields) = wish.understand();
    if !fields.is_ok() {
        return Err(Error::Invalid(
            "The days cannot be understood: write them like 2026-03-02.".to_owned(),
        ));
    }
    log.record(Act {
        action: "audit.export",
        subject: ("audit", Uuid::nil(), "Audit log"),
        before: None,
        after: Some(json!({ "format": format.ending(), "filter": wish.query(None) })),
    })
    .await?;
    // What comes in while the file is written is not in it, or a busy tenant's file would never end.
    let now = console.clock.now();
    filter.until = Some(filter.until.map_or(now, |until| until.min(now)));
    let name = format!(
        "audit-{}-{}.{}",
        log.name(),
        now.format("%Y-%m-%d"),
        format.ending()
    );
    let rows = Rows {
        log,
        filter,
        format,
        after: None,
        ready: match format {
            Format::Csv => VecDeque::from([heading()?]),
            Format::JsonLines => VecDeque::new(),
        },
        is_over: false,
    };
    let body = Body::from_stream(stream::try_unfold(rows, |mut rows| async move {
        let chunk = rows.next().await?;
        Ok::<_, Error>(chunk.map(|chunk| (chunk, rows)))
    }));
    Ok((
        [
            (header::CONTENT_TYPE, format.kind().to_owned()),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{name}\""),
            ),
        ],
        body,
    )
        .into_response())
}

/// What is still to be written.
struct Rows {
    log: Log,
    filter: AuditFilter,
    format: Format,
    after: Option<AuditPlace>,
    ready: VecDeque<Bytes>,
    is_over: bool,
}

impl Rows {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(chunk) = self.ready.pop_front() {
            return Ok(Some(chunk));
        }
        if self.is_over {
            return Ok(None);
        }
        let entries = self.log.entries(&self.filter, self.after, BATCH).await?;
        self.after = entries.last().map(AuditEntry::place);
        self.is_over = entries.len() < BATCH as usize;
        if entries.is_empty() {
            return Ok(None);
        }
        match self.format {
            Format::Csv => table(&entries),
            Format::JsonLines => lines(&entries),
        }
        .map(Some)
    }
}

const COLUMNS: [&str; 10] = [
    "at",
    "person",
    "address",
    "action",
    "subject_kind",
    "subject_id",
    "subject_name",
    "before",
    "after",
    "id",
];

fn heading() -> Result<Bytes, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(broken)?;
    finish(writer)
}

fn table(entries: &[AuditEntry]) -> Result<Bytes, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for entry in entries {
        let value = |value: &Option<serde_json::Value>| {
            value.as_ref().map(ToString::to_string).unwrap_or_default()
        };
        let record = [
            entry.at.to_rfc3339(),
            entry.person_name.clone(),
            entry.address.clone().unwrap_or_default(),
            entry.action.clone(),
            entry.subject_kind.clone(),
            entry.subject_id.to_string(),
            entry.subject_name.clone(),
            value(&entry.before),
            value(&entry.after),
            entry.id.to_string(),
        ];
        writer.write_record(record.map(harmless)).map_err(broken)?;
    }
    finish(writer)
}

/// A spreadsheet would run a cell that begins like a formula; people choose names.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell
    }
}

fn lines(entries: &[AuditEntry]) -> Result<Bytes, Error> {
    let mut text = Vec::new();
    for entry in entries {
        let line = json!({
            "id": entry.id,
            "at": entry.at,
            "person": entry.person_name,
            "person_id": entry.person(),
            "address": entry.address,
            "action": entry.action,
            "subject": {
                "kind": entry.subject_kind,
                "id": entry.subject_id,
                "name": entry.subject_name,
            },
            "before": entry.before,
            "after": entry.after,
        });
        serde_json::to_writer(&mut text, &line)
            .map_err(|error| Error::Internal(Box::new(error)))?;
        text.push(b'\n');
    }
    Ok(text.into())
}

fn finish(writer: csv::Writer<Vec<u8>>) -> Result<Bytes, Error> {
    writer
        .into_inner()
        .map(Bytes::from)
        .map_err(|error| Error::internal(format!("The table cannot be written: {error}.")))
}

fn broken(error: csv::Error) -> Error {
    Error::Internal(Box::new(error))
}
