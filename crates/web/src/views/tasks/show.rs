//! One task: progress, repositories, credentials, waits and log, all kept up to date while it runs.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{FetchId, FetchState, RunId};
use serde::Deserialize;
use store::{FetchFilter, FetchPage, FetchPlace, Forecast, RunPicture, Scoped, by_urgency};

use super::shown::{self, Shown};
use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::form::Query;
use crate::live::{self, Frame, Subject};
use crate::page::{self, Page, Tab};
use crate::views::throttling::choice::Choice;
use crate::{forecast, place, text};

/// Repositories of a page.
const REPOSITORIES: u32 = 50;

/// Choices that the page shows.
const CHOICES: u32 = 5;

/// Lines of the log that the page shows.
const LINES: u32 = 40;

/// Characters of a name that is looked for.
const LONGEST_NAME: usize = 200;

/// What narrows the repositories.
#[derive(Debug, Deserialize)]
pub(super) struct Narrowing {
    state: Option<String>,
    q: Option<String>,
    after: Option<String>,
}

impl Narrowing {
    fn filter(&self) -> Result<FetchFilter, Error> {
        let state = match self.state.as_deref().filter(|word| !word.is_empty()) {
            None => None,
            Some(word) => Some(FetchState::from_word(word).ok_or_else(|| {
                Error::Invalid(format!("No repository is in a state called \"{word}\"."))
            })?),
        };
        let name = self.q.as_deref().unwrap_or_default().trim();
        if name.chars().count() > LONGEST_NAME {
            return Err(Error::Invalid(format!(
                "No repository has a name of more than {LONGEST_NAME} characters: shorten what you look for."
            )));
        }
        Ok(FetchFilter {
            state,
            name: name.to_owned(),
        })
    }

    fn place(&self) -> Result<Option<FetchPlace>, Error> {
        let Some(text) = &self.after else {
            return Ok(None);
        };
        let place = || {
            let (urgency, id) = text.split_once('_')?;
            Some(FetchPlace {
                urgency: urgency.parse().ok()?,
                fetch: FetchId(id.parse().ok()?),
            })
        };
        place().map(Some).ok_or_else(place::lost)
    }
}

/// A task as its parts show it.
pub(super) struct Task {
    /// The tenant's address: `/t/acme/`.
    base: String,
    picture: RunPicture,
    choices: Vec<Choice>,
    forecast: Option<Forecast>,
    now: DateTime<Utc>,
}

impl Task {
    async fn of(
        scoped: &Scoped,
        base: String,
        picture: RunPicture,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let run = picture.run.id;
        let choices = scoped.choices_of(run, CHOICES).await?;
        Ok(Self {
            base,
            choices: Choice::all(&choices),
            forecast: scoped.forecasts(&[run]).await?.pop(),
            picture,
            now,
        })
    }

    fn url(&self, rest: &str) -> String {
        format!("{}tasks/{}{rest}", self.base, self.picture.run.id)
    }

    fn requests(&self) -> u64 {
        self.picture
            .run
            .credentials
            .iter()
            .map(|one| one.requests)
            .sum()
    }

    fn refused(&self) -> u64 {
        self.picture
            .run
            .credentials
            .iter()
            .map(|one| one.refused)
            .sum()
    }

    /// Counts by state, each with its tone and its address.
    fn states(&self) -> Vec<(&'static str, String, String, String)> {
        by_urgency(&self.picture.run.tally)
            .into_iter()
            .map(|(state, count)| {
                let (tone, word) = match state {
                    FetchState::Throttled => ("hold", "Throttled".to_owned()),
                    other => shown::fetch_state(other, None),
                };
                let url = self.url(&format!("?state={}#repositories", state.as_str()));
                (tone, word, text::number(count), url)
            })
            .collect()
    }

    /// When it is expected to end.
    fn expected_end(&self) -> Option<String> {
        let at = self.forecast.filter(|_| self.is_open())?.expected_end_at?;
        Some(forecast::end(at.max(self.now), self.now))
    }

