//! Writes down what work spends and how far it has come, while it goes on: a kill loses the last second at most.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Resource;
use forge::Client;
use forge::{Choice, Spent, Usage};
use serde_json::Value;
use store::{ChoiceRow, ClaimedFetch, Fleet, UsageRow, Work};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::engine::Engine;
use crate::{gauges, persist};

/// Time between two reports.
const EVERY: Duration = Duration::from_millis(500);

/// What one piece of work reports.
pub(crate) struct Report<'a> {
    engine: &'a Engine,
    fleet: &'a Fleet,
    client: &'a Client,
    work: Work,
    claim: Option<&'a ClaimedFetch>,
    progress: Arc<Mutex<Option<Value>>>,
    unwritten: tokio::sync::Mutex<Usage>,
}

impl<'a> Report<'a> {
    /// The report of a listing.
    pub(crate) fn of_listing(engine: &'a Engine, client: &'a Client, work: Work) -> Self {
        Self::new(engine, client, work, None)
    }

    /// The report of a fetch.
    pub(crate) fn of_fetch(
        engine: &'a Engine,
        client: &'a Client,
        claim: &'a ClaimedFetch,
    ) -> Self {
        Self::new(engine, client, Work::from(claim), Some(claim))
    }

    fn new(
        engine: &'a Engine,
        client: &'a Client,
        work: Work,
        claim: Option<&'a ClaimedFetch>,
    ) -> Self {
        Self {
            engine,
            fleet: &engine.fleet,
            client,
            work,
            claim,
            progress: Arc::default(),
            unwritten: tokio::sync::Mutex::default(),
        }
    }

    /// What takes notes of how far the work has come; only the newest note is written.
    pub(crate) fn noting(&self) -> impl Fn(Value) + Send + Sync + 'static {
        let newest = self.progress.clone();
        move |progress| {
            *newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        }
    }

    /// Does `work`, and reports meanwhile and at its end, however it ends.
    pub(crate) async fn during<T>(&self, engine: &Engine, work: impl Future<Output = T>) -> T {
        let done = CancellationToken::new();
        let (answer, ()) = futures_util::future::join(
            async {
                let answer = work.await;
                done.cancel();
                answer
            },
            self.keep_writing(&done),
        )
        .await;
        persist::until_stored(engine, "what was spent", || self.write_usage()).await;
        answer
    }

    async fn keep_writing(&self, done: &CancellationToken) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        loop {
            tokio::select! {
                () = done.cancelled() => return,
                _ = tick.tick() => {}
            }
            self.write_progress().await;
            if let Err(error) = self.write_usage().await {
                debug!(%error, "What was spent is not written down yet.");
            }
        }
    }

    async fn write_progress(&self) {
        let Some(claim) = self.claim else {
            return;
        };
        let Some(progress) = self.progress().take() else {
            return;
        };
        if let Err(error) = self.fleet.progress(claim, &progress).await {
            debug!(%error, "How far the fetch has come is not written down.");
        }
    }

    /// Writes what was spent since the last time. What could not be written is kept for the next time.
    async fn write_usage(&self) -> Result<(), store::Error> {
        let mut unwritten = self.unwritten.lock().await;
        let since = self.client.take_usage();
        self.engine.history.note(
            &self.work,
            &since,
            self.client.credentials(),
            self.engine.clock.now(),
        );
        gather(&mut unwritten, since);
        if !unwritten.credentials.is_empty() {
            let rows: Vec<UsageRow> = unwritten
                .credentials
                .iter()
                .map(|(credential, spent)| UsageRow {
                    credential: *credential,
                    requests: spent.requests,
                    refused: spent.refused,
                    not_modified: spent.not_modified,
                    points: spent.points,
                    core: unwritten
                        .budgets
                        .get(&(*credential, Resource::core()))
                        .map_or(0, |core| core.points),
                })
                .collect();
            self.fleet.add_usage(self.work, &rows).await?;
            gauges::spent(&unwritten);
            unwritten.credentials.clear();
            unwritten.budgets.clear();
        }
        while let Some((from, until)) = unwritten.throttled.last().copied() {
            self.fleet.add_throttle(self.work, from, until).await?;
            gauges::throttled(until - from);
            unwritten.throttled.pop();
        }
        if !unwritten.choices.is_empty() {
            let rows: Vec<ChoiceRow> = unwritten.choices.iter().map(choice).collect();
            self.fleet.add_choices(self.work, &rows).await?;
            unwritten.choices.clear();
        }
        Ok(())
    }

    fn progress(&self) -> MutexGuard<'_, Option<Value>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gather(unwritten: &mut Usage, since: Usage) {
    for (credential, spent) in since.credentials {
        add(unwritten.credentials.entry(credential).or_default(), spent);
    }
    for (budget, spent) in since.budgets {
        add(unwritten.budgets.entry(budget).or_default(), spent);
    }
    unwritten.throttled.extend(since.throttled);
    unwritten.choices.extend(since.choices);
}

fn add(sum: &mut Spent, spent: Spent) {
    sum.requests += spent.requests;
    sum.refused += spent.refused;
    sum.not_modified += spent.not_modified;
    sum.points += spent.points;
}

fn choice(choice: &Choice) -> ChoiceRow {
    ChoiceRow {
        at: choice.at,
        credential: choice.credential,
        resource: choice.resource.clone(),
        remaining: choice.remaining,
        limit: choice.limit,
        reset_at: choice.reset_at,
        runners_up: serde_json::to_value(&choice.runners_up).unwrap_or_else(|error| {
            warn!(%error, "The runners-up of a choice could not be written down.");
            Value::Null
        }),
        why: choice.why.clone(),
        left: choice.left.clone(),
    }
}
