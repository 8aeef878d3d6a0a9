//! The situation to be played, as its file says it: every key has its default here, and what is not understood is refused.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

mod event;

pub(crate) use event::{Event, What};

/// One situation of a pool of credentials.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(default, rename = "latency_s")]
    pub(crate) latency: Latency,
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) repositories: Repositories,
    #[serde(default)]
    pub(crate) plans: Vec<Plan>,
    #[serde(default)]
    pub(crate) events: Vec<Event>,
}

/// Log-normal time of one request.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latency {
    #[serde(default = "Latency::usual_median")]
    pub(crate) median: f64,
    #[serde(default = "Latency::usual_p95")]
    pub(crate) p95: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bucket {
    pub(crate) id: String,
    pub(crate) limit: u32,
    #[serde(default = "an_hour")]
    pub(crate) window_s: f64,
    #[serde(default)]
    pub(crate) used: u32,
    #[serde(default)]
    pub(crate) resets_in_s: Option<f64>,
    #[serde(default)]
    pub(crate) aligned: bool,
    #[serde(default)]
    pub(crate) reserve: f64,
    #[serde(default)]
    pub(crate) others_per_hour: f64,
    #[serde(default = "yes")]
    pub(crate) headers: bool,
    #[serde(default)]
    pub(crate) secondary: Secondary,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Secondary {
    pub(crate) concurrency: u32,
    pub(crate) points_per_minute: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) bucket: String,
    #[serde(default)]
    pub(crate) sees: Sees,
}

/// Which repositories a credential can see.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "\"sees\" is a share between 0 and 1 or a list of repositories' indexes"
)]
pub(crate) enum Sees {
    Share(f64),
    These(BTreeSet<usize>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repositories {
    #[serde(default)]
    pub(crate) count: Option<usize>,
    pub(crate) requests: Requests,
    #[serde(default = "eight")]
    pub(crate) parallel: u32,
}

/// What each repository takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "\"requests\" is a list of whole numbers or {\"pareto\": {\"alpha\", \"min\", \"max\"}}"
)]
pub(crate) enum Requests {
    These(Vec<u32>),
    Drawn(Drawn),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drawn {
    pub(crate) pareto: Pareto,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pareto {
    pub(crate) alpha: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) tenant: String,
    #[serde(default)]
    pub(crate) repositories: Option<(usize, usize)>,
    #[serde(default)]
    pub(crate) credentials: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) starts_at_s: f64,
    #[serde(default = "one")]
    pub(crate) weight: f64,
}

impl Latency {
    fn usual_median() -> f64 {
        0.15
    }

    fn usual_p95() -> f64 {
        0.6
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            median: Self::usual_median(),
            p95: Self::usual_p95(),
        }
    }
}

impl Default for Secondary {
    fn default() -> Self {
        Self {
            concurrency: 100,
            points_per_minute: 900,
        }
    }
}

impl Default for Sees {
    fn default() -> Self {
        Self::Share(1.0)
    }
}

fn an_hour() -> f64 {
    3_600.0
}

fn yes() -> bool {
    true
}

fn eight() -> u32 {
    8
}

fn one() -> f64 {
    1.0
}

