//! Parts of a page that are kept up to date: one reader of the database for all who look at the same thing, one stream for each
//! of them.
//!
//! A reader looks once a second while somebody watches, and hands on what has changed. A stream begins with everything, ends with
//! what it shows, with the session, with the membership, or when the process drains.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::{OrganizationId, PlanId, RunId, TenantId};
use futures_util::stream;
use store::{RunGroup, Scoped};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::debug;

use crate::Console;
use crate::error::Error;
use crate::session;

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is asked whether a viewer may still look.
const RECHECK: Duration = Duration::from_secs(3);

/// A silent stream says that it is there.
const PING: Duration = Duration::from_secs(15);

/// When a browser that lost its stream asks for another.
const RETRY: Duration = Duration::from_secs(3);

/// What is looked at, and under which tenant's name its links go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// One task.
    Task(TenantId, String, RunId),
    /// The newest tasks, of a group and a plan.
    Tasks(TenantId, String, Option<RunGroup>, Option<PlanId>),
    /// The pool, or that of an organization, beginning after so many buckets.
    Throttling(TenantId, String, Option<OrganizationId>, usize),
}

/// What a page shows of a subject at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frame {
    /// HTML by the name of its event.
    pub(crate) parts: Vec<(&'static str, Arc<str>)>,
    /// Whether nothing further happens to it.
    pub(crate) ended: bool,
}

type Seen = Option<Arc<Frame>>;

/// What is being watched in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    watched: Arc<Mutex<HashMap<Subject, watch::Sender<Seen>>>>,
}

impl Live {
    fn watched(&self) -> MutexGuard<'_, HashMap<Subject, watch::Sender<Seen>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a subject; the first who does so starts its reader, which ends with the last.
    pub(crate) fn watch<F, L>(
        &self,
        console: &Console,
        subject: &Subject,
        look: L,
    ) -> watch::Receiver<Seen>
    where
        F: Future<Output = Result<Option<Frame>, Error>> + Send,
        L: Fn() -> F + Send + Sync + 'static,
    {
        let mut watched = self.watched();
        if let Some(sender) = watched.get(subject) {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(None);
        watched.insert(subject.clone(), sender.clone());
        let (live, subject, draining) = (self.clone(), subject.clone(), console.draining.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = draining.cancelled() => {}
                () = read(&live, &subject, &sender, look) => {}
            }
            live.forget(&subject, &sender);
        });
        receiver
    }

    /// Takes an ended reader off the list, if it was not replaced.
    fn forget(&self, subject: &Subject, sender: &watch::Sender<Seen>) {
        let mut watched = self.watched();
        if watched
            .get(subject)
            .is_some_and(|current| current.same_channel(sender))
        {
            watched.remove(subject);
        }
    }

    /// How many readers are at work.
    #[cfg(test)]
    pub(crate) fn readers(&self) -> usize {
        self.watched().len()
    }

    /// Takes a reader off the list if nobody watches any more; nobody can begin to in that moment.
    fn is_abandoned(&self, subject: &Subject, sender: &watch::Sender<Seen>) -> bool {
        let mut watched = self.watched();
        let abandoned = sender.receiver_count() == 0;
        if abandoned {
            watched.remove(subject);
        }
        abandoned
    }
}

async fn read<F, L>(live: &Live, subject: &Subject, sender: &watch::Sender<Seen>, look: L)
where
    F: Future<Output = Result<Option<Frame>, Error>>,
    L: Fn() -> F,
{
    let mut tick = every(LOOK);
    loop {
        tick.tick().await;
        if live.is_abandoned(subject, sender) {
            return;
        }
        match look().await {
            Ok(frame) => {
                let ended = frame.as_ref().is_none_or(|frame| frame.ended);
                let frame = frame.unwrap_or_else(|| Frame {
                    ended: true,
                    ..Frame::default()
                });
                sender.send_replace(Some(Arc::new(frame)));
                if ended {
                    return;
                }
            }
            // What was shown last stays until the database is there again.
            Err(error) => debug!(%error, "A look at what is watched failed."),
        }
    }
}

/// Answers with a stream of what changes, for as long as `may_look` says yes.
pub(crate) fn stream<F, M>(console: &Console, seen: watch::Receiver<Seen>, may_look: M) -> Response
where
    F: Future<Output = bool> + Send,
    M: Fn() -> F + Send + Sync + 'static,
{
    let state = Viewing {
        console: console.clone(),
        seen,
        sent: HashMap::new(),
        queue: VecDeque::from([Event::default().retry(RETRY)]),
        recheck: every(RECHECK),
        over: false,
        may_look,
    };
    let events = stream::unfold(state, |mut state| async move {
        let event = state.next().await?;
        Some((Ok::<_, Infallible>(event), state))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(PING).text("ping"))
        .into_response()
}

/// A stream that ends with the viewer's session or membership.
pub(crate) fn watching(
    console: &Console,
    headers: &HeaderMap,
    scoped: &Scoped,
    seen: watch::Receiver<Seen>,
) -> Response {
    let token = session::token_hash(console, headers);
    let (people, tenant) = (console.db.people(), scoped.tenant_id());
    stream(console, seen, move || {
        let people = people.clone();
        async move {
            let Some(token) = token else { return false };
            match people.standing(&token, tenant).await {
                Ok(role) => role.is_some(),
                // While the database is away nothing new is shown to anybody.
                Err(error) => error.is_transient(),
            }
        }
    })
}

/// One viewer.
struct Viewing<M> {
    console: Console,
    seen: watch::Receiver<Seen>,
    sent: HashMap<&'static str, Arc<str>>,
    queue: VecDeque<Event>,
    recheck: Interval,
    over: bool,
    may_look: M,
}

impl<F, M> Viewing<M>
where
    F: Future<Output = bool>,
    M: Fn() -> F,
{
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            // Whoever comes to a frame that is there already is shown it at once.
            let fresh = self.seen.borrow_and_update().clone();
            if let Some(frame) = fresh {
                self.enqueue(&frame);
            }
            if !self.queue.is_empty() || self.over {
                continue;
            }
            tokio::select! {
                () = self.console.draining.cancelled() => return None,
                changed = self.seen.changed() => if changed.is_err() { return None },
                _ = self.recheck.tick() => if !(self.may_look)().await { return None },
            }
        }
    }

    fn enqueue(&mut self, frame: &Frame) {
        for (name, html) in &frame.parts {
            if self.sent.get(name) != Some(html) {
                self.sent.insert(name, Arc::clone(html));
                self.queue
                    .push_back(Event::default().event(*name).data(html.as_ref()));
            }
        }
        if frame.ended {
            self.over = true;
            self.queue
                .push_back(Event::default().event("ended").data(""));
        }
    }
}

fn every(time: Duration) -> Interval {
    let mut tick = interval(time);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

#[cfg(test)]
mod tests;
