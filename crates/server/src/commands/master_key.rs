//! Changing the key that seals every secret of the installation, while servers and workers run.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use store::{Actor, Fleet, Resealed, Sealer};

use crate::app;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::secret_file;

/// What can be done about the master key.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Put a new master key in the place of the present one; run it again to go on after an interruption.
    Rotate {
        /// Take the new key from this file (`openssl rand -hex 32`) instead of making one.
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
    },
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Rotate { key_file } => rotate(context, key_file.as_deref()).await,
    }
}

async fn rotate(context: &Context, key_file: Option<&Path>) -> Result<Exit, Error> {
    let fleet = context.db().await?.fleet().acting(Actor::command_line());
    context.tenants(&fleet).await?;
    let sealer = app::sealer(&context.config)?;
    fleet.check_master_key(&sealer).await?;
    let done = match context.config.master_key_file() {
        Some(path) => in_file(&fleet, &sealer, path, key_file).await?,
        None => from_environment(&fleet, &sealer, key_file).await?,
    };
    let document = json!({ "tenant_keys": done.tenant_keys, "one_time_codes": done.totps, "applications": done.applications });
    context.output.answer(&document, || {
        let next = match context.config.master_key_file() {
            Some(path) => format!(
                "{} holds the new key alone: keep a copy of it elsewhere, and the old key for as long as backups of the database from before today.",
                path.display()
            ),
            None => "Take the old key out of HOLDFAST_MASTER_KEY when every process has the new one in the first place.".to_owned(),
        };
        format!(
            "Sealed anew: the keys of {} tenants and the one-time codes of {} people. {next}",
            done.tenant_keys, done.totps
        )
    });
    Ok(Exit::Complete)
}

/// All processes that read the file notice by themselves.
async fn in_file(
    fleet: &Fleet,
    sealer: &Sealer,
    path: &Path,
    key_file: Option<&Path>,
) -> Result<Resealed, Error> {
    let new = key_file
        .map(|file| secret_file::read(file, "master key"))
        .transpose()?;
    Sealer::begin_rotation(path, new.as_ref())?;
    // Counting looks at the file again: from here on this process has both keys too.
    sealer.key_count();
    let done = fleet.reseal(sealer).await?;
    Sealer::end_rotation(path)?;
    Ok(done)
}

/// No process can change another's environment: the person starts them anew, one after the other.
async fn from_environment(
    fleet: &Fleet,
    sealer: &Sealer,
    key_file: Option<&Path>,
) -> Result<Resealed, Error> {
    if key_file.is_some() || sealer.key_count() < 2 {
        return Err(Error::input(
            "The master key is in HOLDFAST_MASTER_KEY, which only you can change: set it to the new key and the old one, \"NEW,OLD\", for every process and for this command. README.md says in which order.",
        ));
    }
    Ok(fleet.reseal(sealer).await?)
}
