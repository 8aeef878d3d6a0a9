//! A task's whole log as a text file, read and sent a page at a time.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::RunId;
use futures_util::{StreamExt, stream};
use store::{LogLine, Scoped};

use crate::download;
use crate::error::Error;
use crate::extract::{Member, Path};

/// Lines that are read at once.
const LINES: u32 = 1000;

pub(super) async fn download(
    member: Member,
    Path((_, id)): Path<(String, RunId)>,
) -> Result<Response, Error> {
    let run = member.scoped.run(id).await?.ok_or(Error::NotFound)?;
    let name = format!(
        "{} {}.log",
        run.plan_name,
        run.requested_at.format("%Y-%m-%d %H%M")
    );
    let reading = Reading {
        scoped: member.scoped,
        run: id,
        after: 0,
        over: false,
    };
    let parts = stream::unfold(reading, |mut reading| async move {
        let part = reading.next().await?;
        Some((part, reading))
    });
    // Who compresses an answer asks once more after its end.
    let body = Body::from_stream(parts.fuse());
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, download::attachment(&name)),
    ];
    Ok((headers, body).into_response())
}

struct Reading {
    scoped: Scoped,
    run: RunId,
    after: i64,
    over: bool,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<Bytes, store::Error>> {
        if self.over {
            return None;
        }
        match self.scoped.run_log(self.run, self.after, LINES).await {
            Ok(lines) => {
                self.over = lines.len() < LINES as usize;
                self.after = lines.last()?.number;
                let text: String = lines.iter().map(write).collect();
                Some(Ok(text.into()))
            }
            Err(error) => {
                self.over = true;
                Some(Err(error))
            }
        }
    }
}

fn write(line: &LogLine) -> String {
    format!(
        "{} {}\n",
        line.at.format("%Y-%m-%dT%H:%M:%SZ"),
        line.sentence.replace(['\n', '\r'], " ")
    )
}
