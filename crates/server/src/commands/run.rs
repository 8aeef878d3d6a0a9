//! Asking for a run, and watching it.

mod bars;
mod lines;
mod watch;

use std::time::Duration;

use clap::Args;
use domain::RunId;
use serde_json::json;
use store::{RunView, Scoped, Trigger};

use super::{plan, runs};
use crate::app;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use watch::Watch;

/// What to run, and how long to stay.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The plan.
    plan: String,
    /// Show its progress, and end when it has ended: the exit code tells how.
    #[arg(long)]
    wait: bool,
    /// Wait no longer than this, such as 90s, 10m or 2h.
    #[arg(long = "for", value_name = "DURATION", requires = "wait", value_parser = humantime::parse_duration)]
    patience: Option<Duration>,
    /// Do the work in this process, where no worker runs.
    #[arg(long, requires = "wait")]
    here: bool,
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    let plan = plan::find(&scoped, &arguments.plan).await?;
    let has_worker = {
        let workers = context.db().await?.fleet().live_workers().await?;
        !workers.is_empty()
    };
    if arguments.wait && !arguments.here && !has_worker {
        return Err(Error::Failed(
            "No worker is alive, so the run would not begin: start one with holdfast serve, or add --here to do the work in this process.".into(),
        ));
    }
    let run = scoped.request_run(plan.id, Trigger::Person).await?;
    if !arguments.wait {
        context
            .output
            .answer(&json!({ "run": run, "worker_alive": has_worker }), || {
                let mut text = format!("Asked for a run of {}: {run}.", plan.name);
                if !has_worker {
                    text.push_str(
                        " No worker is alive: it begins when one is started with holdfast serve.",
                    );
                }
                text
            });
        return Ok(Exit::Complete);
    }
    let worker = if arguments.here {
        Some(app::start_worker(&context.config, context.clock.clone()).await?)
    } else {
        None
    };
    let waited = wait(context, &scoped, run, arguments.patience).await;
    if let Some(worker) = worker {
        worker.drain().await;
    }
    let waited = waited?;
    let exit = waited.exit();
    let fetches = scoped.fetches(run).await?;
    let document = runs::whole_document(&waited.view, &fetches);
    context
        .output
        .answer(&document, || runs::summary(&waited.view));
    Ok(exit)
}

/// The run as it was last seen, and why nobody looks any more.
struct Waited {
    view: RunView,
    interrupted: bool,
}

impl Waited {
    fn exit(&self) -> Exit {
        if self.interrupted {
            Exit::Interrupted
        } else {
            Exit::of_run(self.view.state)
        }
    }
}

/// Shows the run until it ends, the wait is over, or the person has had enough.
async fn wait(
    context: &Context,
    scoped: &Scoped,
    run: RunId,
    patience: Option<Duration>,
) -> Result<Waited, Error> {
    let deadline = async {
        match patience {
            Some(patience) => tokio::time::sleep(patience).await,
            None => std::future::pending().await,
        }
    };
    let mut watch = Watch::begin(context, scoped, run).await?;
    let interrupted = tokio::select! {
        ended = watch.until_the_end() => {
            ended?;
            false
        }
        () = deadline => false,
        signal = tokio::signal::ctrl_c() => {
            signal.map_err(|error| Error::Failed(format!("Signals cannot be heard: {error}.")))?;
            true
        }
    };
    let view = watch.end().await?;
    if interrupted && !view.state.is_final() {
        context
            .output
            .note("The run goes on where a worker is alive: holdfast runs shows it.");
    }
    Ok(Waited { view, interrupted })
}
