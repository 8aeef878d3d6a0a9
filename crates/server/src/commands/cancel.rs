//! Stopping a run.

use clap::Args;
use serde_json::json;

use super::runs;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;

/// Which run to stop.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The run's id, or the end of it.
    run: String,
}

pub(crate) async fn execute(context: &Context, arguments: &Arguments) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    let run = runs::find(&scoped, &arguments.run).await?;
    if run.state.is_final() {
        return Err(Error::input(format!(
            "The run {} has ended already: it is {}.",
            run.id,
            run.state.as_str().replace('_', " ")
        )));
    }
    scoped.cancel_run(run.id).await?;
    context
        .output
        .answer(&json!({ "run": run.id, "cancelled": true }), || {
            format!(
                "Cancelled the run of {}; what it has stored stays.",
                run.plan_name
            )
        });
    Ok(Exit::Complete)
}
