//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{
    application, cancel, credential, master_key, organization, person, plan, restore, run, runs,
    snapshots, storage, tenant, verify,
};
use crate::exit;

/// Backs up GitHub organizations through a pool of credentials, and brings them back.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, after_help = exit::CODES, max_term_width = 100)]
pub(crate) struct Cli {
    /// Answer with one JSON document.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The tenant to act for; needed only where there are several `[env: HOLDFAST_TENANT]`.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve: web and scheduler in one process; brings the database schema up to date first.
    Serve,
    /// Work on the queue without serving: as many of these as wanted, beside one `serve`.
    Worker,
    /// Bring the database schema up to date.
    Migrate,
    /// Customers of this installation.
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Who may sign in to the console.
    #[command(subcommand)]
    Person(person::Command),
    /// Applications on hosts, which tenants install or authorize.
    #[command(subcommand)]
    Application(application::Command),
    /// Connections to hosts.
    #[command(subcommand)]
    Organization(organization::Command),
    /// What may call an organization's host.
    #[command(subcommand)]
    Credential(credential::Command),
    /// Places that keep snapshots.
    #[command(subcommand)]
    Storage(storage::Command),
    /// What to back up, when and where to.
    #[command(subcommand)]
    Plan(Box<plan::Command>),
    /// Ask for a run of a plan.
    Run(run::Arguments),
    /// Past and present runs, or one of them with its repositories.
    Runs(runs::Arguments),
    /// Stop a run; what it has stored stays.
    Cancel(cancel::Arguments),
    /// What has been stored.
    Snapshots(snapshots::Arguments),
    /// Check that snapshots are whole.
    Verify(verify::Arguments),
    /// Write one snapshot into an empty folder.
    Restore(restore::Arguments),
    /// The key that seals every secret.
    #[command(subcommand)]
    MasterKey(master_key::Command),
    /// Check everything that Holdfast needs, and say what to do about what is missing.
    Doctor,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