impl Scenario {
    /// Reads a scenario and refuses what cannot be played, in a sentence.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let mut scenario: Self = serde_json::from_str(text).context("not a scenario")?;
        if scenario.plans.is_empty() {
            scenario.plans.push(Plan {
                id: "all".to_owned(),
                tenant: String::new(),
                repositories: None,
                credentials: None,
                starts_at_s: 0.0,
                weight: 1.0,
            });
        }
        scenario.check()?;
        scenario
            .events
            .sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
        Ok(scenario)
    }

    /// Repositories in all.
    pub(crate) fn count(&self) -> usize {
        match &self.repositories.requests {
            Requests::These(list) => list.len(),
            Requests::Drawn(_) => self.repositories.count.unwrap_or_default(),
        }
    }

    fn check(&self) -> Result<()> {
        span("latency_s.median", self.latency.median, true)?;
        ensure!(
            self.latency.p95 >= self.latency.median && self.latency.p95.is_finite(),
            "latency_s.p95 is less than the median"
        );
        ensure!(!self.buckets.is_empty(), "there is no bucket");
        unique("bucket", self.buckets.iter().map(|bucket| &bucket.id))?;
        unique(
            "credential",
            self.credentials.iter().map(|credential| &credential.id),
        )?;
        unique("plan", self.plans.iter().map(|plan| &plan.id))?;
        for bucket in &self.buckets {
            bucket
                .check()
                .with_context(|| format!("bucket \"{}\"", bucket.id))?;
        }
        for credential in &self.credentials {
            ensure!(
                self.buckets
                    .iter()
                    .any(|bucket| bucket.id == credential.bucket),
                "credential \"{}\" names the bucket \"{}\", which there is not",
                credential.id,
                credential.bucket
            );
            if let Sees::Share(share) = credential.sees {
                ensure!(
                    (0.0..=1.0).contains(&share),
                    "credential \"{}\" sees a share of {share}: it is between 0 and 1",
                    credential.id
                );
            }
        }
        self.check_repositories()?;
        for plan in &self.plans {
            self.check_plan(plan)
                .with_context(|| format!("plan \"{}\"", plan.id))?;
        }
        for event in &self.events {
            self.check_event(event)
                .with_context(|| format!("the event at {} s", event.at_s))?;
        }
        Ok(())
    }

    fn check_repositories(&self) -> Result<()> {
        let repositories = &self.repositories;
        ensure!(
            repositories.parallel > 0,
            "repositories.parallel is 0: nothing could be sent"
        );
        match (&repositories.requests, repositories.count) {
            (Requests::These(list), Some(count)) => ensure!(
                list.len() == count,
                "repositories.count is {count}, but the list of requests has {}",
                list.len()
            ),
            (Requests::These(_), None) => {}
            (Requests::Drawn(_), None) => {
                bail!("repositories.count is missing: it says how many are drawn")
            }
            (Requests::Drawn(Drawn { pareto }), Some(_)) => ensure!(
                pareto.alpha > 0.0
                    && pareto.min > 0.0
                    && pareto.max >= pareto.min
                    && pareto.max.is_finite(),
                "repositories.requests.pareto wants alpha and min above 0 and max not below min"
            ),
        }
        Ok(())
    }

    fn check_plan(&self, plan: &Plan) -> Result<()> {
        span("starts_at_s", plan.starts_at_s, false)?;
        ensure!(
            plan.weight > 0.0 && plan.weight.is_finite(),
            "weight is {}: it is above 0",
            plan.weight
        );
        if let Some((from, to)) = plan.repositories {
            ensure!(
                from <= to && to <= self.count(),
                "repositories [{from}, {to}) do not lie within the {} that there are",
                self.count()
            );
        }
        for id in plan.credentials.iter().flatten() {
            self.knows_credential(id)?;
        }
        Ok(())
    }

    fn check_event(&self, event: &Event) -> Result<()> {
        span("at_s", event.at_s, false)?;
        match &event.what {
            What::Secondary { bucket, .. } => ensure!(
                self.buckets.iter().any(|known| known.id == *bucket),
                "there is no bucket \"{bucket}\""
            ),
            What::Revoke(id) | What::Add(id) | What::Remove(id) => self.knows_credential(id)?,
            What::Slow { factor, for_s } => {
                span("slow", *factor, true)?;
                span("for_s", *for_s, false)?;
            }
            What::ResetJitter(seconds) => span("reset_jitter_s", *seconds, false)?,
            What::Restart => {}
        }
        Ok(())
    }

    fn knows_credential(&self, id: &str) -> Result<()> {
        let is_known = self
            .credentials
            .iter()
            .any(|credential| credential.id == id);
        ensure!(is_known, "there is no credential \"{id}\"");
        Ok(())
    }
}

impl Bucket {
    fn check(&self) -> Result<()> {
        span("window_s", self.window_s, true)?;
        if let Some(seconds) = self.resets_in_s {
            span("resets_in_s", seconds, false)?;
        }
        span("others_per_hour", self.others_per_hour, false)?;
        ensure!(
            (0.0..=1.0).contains(&self.reserve),
            "reserve is {}: it is a share between 0 and 1",
            self.reserve
        );
        ensure!(
            self.secondary.concurrency > 0,
            "secondary.concurrency is 0: nothing could be sent"
        );
        ensure!(
            self.secondary.points_per_minute > 0,
            "secondary.points_per_minute is 0: nothing could be sent"
        );
        Ok(())
    }
}

fn span(name: &str, value: f64, is_positive: bool) -> Result<()> {
    ensure!(
        value.is_finite() && value >= 0.0,
        "{name} is {value}: it is a number that is not negative"
    );
    ensure!(!is_positive || value > 0.0, "{name} is 0: it is above 0");
    Ok(())
}

fn unique<'a>(what: &str, ids: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for id in ids {
        ensure!(seen.insert(id), "there are two {what}s \"{id}\"");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
