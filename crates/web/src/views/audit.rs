//! The audit logs, of a tenant and of the installation: who did what, when, from where, and how it was before and after.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use domain::MemberRole;
use serde::Deserialize;
use store::{AuditEntry, AuditFilter, AuditPlace, AuditWords};
use url::form_urlencoded::Serializer;

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, ServiceOperator};
use crate::fields::Fields;
use crate::form::Query;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};

mod change;
mod export;
mod log;

use change::Change;
use log::Log;

/// Entries of a page.
const PAGE: u32 = 50;

/// Characters of a search that are looked for.
const SEARCH: usize = 200;

pub(crate) fn routes() -> Vec<Route> {
    const READ: Access = Access::Member(MemberRole::Auditor);
    const OPERATOR: Access = Access::ServiceOperator;
    vec![
        Route::get("/t/{tenant}/audit", READ, list),
        Route::get("/t/{tenant}/audit/export.csv", READ, export::csv),
        Route::get("/t/{tenant}/audit/export.jsonl", READ, export::json_lines),
        Route::get("/audit", OPERATOR, installation),
        Route::get("/audit/export.csv", OPERATOR, export::installation_csv),
        Route::get(
            "/audit/export.jsonl",
            OPERATOR,
            export::installation_json_lines,
        ),
    ]
}

/// What somebody looks for, as it stands in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    q: String,
    person: String,
    action: String,
    subject: String,
    from: String,
    until: String,
    before: String,
}

impl Wish {
    /// The filter, and the form with what cannot be understood.
    fn understand(&self) -> (AuditFilter, Fields) {
        let mut fields = Fields::new()
            .with("q", &self.q)
            .with("person", &self.person)
            .with("action", &self.action)
            .with("from", &self.from)
            .with("until", &self.until);
        let mut day = |name: &str, text: &str| -> Option<NaiveDate> {
            let text = text.trim();
            if text.is_empty() {
                return None;
            }
            let day = text.parse().ok();
            if day.is_none() {
                fields.fail(name, "Write a day like 2026-03-02.");
            }
            day
        };
        let (from, until) = (day("from", &self.from), day("until", &self.until));
        let filter = AuditFilter {
            person_name: some(&self.person),
            action: some(&self.action),
            subject: self.subject.parse().ok(),
            from: from.map(midnight),
            until: until
                .and_then(|day| day.checked_add_days(Days::new(1)))
                .map(midnight),
            search: self.q.chars().take(SEARCH).collect(),
        };
        (filter, fields)
    }

    fn place(&self) -> Option<AuditPlace> {
        let (micros, id) = self.before.split_once('-')?;
        Some(AuditPlace {
            at: DateTime::from_timestamp_micros(micros.parse().ok()?)?,
            id: id.parse().ok()?,
        })
    }

    /// What stands behind the question mark, for another page of the same entries.
    fn query(&self, before: Option<AuditPlace>) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("q", &self.q),
            ("person", &self.person),
            ("action", &self.action),
            ("subject", &self.subject),
            ("from", &self.from),
            ("until", &self.until),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some(place) = before {
            let place = format!("{}-{}", place.at.timestamp_micros(), place.id);
            query.append_pair("before", &place);
        }
        query.finish()
    }

    fn narrows(&self) -> bool {
        !self.query(None).is_empty()
    }
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct AuditPage {
    page: Page,
    log: Log,
    now: DateTime<Utc>,
    fields: Fields,
    wish: Wish,
    words: AuditWords,
    entries: Vec<AuditEntry>,
    older: Option<String>,
}

impl AuditPage {
    fn export(&self, kind: &str) -> String {
        self.log
            .url(format_args!("/export.{kind}?{}", self.wish.query(None)))
    }

    fn changes(entry: &AuditEntry) -> Vec<Change> {
        change::between(entry.before.as_ref(), entry.after.as_ref())
    }
}

async fn list(
    State(console): State<Console>,
    member: Member,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    let page = Page::new(&member, Tab::Audit, "Audit log");
    show(&console, Log::of(&member), page, wish).await
}

async fn installation(
    State(console): State<Console>,
    operator: ServiceOperator,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    let page = Page::new(
        &operator,
        Tab::Installation,
        "Audit log of the installation",
    );
    show(
        &console,
        Log::of_installation(&console, &operator),
        page,
        wish,
    )
    .await
}

async fn show(console: &Console, log: Log, page: Page, wish: Wish) -> Result<Response, Error> {
    let (filter, fields) = wish.understand();
    let is_understood = fields.is_ok();
    let mut entries = if is_understood {
        log.entries(&filter, wish.place(), PAGE + 1).await?
    } else {
        Vec::new()
    };
    let has_older = entries.len() > PAGE as usize;
    entries.truncate(PAGE as usize);
    let older = entries
        .last()
        .filter(|_| has_older)
        .map(|last| log.url(format_args!("?{}", wish.query(Some(last.place())))));
    let template = AuditPage {
        page,
        now: console.clock.now(),
        fields,
        words: log.words().await?,
        log,
        entries,
        older,
        wish,
    };
    if is_understood {
        page::show(&template)
    } else {
        page::refuse(&template)
    }
}

/// What was done, in words: `plan.change_storage` is "plan: change storage".
pub(crate) fn said(action: &str) -> String {
    let (noun, verb) = action.split_once('.').unwrap_or((action, ""));
    format!("{}: {}", noun.replace('_', " "), verb.replace('_', " "))
}

#[cfg(test)]
mod tests;
