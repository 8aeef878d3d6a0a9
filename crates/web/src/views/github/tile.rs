//! An organization at a glance, in words.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Health, Name, OrganizationId, PlanId, Role, RunState};
use store::{Tile, TileCredential, TilePlan, TileRun};

use crate::quota::{Quotas, Standing, Strip};
use crate::text::number;

/// A token that expires sooner needs attention.
pub(super) const SOON: TimeDelta = TimeDelta::days(14);

/// Plans that a tile names; the others are counted.
const PLANS_SHOWN: usize = 3;

pub(crate) struct TileView {
    pub(crate) id: OrganizationId,
    pub(crate) name: Name,
    pub(crate) host: String,
    /// How the organization is connected.
    pub(crate) kind: &'static str,
    pub(crate) repositories: u64,
    /// "5 of 6 repositories".
    pub(crate) protected: String,
    pub(crate) tone: &'static str,
    pub(crate) state: String,
    pub(crate) needs_attention: bool,
    /// What somebody has to do something about.
    pub(crate) problem: Option<String>,
    pub(crate) plans: Vec<PlanView>,
    pub(crate) more_plans: usize,
    pub(crate) last: Option<DateTime<Utc>>,
    pub(crate) next: Option<DateTime<Utc>>,
    pub(crate) strip: Strip,
    /// "3 added, 2 used by plans".
    pub(crate) credentials: String,
    pub(crate) unused: Vec<String>,
}

pub(crate) struct PlanView {
    pub(crate) id: PlanId,
    pub(crate) name: Name,
    pub(crate) tone: &'static str,
    pub(crate) state: String,
}

impl TileView {
    pub(super) fn of(tile: Tile, quotas: &Quotas, now: DateTime<Utc>) -> Self {
        // What is kept back of a bucket is shown where credentials are managed.
        let standings: Vec<Standing> = tile
            .credentials
            .iter()
            .map(|one| Standing::of(&one.health, &one.bucket, 0, one.is_used, quotas))
            .collect();
        let strip = Strip::of(
            tile.credentials
                .iter()
                .map(|one| &one.bucket)
                .zip(&standings),
            quotas,
        );
        let additional: Vec<&TileCredential> = tile
            .credentials
            .iter()
            .filter(|one| one.role == Role::Additional)
            .collect();
        let used = additional.iter().filter(|one| one.is_used).count();
        let unused: Vec<String> = additional
            .iter()
            .filter(|one| !one.is_used)
            .map(|one| one.title.clone())
            .collect();
        let problem = problem(&tile, now);
        let (tone, state) = state(&tile);
        let needs_attention =
            problem.is_some() || !unused.is_empty() || matches!(tone, "bad" | "warn");
        let plans: Vec<PlanView> = tile
            .plans
            .iter()
            .take(PLANS_SHOWN)
            .map(PlanView::of)
            .collect();
        Self {
            id: tile.id,
            host: tile.host.authority(),
            kind: tile
                .credentials
                .iter()
                .find(|one| one.role == Role::Main)
                .map_or("", |one| one.kind.label()),
            repositories: tile.repositories,
            protected: format!(
                "{} of {}",
                number(tile.protected),
                crate::text::count(tile.repositories, "repository", "repositories")
            ),
            tone,
            state,
            needs_attention,
            problem,
            more_plans: tile.plans.len().saturating_sub(PLANS_SHOWN),
            plans,
            last: tile
                .plans
                .iter()
                .filter_map(|plan| plan.last_run.as_ref().and_then(|run| run.ended_at))
                .max(),
            next: tile.plans.iter().filter_map(|plan| plan.next_due_at).min(),
            strip,
            credentials: format!("{} added, {used} used by plans", additional.len()),
            unused,
            name: tile.name,
        }
    }
}

impl PlanView {
    fn of(plan: &TilePlan) -> Self {
        let (tone, state) = plan
            .last_run
            .as_ref()
            .map_or(("idle", "Not run yet".to_owned()), run);
        Self {
            id: plan.id,
            name: plan.name.clone(),
            tone,
            state,
        }
    }
}

fn run(run: &TileRun) -> (&'static str, String) {
    let (tone, word) = match run.state {
        RunState::Queued => ("run", "Queued"),
        RunState::Running => ("run", "Running"),
        RunState::Throttled => {
            let text = run.not_before.map_or_else(
                || "Waits for its window".to_owned(),
                |until| format!("Throttled until {}", until.format("%H:%M")),
            );
            return ("warn", text);
        }
        RunState::Complete => ("ok", "Complete"),
        RunState::CompleteWithOmissions => ("warn", "Complete with omissions"),
        RunState::Failed => ("bad", "Failed"),
        RunState::Cancelled => ("idle", "Cancelled"),
    };
    (tone, word.to_owned())
}

/// One word for the whole organization: what is wrong before what goes on, and that before what is well.
fn state(tile: &Tile) -> (&'static str, String) {
    let main_is_dead = tile
        .credentials
        .iter()
        .any(|one| one.role == Role::Main && matches!(one.health, Health::Dead { .. }));
    if main_is_dead {
        return ("bad", "Action needed".to_owned());
    }
    let runs = || tile.plans.iter().filter_map(|plan| plan.last_run.as_ref());
    let has = |state: RunState| runs().find(|one| one.state == state);
    if let Some(failed) = has(RunState::Failed) {
        return (run(failed).0, "Last backup failed".to_owned());
    }
    if let Some(throttled) = has(RunState::Throttled) {
        return run(throttled);
    }
    if has(RunState::Running).is_some() || has(RunState::Queued).is_some() {
        return ("run", "Backing up".to_owned());
    }
    if tile.plans.is_empty() {
        return ("idle", "No plan yet".to_owned());
    }
    if tile.protected == 0 {
        return ("idle", "Not backed up yet".to_owned());
    }
    if has(RunState::CompleteWithOmissions).is_some() {
        return ("warn", "Complete with omissions".to_owned());
    }
    if tile.protected < tile.repositories {
        return ("idle", "Partly protected".to_owned());
    }
    ("ok", "Protected".to_owned())
}

/// What a person has to do something about.
fn problem(tile: &Tile, now: DateTime<Utc>) -> Option<String> {
    let dead = tile.credentials.iter().find_map(|one| match &one.health {
        Health::Dead { reason } => Some((one, reason)),
        Health::Healthy | Health::Paused => None,
    });
    if let Some((credential, reason)) = dead {
        let effect = match credential.role {
            Role::Main => "Replace its token to resume backups.",
            Role::Additional => "Tasks go on without it. Replace its token or remove it.",
        };
        return Some(format!(
            "{} does not accept the token of {} any more ({}). {effect}",
            tile.host.authority(),
            credential.title,
            reason.trim_end_matches('.'),
        ));
    }
    let soon = tile
        .credentials
        .iter()
        .filter_map(|one| one.expires_at.map(|at| (at, one)))
        .filter(|(at, _)| *at - now < SOON)
        .min_by_key(|(at, _)| *at);
    soon.map(|(at, credential)| {
        format!(
            "The token of {} {}. Replace it before.",
            credential.title,
            expiry(at, now)
        )
    })
}

/// "expires in 9 days".
pub(crate) fn expiry(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let days = (at - now).num_days();
    if at <= now {
        format!("expired on {}", at.format("%-d %b %Y"))
    } else if days == 0 {
        format!("expires today at {}", at.format("%H:%M"))
    } else {
        format!("expires in {}", crate::text::count(days, "day", "days"))
    }
}
