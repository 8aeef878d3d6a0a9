//! Looks at a run again and again, and shows what it sees.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::RunId;
use store::{Bell, Db, RunView, Scoped};

use super::bars::Bars;
use super::lines::Lines;
use crate::context::Context;
use crate::error::Error;

/// Progress moves without announcements, so it is looked at this often.
const LOOK: Duration = Duration::from_millis(500);

/// Looks that may fail one after the other because the database does not answer: a minute's worth.
const BLIND_LOOKS: u32 = 120;

/// What one look shows.
pub(super) struct Seen {
    pub(super) run: RunView,
    pub(super) quotas: Vec<Quota>,
    pub(super) worker_alive: bool,
    pub(super) now: DateTime<Utc>,
}

/// What a credential of the organization has left.
pub(super) struct Quota {
    pub(super) credential: String,
    pub(super) remaining: Option<(u32, u32)>,
    pub(super) reset_at: Option<DateTime<Utc>>,
    pub(super) backoff_until: Option<DateTime<Utc>>,
}

impl Quota {
    /// One line about it.
    pub(super) fn text(&self, now: DateTime<Utc>) -> String {
        let clock = |time: DateTime<Utc>| time.format("%H:%M:%S UTC").to_string();
        let left = match (self.remaining, self.reset_at) {
            (Some((left, limit)), Some(reset_at)) if reset_at > now => {
                format!("{left} of {limit} left until {}", clock(reset_at))
            }
            (Some(_) | None, _) => "its window has ended".to_owned(),
        };
        match self.backoff_until.filter(|until| *until > now) {
            Some(until) => format!("{}: backing off until {}", self.credential, clock(until)),
            None => format!("{}: {left}", self.credential),
        }
    }
}

/// How a run is shown.
enum Display {
    Bars(Bars),
    Lines(Lines),
    Nothing,
}

/// A person watching a run.
pub(super) struct Watch<'a> {
    context: &'a Context,
    scoped: &'a Scoped,
    db: Db,
    bell: Bell,
    run: RunId,
    display: Display,
}

impl<'a> Watch<'a> {
    /// Subscribes before the first look, so that nothing is missed between the two.
    pub(super) async fn begin(
        context: &'a Context,
        scoped: &'a Scoped,
        run: RunId,
    ) -> Result<Self, Error> {
        let db = context.db().await?;
        let display = if context.output.is_json() {
            Display::Nothing
        } else if std::io::stderr().is_terminal() {
            Display::Bars(Bars::new())
        } else {
            Display::Lines(Lines::default())
        };
        Ok(Self {
            context,
            scoped,
            bell: db.listen().await?,
            db,
            run,
            display,
        })
    }

    /// Shows the run until nothing further happens to it.
    pub(super) async fn until_the_end(&mut self) -> Result<(), Error> {
        let mut blind = 0;
        loop {
            match self.see().await {
                Ok(seen) => {
                    blind = 0;
                    match &mut self.display {
                        Display::Bars(bars) => bars.show(&seen),
                        Display::Lines(lines) => lines.show(&seen),
                        Display::Nothing => {}
                    }
                    if seen.run.state.is_final() {
                        return Ok(());
                    }
                }
                // The run goes on without the database for a while, and so does whoever watches it.
                Err(Error::Store(error)) if error.is_transient() && blind < BLIND_LOOKS => {
                    blind += 1;
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = self.bell.ring() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Clears the display and looks a last time.
    pub(super) async fn end(self) -> Result<RunView, Error> {
        if let Display::Bars(bars) = &self.display {
            bars.clear();
        }
        self.look().await
    }

    async fn see(&self) -> Result<Seen, Error> {
        let run = self.look().await?;
        Ok(Seen {
            quotas: self.quotas(&run).await?,
            worker_alive: !self.db.fleet().live_workers().await?.is_empty(),
            now: self.context.clock.now(),
            run,
        })
    }

    async fn look(&self) -> Result<RunView, Error> {
        self.scoped
            .run(self.run)
            .await?
            .ok_or_else(|| Error::Failed(format!("The run {} is gone.", self.run)))
    }

    /// The credentials that the run has used so far.
    async fn quotas(&self, run: &RunView) -> Result<Vec<Quota>, Error> {
        let Display::Bars(_) = self.display else {
            return Ok(Vec::new());
        };
        let Some(organization) = self
            .scoped
            .organization_by_name(run.organization_name.as_str())
            .await?
        else {
            return Ok(Vec::new());
        };
        let buckets = self.db.fleet().load_buckets().await?;
        let by_key: BTreeMap<_, _> = buckets
            .iter()
            .filter(|row| row.resource.0 == "core")
            .map(|row| (row.key.to_string(), row))
            .collect();
        let credentials = self.scoped.credentials(organization.id).await?;
        Ok(credentials
            .iter()
            .filter(|one| run.credentials.iter().any(|used| used.name == one.name))
            .map(|one| {
                let row = by_key.get(&one.bucket.to_string());
                let reading = row.and_then(|row| row.reading);
                Quota {
                    credential: one.name.to_string(),
                    remaining: reading.map(|reading| (reading.remaining, reading.limit)),
                    reset_at: reading.map(|reading| reading.reset_at),
                    backoff_until: row
                        .and_then(|row| row.backoff.as_ref().map(|(until, _)| *until)),
                }
            })
            .collect())
    }
}
