//! How the limits of a tenant's credentials are spent, kept up to date: from what the database holds, never from a host.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{MemberRole, Name, OrganizationId, RunId};
use serde::Deserialize;
use store::Throttling;

use crate::console::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::form::Query;
use crate::live::{self, Frame, Subject};
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};
use crate::views::tasks::shown::Shown;
use crate::{forecast, place};

mod bucket;
pub(crate) mod choice;
mod eta;
mod events;
mod next;
mod past;
mod stats;

use bucket::Bucket;
use choice::Choice;
use eta::Eta;
use events::Event;
use next::Next;
use stats::Stats;

/// Buckets of a page.
const BUCKETS: usize = 20;

/// Events that are shown.
const EVENTS: u32 = 30;

pub(crate) fn routes() -> Vec<Route> {
    use Access::Member as Of;
    use MemberRole::Auditor;
    vec![
        Route::get("/t/{tenant}/throttling", Of(Auditor), show),
        Route::get(
            "/t/{tenant}/throttling/{credential}",
            Of(Auditor),
            past::show,
        ),
        Route::get("/t/{tenant}/events/throttling", Of(Auditor), watch),
    ]
}

/// What narrows the page.
#[derive(Debug, Deserialize)]
struct Narrowing {
    organization: Option<String>,
    from: Option<String>,
}

impl Narrowing {
    fn organization(&self) -> Result<Option<OrganizationId>, Error> {
        let wanted = self.organization.as_deref().filter(|id| !id.is_empty());
        Ok(wanted.map(str::parse).transpose()?)
    }

    /// How many buckets stand before this page.
    fn from(&self) -> Result<usize, Error> {
        match self.from.as_deref().filter(|text| !text.is_empty()) {
            None => Ok(0),
            Some(text) => text.parse().map_err(|_invalid| place::lost()),
        }
    }
}

/// The page's parts as they are at one moment.
struct Moment {
    /// The tenant's address: `/t/acme/`.
    base: String,
    now: DateTime<Utc>,
    organization: Option<OrganizationId>,
    stats: Stats,
    buckets: Vec<Bucket>,
    /// Buckets before those of this page, and all of them.
    place: (usize, usize),
    picture: Throttling,
    next: Vec<Next>,
    choices: Vec<Choice>,
    eta: Vec<Eta>,
    events: Vec<Event>,
}

impl Moment {
    fn of(
        base: String,
        organization: Option<OrganizationId>,
        from: usize,
        picture: Throttling,
        now: DateTime<Utc>,
    ) -> Self {
        let all = Bucket::all(&picture, now);
        let count = all.len();
        Self {
            stats: Stats::of(&all, &picture, now),
            next: Next::all(&picture, now),
            choices: Choice::all(&picture.choices),
            eta: Eta::all(&picture, now),
            events: Event::all(&picture, now),
            buckets: all.into_iter().skip(from).take(BUCKETS).collect(),
            place: (from, count),
            base,
            now,
            organization,
            picture,
        }
    }

    fn url(&self, path: &str, from: usize) -> String {
        let organization = self
            .organization
            .map_or_else(String::new, |id| id.to_string());
        let from = if from == 0 {
            String::new()
        } else {
            from.to_string()
        };
        place::url(
            &format!("{}{path}", self.base),
            &[("organization", &organization), ("from", &from)],
        )
    }

    fn before(&self) -> Option<String> {
        let (from, _) = self.place;
        (from > 0).then(|| self.url("throttling", from.saturating_sub(BUCKETS)))
    }

    fn after(&self) -> Option<String> {
        let (from, count) = self.place;
        (from + BUCKETS < count).then(|| self.url("throttling", from + BUCKETS))
    }

    /// When a run is expected to end, in words.
    fn expected_end(&self, run: &RunId) -> Option<String> {
        let forecast = self.picture.forecasts.iter().find(|one| one.run == *run)?;
        let at = forecast.expected_end_at?.max(self.now);
        Some(forecast::end(at, self.now))
    }

    fn frame(&self) -> Result<Frame, Error> {
        let render = |html: askama::Result<String>| html.map(Arc::from);
        Ok(Frame {
            parts: vec![
                ("stats", render(StatsPart { moment: self }.render())?),
                ("buckets", render(BucketsPart { moment: self }.render())?),
                ("queue", render(QueuePart { moment: self }.render())?),
                ("eta", render(EtaPart { moment: self }.render())?),
                ("next", render(NextPart { moment: self }.render())?),
                ("happened", render(EventsPart { moment: self }.render())?),
            ],
            ended: false,
        })
    }
}

macro_rules! parts {
    ($($name:ident, $path:literal;)+) => {$(
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> {
            moment: &'a Moment,
        }
    )+};
}

parts! {
    StatsPart, "throttling/_stats.html";
    BucketsPart, "throttling/_buckets.html";
    QueuePart, "throttling/_queue.html";
    EtaPart, "throttling/_eta.html";
    NextPart, "throttling/_next.html";
    EventsPart, "throttling/_events.html";
}

#[derive(Template)]
#[template(path = "throttling/show.html")]
struct Whole {
    page: Page,
    moment: Moment,
    organizations: Vec<(OrganizationId, Name)>,
    events: String,
}

async fn show(
    State(console): State<Console>,
    member: Member,
    Query(narrowing): Query<Narrowing>,
) -> Result<Response, Error> {
    let (organization, from) = (narrowing.organization()?, narrowing.from()?);
    let organizations: Vec<(OrganizationId, Name)> = member
        .scoped
        .organizations()
        .await?
        .into_iter()
        .map(|one| (one.id, one.name))
        .collect();
    if organization.is_some_and(|wanted| organizations.iter().all(|(id, _)| *id != wanted)) {
        return Err(Error::NotFound);
    }
    let picture = member.scoped.throttling(organization, EVENTS).await?;
    let now = console.clock.now();
    let moment = Moment::of(member.url(""), organization, from, picture, now);
    page::show(&Whole {
        page: Page::new(&member, Tab::Throttling, "Throttling").live(),
        events: moment.url("events/throttling", from),
        organizations,
        moment,
    })
}

/// Keeps the page up to date.
async fn watch(
    State(console): State<Console>,
    member: Member,
    headers: HeaderMap,
    Query(narrowing): Query<Narrowing>,
) -> Result<Response, Error> {
    let (organization, from) = (narrowing.organization()?, narrowing.from()?);
    let base = member.url("");
    let tenant = member.scoped.tenant_id();
    let subject = Subject::Throttling(tenant, base.clone(), organization, from);
    let (scoped, clock) = (member.scoped.clone(), console.clock.clone());
    let seen = console.live.watch(&console, &subject, move || {
        let (scoped, base, now) = (scoped.clone(), base.clone(), clock.now());
        async move {
            let picture = scoped.throttling(organization, EVENTS).await?;
            let moment = Moment::of(base, organization, from, picture, now);
            Ok(Some(moment.frame()?))
        }
    });
    Ok(live::watching(&console, &headers, &member.scoped, seen))
}

#[cfg(test)]
mod tests;
