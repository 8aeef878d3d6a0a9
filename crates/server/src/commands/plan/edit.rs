//! Changes of a plan.

use clap::Args;
use domain::{PoolPart, Retention, Weight};
use store::PlanChange;

use super::what::{ByRule, content};
use super::{Described, Switch, When, additional, find, storage};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;

/// What to change about a plan.
#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// The plan.
    name: String,
    /// What to call it from now on.
    #[arg(long = "name", value_name = "NEW NAME")]
    new_name: Option<String>,
    /// all, or full names joined by commas: owner/name,owner/name.
    #[arg(long, value_name = "LIST")]
    repositories: Option<String>,
    #[command(flatten)]
    by_rule: ByRule,
    /// everything, code, or the parts that come besides the code: `wiki,issues,pull_requests,lfs,releases,assets,settings`.
    #[arg(long, value_name = "PARTS")]
    content: Option<String>,
    /// Whether the plan rests: it does not run by itself, but can be run.
    #[arg(long, value_enum)]
    paused: Option<Switch>,
    /// Where snapshots go from now on.
    #[arg(long)]
    storage: Option<String>,
    #[command(flatten)]
    when: When,
    /// Which snapshots are kept: forever, or any of last=N,days=N,daily=N,weekly=N,monthly=N,yearly=N.
    #[arg(long, value_name = "RULE")]
    retention: Option<String>,
    /// Whether the plan may use the additional credentials that are switched on in it.
    #[arg(long, value_enum)]
    additional_credentials: Option<Switch>,
    /// Switch an additional credential on; may be given several times.
    #[arg(long = "use", value_name = "CREDENTIAL")]
    uses: Vec<String>,
    /// Switch an additional credential off; may be given several times.
    #[arg(long = "not-use", value_name = "CREDENTIAL")]
    uses_not: Vec<String>,
    /// How much of each credential's quota the plan may take, in percent.
    #[arg(long, value_name = "PERCENT")]
    pool_part: Option<PoolPart>,
    /// How much the plan gets beside others that want the same credentials: twice the weight, twice as much.
    #[arg(long)]
    weight: Option<Weight>,
}

pub(super) async fn execute(context: &Context, edit: Edit) -> Result<Exit, Error> {
    let content = edit.content.as_deref().map(content).transpose()?;
    let name = edit.new_name.as_deref().map(str::parse).transpose()?;
    let retention = edit
        .retention
        .as_deref()
        .map(Retention::parse)
        .transpose()?;
    let schedule = edit.when.schedule(context.clock.now())?;
    let schedule = edit.when.is_said().then_some(schedule);
    let scoped = context.scoped().await?;
    let plan = find(&scoped, &edit.name).await?;
    let selection = edit
        .by_rule
        .selection(edit.repositories.as_deref(), Some(&plan.selection))?;
    let storage = match &edit.storage {
        Some(name) => Some(storage(&scoped, name).await?.id),
        None => None,
    };
    let credentials = scoped.credentials(plan.organization).await?;
    let on = additional(&credentials, &edit.uses)?;
    let off = additional(&credentials, &edit.uses_not)?;
    let use_credentials = (!on.is_empty() || !off.is_empty()).then(|| {
        let mut used: Vec<_> = plan.use_credentials.iter().copied().chain(on).collect();
        used.retain(|id| !off.contains(id));
        used.sort();
        used.dedup();
        used
    });
    scoped
        .edit_plan(
            plan.id,
            PlanChange {
                name,
                selection,
                content,
                storage,
                schedule,
                paused: edit.paused.map(|switch| switch == Switch::On),
                retention,
                additional_credentials: edit
                    .additional_credentials
                    .map(|switch| switch == Switch::On),
                use_credentials,
                pool_part: edit.pool_part,
                weight: edit.weight,
                version: None,
            },
        )
        .await?;
    let changed = scoped.plan(plan.id).await?.unwrap_or(plan);
    let plan = Described::of(&scoped, changed).await?;
    context.output.answer(&plan.document(), || {
        format!("Changed the plan {}.", edit.name)
    });
    Ok(Exit::Complete)
}
