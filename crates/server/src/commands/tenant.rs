//! Customers of this installation.

use clap::Subcommand;
use domain::Weight;
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
    /// Change a tenant.
    Edit {
        /// The tenant.
        name: String,
        /// How much it gets beside other tenants that use the same quota: twice the weight, twice as much.
        #[arg(long)]
        weight: Weight,
    },
    /// List the tenants.
    List,
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Add { name } => add(context, &name).await,
        Command::Edit { name, weight } => edit(context, &name, weight).await,
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

async fn edit(context: &Context, name: &str, weight: Weight) -> Result<Exit, Error> {
    let fleet = context.db().await?.fleet().acting(Actor::command_line());
    let tenants = context.tenants(&fleet).await?;
    let tenant = tenants
        .iter()
        .find(|one| one.name.as_str() == name)
        .ok_or_else(|| {
            Error::Input(format!(
                "There is no tenant \"{name}\": holdfast tenant list shows those there are."
            ))
        })?;
    fleet.weigh_tenant(tenant.id, weight).await?;
    let document = json!({ "id": tenant.id, "name": tenant.name, "weight": weight });
    context.output.answer(&document, || {
        format!("The tenant {name} has the weight {weight}.")
    });
    Ok(Exit::Complete)
}

async fn list(context: &Context) -> Result<Exit, Error> {
    let tenants = context.tenants(&context.db().await?.fleet()).await?;
    let document: Vec<_> = tenants
        .iter()
        .map(|tenant| json!({ "id": tenant.id, "name": tenant.name, "weight": tenant.weight }))
        .collect();
    context.output.answer(&document, || {
        let mut table = Table::new(["name", "weight", "id"]);
        for tenant in &tenants {
            table.row([
                tenant.name.to_string(),
                tenant.weight.to_string(),
                tenant.id.to_string(),
            ]);
        }
        table.text("There are no tenants: add one with holdfast tenant add NAME.")
    });
    Ok(Exit::Complete)
}
