//! Log lines, on standard error, and counters.
//!
//! Nothing secret can get there: secrets are [`domain::Secret`]s, which do not show themselves.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::error::Error;

/// Begins logging: what `HOLDFAST_LOG` asks for, else `default`.
pub(crate) fn start(wanted: Option<&str>, default: &str) -> Result<(), Error> {
    let text = wanted.unwrap_or(default);
    let filter = EnvFilter::try_new(text).map_err(|error| {
        Error::input(format!(
            "HOLDFAST_LOG is \"{text}\" ({error}): write a level such as info, or parts such as info,scheduler=debug."
        ))
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| Error::Failed(format!("Logging cannot begin: {error}.")))
}

/// The counters of this process, which are collected from the first call on.
pub(crate) fn counters() -> Result<PrometheusHandle, Error> {
    static COUNTERS: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    COUNTERS
        .get_or_init(|| {
            PrometheusBuilder::new()
                .install_recorder()
                .map_err(|error| error.to_string())
        })
        .clone()
        .map_err(|error| Error::Failed(format!("Counters cannot be collected: {error}.")))
}
