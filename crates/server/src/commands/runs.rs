//! Past and present runs.

use bytesize::ByteSize;
use clap::Args;
use domain::RunId;
use serde_json::{Value, json};
use store::{FetchView, RunView, Scoped};

use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Table;

/// Which runs to show.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// One run, with its repositories: its id, or the end of it.
    run: Option<String>,
    /// How many to list, newest first.
    #[arg(long, default_value_t = 20)]
    limit: u32,
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    match arguments.run {
        Some(run) => show(context, &scoped, &run).await,
        None => list(context, &scoped, arguments.limit).await,
    }
}

/// The run with that id, or the newest one whose id ends so.
pub(crate) async fn find(scoped: &Scoped, text: &str) -> Result<RunView, Error> {
    /// Among how many of the newest runs the end of an id is looked for.
    const NEWEST: u32 = 1000;
    let found = match text.parse::<RunId>() {
        Ok(id) => scoped.run(id).await?,
        Err(_) => scoped
            .runs(NEWEST)
            .await?
            .into_iter()
            .find(|run| text.len() >= 4 && run.id.to_string().ends_with(text)),
    };
    found.ok_or_else(|| {
        Error::input(format!(
            "There is no run \"{text}\": holdfast runs lists them."
        ))
    })
}

/// A run for scripts.
pub(crate) fn document(run: &RunView) -> Value {
    json!({
        "run": run.id,
        "plan": run.plan_name,
        "organization": run.organization_name,
        "state": run.state,
        "cause": run.cause,
        "repositories": run.tally.total(),
        "tally": run.tally,
        "requested_at": run.requested_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "throttled_until": run.throttled_until,
        "throttled_s": run.throttled_s,
        "bytes_added": run.bytes_added,
        "credentials": run.credentials.iter().map(|one| json!({
            "name": one.name,
            "requests": one.requests,
            "refused": one.refused,
        })).collect::<Vec<_>>(),
    })
}

/// A run in a few lines.
pub(crate) fn summary(run: &RunView) -> String {
    let tally = run.tally;
    let state = run.state.as_str().replace('_', " ");
    let mut lines = vec![format!(
        "{} of {}: {state}. {} of {} repositories settled: {} stored, {} with omissions, {} unchanged, {} failed. {} added.",
        run.plan_name,
        run.organization_name,
        tally.settled(),
        tally.total(),
        tally.complete,
        tally.complete_with_omissions,
        tally.unchanged,
        tally.failed,
        ByteSize::b(run.bytes_added),
    )];
    if run.throttled_s > 0.0 {
        lines.push(format!("Waited {:.0} s for quota.", run.throttled_s));
    }
    for credential in &run.credentials {
        lines.push(format!(
            "{}: {} requests, {} refused.",
            credential.name, credential.requests, credential.refused
        ));
    }
    lines.extend(run.cause.clone());
    lines.join("\n")
}

/// A run and its repositories, for scripts: the run's fields, and the fetches beside them.
pub(crate) fn whole_document(run: &RunView, fetches: &[FetchView]) -> Value {
    let mut whole = document(run);
    if let Some(fields) = whole.as_object_mut() {
        let fetches = fetches.iter().map(fetch_document).collect();
        fields.insert("fetches".to_owned(), Value::Array(fetches));
    }
    whole
}

async fn show(context: &Context, scoped: &Scoped, run: &str) -> Result<Exit, Error> {
    let run = find(scoped, run).await?;
    let fetches = scoped.fetches(run.id).await?;
    let document = json!({
        "run": document(&run),
        "fetches": fetches.iter().map(fetch_document).collect::<Vec<_>>(),
    });
    context.output.answer(&document, || {
        let mut table = Table::new(["repository", "state", "remarks"]);
        for fetch in &fetches {
            let remarks: Vec<&str> = fetch
                .cause
                .as_deref()
                .into_iter()
                .chain(fetch.omissions.iter().map(|one| one.detail.as_str()))
                .collect();
            table.row([
                fetch.repository.to_string(),
                fetch.state.as_str().replace('_', " "),
                remarks.join(" "),
            ]);
        }
        format!(
            "{}\n\n{}",
            summary(&run),
            table.text("Its organization has not been listed yet.")
        )
    });
    Ok(Exit::Complete)
}

fn fetch_document(fetch: &FetchView) -> Value {
    json!({
        "repository": fetch.repository,
        "state": fetch.state,
        "cause": fetch.cause,
        "progress": fetch.progress,
        "snapshot": fetch.snapshot,
        "bytes_added": fetch.bytes_added,
        "credentials": fetch.credentials,
        "throttled_until": fetch.throttled_until,
        "omissions": fetch.omissions,
    })
}

async fn list(context: &Context, scoped: &Scoped, limit: u32) -> Result<Exit, Error> {
    let runs = scoped.runs(limit).await?;
    let documents: Vec<Value> = runs.iter().map(document).collect();
    context.output.answer(&documents, || {
        let mut table = Table::new(["requested", "plan", "state", "repositories", "added", "run"]);
        for run in &runs {
            table.row([
                run.requested_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                run.plan_name.to_string(),
                run.state.as_str().replace('_', " "),
                format!("{}/{}", run.tally.settled(), run.tally.total()),
                ByteSize::b(run.bytes_added).to_string(),
                run.id.to_string(),
            ]);
        }
        table.text("There are no runs: ask for one with holdfast run PLAN --wait.")
    });
    Ok(Exit::Complete)
}
