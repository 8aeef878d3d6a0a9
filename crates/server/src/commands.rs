//! What a person can ask for on the command line: one file per family of commands.

pub(crate) mod application;
pub(crate) mod cancel;
pub(crate) mod credential;
pub(crate) mod doctor;
pub(crate) mod master_key;
pub(crate) mod organization;
pub(crate) mod person;
pub(crate) mod plan;
pub(crate) mod restore;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod snapshots;
pub(crate) mod storage;
pub(crate) mod tenant;
pub(crate) mod verify;

mod identify;

use crate::cli::Command;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;

/// Does what was asked for.
pub(crate) async fn execute(context: Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Serve => serve::serve(context.config).await,
        Command::Worker => serve::work(context.config).await,
        Command::Migrate => serve::migrate(&context).await,
        Command::Tenant(command) => tenant::execute(&context, command).await,
        Command::Person(command) => person::execute(&context, command).await,
        Command::Application(command) => application::execute(&context, command).await,
        Command::Organization(command) => organization::execute(&context, command).await,
        Command::Credential(command) => credential::execute(&context, command).await,
        Command::Storage(command) => storage::execute(&context, command).await,
        Command::Plan(command) => plan::execute(&context, *command).await,
        Command::Run(arguments) => run::execute(&context, arguments).await,
        Command::Runs(arguments) => runs::execute(&context, arguments).await,
        Command::Cancel(arguments) => cancel::execute(&context, &arguments).await,
        Command::Snapshots(arguments) => snapshots::execute(&context, arguments).await,
        Command::Verify(arguments) => verify::execute(&context, arguments).await,
        Command::Restore(arguments) => restore::execute(&context, arguments).await,
        Command::MasterKey(command) => master_key::execute(&context, command).await,
        Command::Doctor => doctor::execute(&context).await,
    }
}