    /// How well the forecast held.
    fn held(&self) -> Option<String> {
        let ended_at = self.picture.run.ended_at?;
        Some(forecast::held(&self.forecast?, ended_at))
    }

    fn is_open(&self) -> bool {
        !self.picture.run.state.is_final()
    }
}

macro_rules! parts {
    ($($name:ident, $path:literal;)+) => {$(
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> {
            task: &'a Task,
        }
    )+};
}

parts! {
    Progress, "tasks/_progress.html";
    Credentials, "tasks/_credentials.html";
    Log, "tasks/_log.html";
}

#[derive(Template)]
#[template(path = "tasks/_repositories.html")]
struct Repositories<'a> {
    task: &'a Task,
    repositories: &'a FetchPage,
}

#[derive(Template)]
#[template(path = "tasks/show.html")]
struct Whole {
    page: Page,
    task: Task,
    repositories: FetchPage,
    q: String,
    state: String,
    narrowed: bool,
    more: Option<String>,
    events: Option<String>,
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, RunId)>,
    Query(narrowing): Query<Narrowing>,
) -> Result<Response, Error> {
    let (filter, after) = (narrowing.filter()?, narrowing.place()?);
    let mut picture = member
        .scoped
        .run_picture(id, REPOSITORIES, LINES)
        .await?
        .ok_or(Error::NotFound)?;
    let narrowed = filter != FetchFilter::default() || after.is_some();
    let repositories = if narrowed {
        member
            .scoped
            .fetch_page(id, &filter, after, REPOSITORIES)
            .await?
    } else {
        std::mem::take(&mut picture.fetches)
    };
    let task = Task::of(&member.scoped, member.url(""), picture, console.clock.now()).await?;
    let state = filter.state.map_or("", FetchState::as_str);
    let more = repositories.next.map(|next| {
        let after = format!("{}_{}", next.urgency, next.fetch.0.simple());
        let narrow = [("state", state), ("q", &filter.name), ("after", &after)];
        format!("{}#repositories", place::url(&task.url(""), &narrow))
    });
    let title = format!(
        "{}, {}",
        task.picture.run.plan_name,
        task.picture.run.state().1
    );
    page::show(&Whole {
        page: Page::new(&member, Tab::Tasks, title).live(),
        events: task
            .is_open()
            .then(|| member.url(format!("events/tasks/{id}"))),
        state: state.to_owned(),
        q: filter.name,
        repositories,
        narrowed,
        more,
        task,
    })
}

/// Keeps the page up to date until the task ends.
pub(super) async fn watch(
    State(console): State<Console>,
    member: Member,
    headers: HeaderMap,
    Path((_, id)): Path<(String, RunId)>,
) -> Result<Response, Error> {
    // Whether there is such a task is answered before the stream begins.
    if member.scoped.run(id).await?.is_none() {
        return Err(Error::NotFound);
    }
    let base = member.url("");
    let subject = Subject::Task(member.scoped.tenant_id(), base.clone(), id);
    let (scoped, clock) = (member.scoped.clone(), console.clock.clone());
    let seen = console.live.watch(&console, &subject, move || {
        let (scoped, base, now) = (scoped.clone(), base.clone(), clock.now());
        async move {
            let Some(picture) = scoped.run_picture(id, REPOSITORIES, LINES).await? else {
                return Ok(None);
            };
            let task = Task::of(&scoped, base, picture, now).await?;
            let render = |html: askama::Result<String>| html.map(Arc::from);
            let repositories = Repositories {
                task: &task,
                repositories: &task.picture.fetches,
            };
            Ok(Some(Frame {
                parts: vec![
                    ("progress", render(Progress { task: &task }.render())?),
                    ("repositories", render(repositories.render())?),
                    ("credentials", render(Credentials { task: &task }.render())?),
                    ("log", render(Log { task: &task }.render())?),
                ],
                ended: !task.is_open(),
            }))
        }
    });
    Ok(live::watching(&console, &headers, &member.scoped, seen))
}
