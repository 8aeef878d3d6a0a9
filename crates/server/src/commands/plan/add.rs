//! A new plan.

use clap::Args;
use domain::{PoolPart, Retention, Selection, Weight};
use store::NewPlan;

use super::what::{ByRule, RULES, content};
use super::{Described, Switch, When, additional, find, storage};
use crate::commands::organization;
use crate::context::{Context, new_name};
use crate::error::Error;
use crate::exit::Exit;

/// A plan to add.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What to call it.
    name: String,
    /// The organization to back up.
    #[arg(long)]
    organization: String,
    /// all, or full names joined by commas: owner/name,owner/name.
    #[arg(long, value_name = "LIST", required_unless_present_any = RULES)]
    repositories: Option<String>,
    #[command(flatten)]
    by_rule: ByRule,
    /// everything, code, or the parts that come besides the code: `wiki,issues,pull_requests,lfs,releases,assets,settings`.
    #[arg(long, value_name = "PARTS", default_value = "everything")]
    content: String,
    /// Where snapshots go.
    #[arg(long)]
    storage: String,
    #[command(flatten)]
    when: When,
    /// Which snapshots are kept: forever, or any of last=N,days=N,daily=N,weekly=N,monthly=N,yearly=N.
    #[arg(long, value_name = "RULE", default_value = "forever")]
    retention: String,
    /// Whether the plan may use the additional credentials that are switched on in it.
    #[arg(long, value_enum, default_value = "off")]
    additional_credentials: Switch,
    /// Switch an additional credential on; may be given several times.
    #[arg(long = "use", value_name = "CREDENTIAL")]
    uses: Vec<String>,
    /// How much of each credential's quota the plan may take, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "100")]
    pool_part: PoolPart,
    /// How much the plan gets beside others that want the same credentials: twice the weight, twice as much.
    #[arg(long, default_value = "100")]
    weight: Weight,
}

pub(super) async fn execute(context: &Context, add: Add) -> Result<Exit, Error> {
    let selection = add
        .by_rule
        .selection(add.repositories.as_deref(), None)?
        .unwrap_or(Selection::All);
    let content = content(&add.content)?;
    let retention = Retention::parse(&add.retention)?;
    let schedule = add.when.schedule(context.clock.now())?;
    let scoped = context.scoped().await?;
    let plans = scoped.plans().await?;
    let name = new_name("plan", &add.name, plans.iter().map(|one| one.name.as_str()))?;
    let organization = organization::find(&scoped, &add.organization).await?;
    let storage = storage(&scoped, &add.storage).await?;
    let credentials = scoped.credentials(organization.id).await?;
    scoped
        .add_plan(NewPlan {
            name,
            organization: organization.id,
            selection,
            content,
            storage: storage.id,
            schedule,
            paused: false,
            retention,
            additional_credentials: add.additional_credentials == Switch::On,
            use_credentials: additional(&credentials, &add.uses)?,
            pool_part: add.pool_part,
            weight: add.weight,
        })
        .await?;
    if !add.uses.is_empty() && add.additional_credentials == Switch::Off {
        context
            .output
            .note("The credentials named are not used as long as --additional-credentials is off.");
    }
    let plan = Described::of(&scoped, find(&scoped, &add.name).await?).await?;
    context.output.answer(&plan.document(), || {
        format!(
            "Added the plan {0}: run it with holdfast run {0} --wait",
            add.name
        )
    });
    Ok(Exit::Complete)
}
