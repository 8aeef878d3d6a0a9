//! What to back up, when and where to.

mod add;
mod edit;
mod what;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use domain::schedule::Cadence;
use domain::{CredentialId, Schedule, Selection};
use serde_json::{Value, json};
use store::{Credential, Plan, Scoped, Storage};

use super::credential;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Table;

/// What can be done about plans.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a plan.
    Add(add::Add),
    /// Change a plan; what is not named stays.
    Edit(edit::Edit),
    /// List the plans.
    List,
    /// Remove a plan: it runs no more, and its snapshots stay.
    Remove {
        /// The plan.
        name: String,
    },
}

/// A switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// When a plan runs by itself.
#[derive(Debug, Args)]
pub(crate) struct When {
    /// `hourly`, `six_hourly`, `nightly` or `weekly`; five cron fields such as "30 2 * * *", or @daily; "never" for runs by hand alone.
    #[arg(long, value_name = "WHEN")]
    schedule: Option<String>,
    /// The time of day of a schedule that has a name.
    #[arg(
        long,
        value_name = "HH:MM",
        requires = "schedule",
        default_value = "02:00"
    )]
    at: String,
    /// The day of a weekly schedule.
    #[arg(
        long,
        value_name = "DAY",
        requires = "schedule",
        default_value = "Sunday"
    )]
    day: String,
    /// The time zone in which the schedule is read.
    #[arg(long, value_name = "ZONE", requires = "schedule")]
    time_zone: Option<String>,
    /// Minutes from its start in which a run may work; later it rests until the next.
    #[arg(long, value_name = "MINUTES", requires = "schedule")]
    window: Option<u32>,
}

impl When {
    /// Whether anything was said about the schedule.
    fn is_said(&self) -> bool {
        self.schedule.is_some()
    }

    /// The schedule that was asked for, if it is not "never".
    fn schedule(&self, now: DateTime<Utc>) -> Result<Option<Schedule>, Error> {
        match self.schedule.as_deref() {
            None | Some("never") => Ok(None),
            Some(when) => {
                let has_name = Cadence::WORDS.iter().any(|(word, _)| *word == when);
                let cron = if has_name {
                    Cadence::parse(when, &self.at, &self.day)?.cron()
                } else {
                    when.to_owned()
                };
                let zone = self.time_zone.as_deref().unwrap_or("UTC");
                Ok(Some(Schedule::parse(&cron, zone, self.window, now)?))
            }
        }
    }
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Add(add) => add::execute(context, add).await,
        Command::Edit(edit) => edit::execute(context, edit).await,
        Command::List => list(context).await,
        Command::Remove { name } => remove(context, &name).await,
    }
}

/// The plan of that name.
pub(crate) async fn find(scoped: &Scoped, name: &str) -> Result<Plan, Error> {
    if let Some(found) = scoped.plan_by_name(name).await? {
        return Ok(found);
    }
    let known = scoped.plans().await?;
    Err(Error::unknown(
        "plan",
        name,
        known.iter().map(|one| one.name.as_str()),
    ))
}

async fn storage(scoped: &Scoped, name: &str) -> Result<Storage, Error> {
    if let Some(found) = scoped.storage_by_name(name).await? {
        return Ok(found);
    }
    let known = scoped.storages().await?;
    Err(Error::unknown(
        "storage",
        name,
        known.iter().map(|one| one.name.as_str()),
    ))
}

/// The ids of credentials that were named; the main one is in every pool and cannot be switched.
fn additional(known: &[Credential], names: &[String]) -> Result<Vec<CredentialId>, Error> {
    let additional: Vec<Credential> = known
        .iter()
        .filter(|one| one.role == domain::Role::Additional)
        .cloned()
        .collect();
    names
        .iter()
        .map(|name| credential::find(&additional, name).map(|found| found.id))
        .collect()
}

/// A plan with the names of the additional credentials that are switched on in it.
struct Described {
    plan: Plan,
    uses: Vec<String>,
}

impl Described {
    async fn of(scoped: &Scoped, plan: Plan) -> Result<Self, Error> {
        let uses = scoped
            .credentials(plan.organization)
            .await?
            .into_iter()
            .filter(|one| plan.use_credentials.contains(&one.id))
            .map(|one| one.name.to_string())
            .collect();
        Ok(Self { plan, uses })
    }

    fn document(&self) -> Value {
        let plan = &self.plan;
        json!({
            "id": plan.id,
            "name": plan.name,
            "organization": plan.organization_name,
            "selection": plan.selection,
            "content": plan.content,
            "storage": plan.storage_name,
            "schedule": plan.schedule,
            "next_due_at": plan.next_due_at,
            "paused": plan.paused_at.is_some(),
            "retention": plan.retention,
            "additional_credentials": plan.additional_credentials,
            "use_credentials": self.uses,
            "pool_percent": plan.pool_part,
            "weight": plan.weight,
        })
    }

    fn row(&self) -> [String; 7] {
        let plan = &self.plan;
        [
            plan.name.to_string(),
            plan.organization_name.to_string(),
            match &plan.selection {
                Selection::All => "all".to_owned(),
                Selection::Chosen(names) => names.len().to_string(),
                Selection::Rules(_) => "by rules".to_owned(),
            },
            plan.storage_name.to_string(),
            plan.schedule.as_ref().map_or_else(
                || "never".to_owned(),
                |one| format!("{} {}", one.cron(), one.zone()),
            ),
            match (plan.paused_at, plan.next_due_at) {
                (Some(_), _) => "paused".to_owned(),
                (None, due) => due
                    .map(|due| due.format("%Y-%m-%d %H:%M UTC").to_string())
                    .unwrap_or_default(),
            },
            match (plan.additional_credentials, self.uses.is_empty()) {
                (false, _) => "off".to_owned(),
                (true, true) => "none is switched on".to_owned(),
                (true, false) => self.uses.join(", "),
            },
        ]
    }
}

async fn list(context: &Context) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    let mut plans = Vec::new();
    for plan in scoped.plans().await? {
        plans.push(Described::of(&scoped, plan).await?);
    }
    let document: Vec<Value> = plans.iter().map(Described::document).collect();
    context.output.answer(&document, || {
        let mut table = Table::new([
            "name",
            "organization",
            "repositories",
            "storage",
            "schedule",
            "next",
            "additional credentials",
        ]);
        for plan in &plans {
            table.row(plan.row());
        }
        table.text("There are no plans: add one with holdfast plan add.")
    });
    Ok(Exit::Complete)
}

async fn remove(context: &Context, name: &str) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    let plan = find(&scoped, name).await?;
    scoped.remove_plan(plan.id).await?;
    context.output.answer(&json!({ "removed": plan.name }), || {
        format!("Removed the plan {}. Its snapshots stay.", plan.name)
    });
    Ok(Exit::Complete)
}
