//! The commands that stay.

use domain::Clock;
use serde_json::json;
use tracing::{info, warn};

use crate::app;
use crate::config::Config;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::lifecycle::Signals;

/// Web and scheduler, until a signal.
pub(crate) async fn serve(config: Config) -> Result<Exit, Error> {
    let mut signals = Signals::listen()?;
    info!("Starting: {config}.");
    let running = app::start(config).await?;
    info!("Serving on http://{}.", running.addr);
    signals.next().await;
    Ok(end(&mut signals, running.drain()).await)
}

/// The scheduler alone, until a signal.
pub(crate) async fn work(config: Config) -> Result<Exit, Error> {
    let mut signals = Signals::listen()?;
    info!("Starting a worker: {config}.");
    let worker = app::start_worker(&config, Clock::system()).await?;
    signals.next().await;
    Ok(end(&mut signals, worker.drain()).await)
}

/// Brings the schema up to date.
pub(crate) async fn migrate(context: &Context) -> Result<Exit, Error> {
    context.db().await?.migrate().await?;
    context.output.answer(&json!({ "migrated": true }), || {
        "The database schema is up to date.".to_owned()
    });
    Ok(Exit::Complete)
}

async fn end(signals: &mut Signals, drain: impl Future<Output = ()>) -> Exit {
    info!("Ending: no new work is begun, and what runs is put down at the next safe point.");
    if signals.unless_repeated(drain).await {
        Exit::Complete
    } else {
        warn!("Ending at once.");
        Exit::Interrupted
    }
}
