//! Customers of this installation.

use clap::Subcommand;
use serde_json::json;
use store::Actor;

use crate::context::{Context, new_name};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Table;

/// What can be done about tenants.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a tenant.
    Add {
        /// Its name.
        name: String,
    },
    /// List the tenants.
    List,
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Add { name } => add(context, &name).await,
        Command::List => list(context).await,
    }
}

async fn add(context: &Context, name: &str) -> Result<Exit, Error> {
    let fleet = context.db().await?.fleet().acting(Actor::command_line());
    let known = context.tenants(&fleet).await?;
    let name = new_name("tenant", name, known.iter().map(|one| one.name.as_str()))?;
    let tenant = fleet.add_tenant(&name, &context.sealer()?).await?;
    context
        .output
        .answer(&json!({ "id": tenant.id, "name": tenant.name }), || {
            format!("Added the tenant {name}.")
        });
    Ok(Exit::Complete)
}

async fn list(context: &Context) -> Result<Exit, Error> {
    let tenants = context.tenants(&context.db().await?.fleet()).await?;
    let document: Vec<_> = tenants
        .iter()
        .map(|tenant| json!({ "id": tenant.id, "name": tenant.name }))
        .collect();
    context.output.answer(&document, || {
        let mut table = Table::new(["name", "id"]);
        for tenant in &tenants {
            table.row([tenant.name.to_string(), tenant.id.to_string()]);
        }
        table.text("There are no tenants: add one with holdfast tenant add NAME.")
    });
    Ok(Exit::Complete)
}
