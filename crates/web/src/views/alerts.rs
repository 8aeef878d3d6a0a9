//! Alerts: what is open, what was resolved, and who has seen it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{AlertId, AlertKind, MemberRole};
use serde::Deserialize;
use store::Alert;

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::form::Query;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};

mod channels;

/// Alerts on one page.
const ON_A_PAGE: usize = 50;

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::get(
            "/t/{tenant}/alerts",
            Access::Member(MemberRole::Auditor),
            list,
        ),
        Route::post(
            "/t/{tenant}/alerts/{alert}/acknowledge",
            Access::Member(MemberRole::Operator),
            acknowledge,
        ),
    ];
    routes.extend(channels::routes());
    routes
}

#[derive(Template)]
#[template(path = "alerts/list.html")]
struct AlertsPage {
    page: Page,
    now: DateTime<Utc>,
    /// Whether those are shown whose cause is gone.
    resolved: bool,
    alerts: Vec<Alert>,
    /// The way to those after these.
    more: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Wish {
    show: Option<String>,
    after: Option<String>,
}

async fn list(
    State(console): State<Console>,
    member: Member,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    let resolved = wish.show.as_deref() == Some("resolved");
    let after = wish.after.as_deref().and_then(|after| after.parse().ok());
    let limit = i64::try_from(ON_A_PAGE + 1).unwrap_or(i64::MAX);
    let mut alerts = member.scoped.alerts(resolved, after, limit).await?;
    let is_cut = alerts.len() > ON_A_PAGE;
    alerts.truncate(ON_A_PAGE);
    let page = Page::new(&member, Tab::Alerts, "Alerts");
    let more = alerts.last().filter(|_| is_cut).map(|last| {
        let show = if resolved { "show=resolved&" } else { "" };
        page.url(format!("alerts?{show}after={}", last.id))
    });
    page::show(&AlertsPage {
        page,
        now: console.clock.now(),
        resolved,
        alerts,
        more,
    })
}

impl AlertsPage {
    /// Shape and words of an alert's state.
    fn standing(alert: &Alert) -> (&'static str, &'static str) {
        if alert.resolved_at.is_some() {
            return ("ok", "Resolved");
        }
        match (alert.acknowledged.is_some(), alert.kind) {
            (true, _) => ("idle", "Acknowledged"),
            (false, AlertKind::CredentialDead) => ("bad", "Open"),
            (false, AlertKind::PoolExhausted) => ("hold", "Open"),
            (false, AlertKind::CredentialExpiring | AlertKind::ForeignSpending) => ("warn", "Open"),
        }
    }

    /// Where something can be done about it, and what that is called.
    fn way(&self, alert: &Alert) -> (String, &'static str) {
        match alert.kind {
            AlertKind::PoolExhausted => (
                self.page.url(format!("tasks/{}", alert.subject)),
                "Show task",
            ),
            AlertKind::ForeignSpending => (self.page.url("throttling"), "Show throttling"),
            AlertKind::CredentialDead | AlertKind::CredentialExpiring => {
                let tab = Tab::of(alert.forge).path();
                let path = format!("{tab}/{}/edit", alert.organization);
                (self.page.url(path), "Show credentials")
            }
        }
    }

    /// How far it is told.
    fn told(alert: &Alert) -> Option<(&'static str, String)> {
        let channels = |count: u64| crate::text::count(count, "channel", "channels");
        if alert.given_up_count > 0 {
            let sentence = format!("Not heard on {}", channels(alert.given_up_count));
            Some(("bad", sentence))
        } else if alert.waiting_count > 0 {
            let sentence = format!("Being told on {}", channels(alert.waiting_count));
            Some(("run", sentence))
        } else if alert.sent_count > 0 {
            Some(("ok", format!("Told on {}", channels(alert.sent_count))))
        } else {
            None
        }
    }
}

async fn acknowledge(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, AlertId)>,
) -> Result<Response, Error> {
    let back = member.url("alerts");
    match member.scoped.acknowledge_alert(id).await {
        Ok(()) => page::go_saying(
            &console,
            &back,
            "Acknowledged. The alert stays here until its cause is gone.",
        ),
        Err(store::Error::Missing { .. }) => Err(Error::NotFound),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
