//! The program `holdfast`: the only crate that knows all the others, and what a person does on the command line.
//!
//! Refuses SQL and HTML of its own, and the simulator. Start reading at [`app`] (how the parts are put together), then
//! `commands`: one file per family of commands.
//!
//! Invariants:
//! - [`config`] is the only reader of the environment;
//! - a command that is refused, exit code 2, has stored nothing;
//! - with `--json` standard output holds one document, and an error is `{"error": sentence}`;
//! - no secret comes in by an argument, and none goes out but by `storage password --show`.

pub mod app;
mod cli;
mod commands;
pub mod config;
mod context;
mod error;
mod exit;
mod lifecycle;
mod output;
mod secret_file;
mod shelves;
mod telemetry;
mod vitals;

use std::process::ExitCode;

use clap::Parser;

pub use app::{Running, start};
pub use config::Config;
pub use error::Error;
pub use exit::Exit;

use cli::{Cli, Command};
use context::Context;
use output::Output;

/// Understands the command line of this process and does what it says.
pub async fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => return refuse(&refused).into(),
    };
    let output = Output::new(cli.json);
    let done = async {
        let config = Config::from_environment()?;
        let level = match cli.command {
            Command::Serve | Command::Worker => "info",
            _ => "warn",
        };
        telemetry::start(config.log.as_deref(), level)?;
        let context = Context::new(config, output, cli.tenant);
        Box::pin(commands::execute(context, cli.command)).await
    };
    done.await
        .unwrap_or_else(|error| {
            output.error(&error);
            error.exit()
        })
        .into()
}

/// What clap says before it shows the usage, as one sentence: what is missing stands on lines of its own.
fn refusal(text: &str) -> String {
    let said = text.split("\n\nUsage:").next().unwrap_or_default();
    let words: Vec<&str> = said.split_whitespace().collect();
    let sentence = words.join(" ");
    let sentence = sentence.strip_prefix("error: ").unwrap_or(&sentence);
    format!("{}.", sentence.trim_end_matches('.'))
}

/// Help and versions are answers; anything else that cannot be understood is bad input.
fn refuse(refused: &clap::Error) -> Exit {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if refused.use_stderr() && wants_json {
        Output::new(true).error(&Error::Input(refusal(&refused.to_string())));
    } else if refused.print().is_err() {
        return Exit::Failed;
    }
    if refused.use_stderr() {
        Exit::BadInput
    } else {
        Exit::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_every_argument_that_is_missing() {
        let refused = Cli::try_parse_from(["holdfast", "plan", "add", "nightly"]).unwrap_err();
        let sentence = refusal(&refused.to_string());
        for word in ["--organization", "--storage"] {
            assert!(sentence.contains(word), "{sentence}");
        }
        assert!(
            !sentence.contains('\n') && !sentence.contains("Usage"),
            "{sentence}"
        );
    }
}
