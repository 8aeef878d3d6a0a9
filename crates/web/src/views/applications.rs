//! The applications of the installation on hosts, for the service operator.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::{ApplicationId, ForgeKind, Host, Login, Secret, Slot};
use serde_json::json;
use store::{Application, ApplicationKeys, ApplicationState, NewApplication};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Path, ServiceOperator};
use crate::fields::Fields;
use crate::form::Query;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};
use crate::token::Token;
use crate::way;

pub(crate) fn routes() -> Vec<Route> {
    const OPERATOR: Access = Access::ServiceOperator;
    vec![
        Route::get("/applications", OPERATOR, list),
        Route::get("/applications/new", OPERATOR, new),
        Route::post("/applications/new", OPERATOR, create),
        Route::get("/applications/authority", OPERATOR, ask_authority),
        Route::post("/applications/authority", OPERATOR, set_authority),
        Route::get("/applications/{id}/keys", OPERATOR, ask_keys),
        Route::post("/applications/{id}/keys", OPERATOR, replace_keys),
        Route::post("/applications/{id}/check", OPERATOR, check),
        Route::get("/applications/{id}/remove", OPERATOR, confirm),
        Route::post("/applications/{id}/remove", OPERATOR, delete),
    ]
}

#[derive(Template)]
#[template(path = "applications/list.html")]
struct ApplicationsPage {
    page: Page,
    now: DateTime<Utc>,
    applications: Vec<Application>,
    /// Hosts with a private certificate authority.
    private: Vec<String>,
    /// Where hosts send people back to, of each vendor.
    callbacks: [String; 2],
    panel: Panel,
}

/// What lies over the list.
enum Panel {
    None,
    New(Fields),
    /// A form that leads to the host, which makes the application there.
    Manifest {
        host: Box<Host>,
        slot: Slot,
        action: String,
        manifest: String,
    },
    Authority(Fields),
    Keys {
        application: Box<Application>,
        fields: Fields,
    },
    Remove {
        application: Box<Application>,
        fields: Fields,
    },
}

impl ApplicationsPage {
    async fn over(
        console: &Console,
        operator: &ServiceOperator,
        headers: &HeaderMap,
        title: &str,
        panel: Panel,
    ) -> Result<Self, Error> {
        Ok(Self {
            page: Page::new(operator, Tab::Installation, title),
            now: console.clock.now(),
            applications: console.db.fleet().applications().await?,
            private: console
                .db
                .fleet()
                .certificate_authorities()
                .await?
                .into_keys()
                .collect(),
            callbacks: [way::GITHUB_CALLBACK, way::GITLAB_CALLBACK]
                .map(|path| format!("{}{path}", way::base(console, headers))),
            panel,
        })
    }

    /// Whether something on it is about to change.
    fn is_waiting(&self) -> bool {
        self.applications.iter().any(|one| match one.state {
            ApplicationState::Converting => true,
            ApplicationState::Ready => one.slot.is_app() && one.answered_at.is_none(),
            ApplicationState::Asked | ApplicationState::Refused(_) => false,
        })
    }

    /// The host's addresses, each once.
    fn hosts(&self) -> Vec<(String, Vec<&Application>)> {
        let mut hosts: BTreeMap<String, Vec<&Application>> = BTreeMap::new();
        for one in &self.applications {
            hosts.entry(one.host.authority()).or_default().push(one);
        }
        hosts.into_iter().collect()
    }
}

/// How an application stands, as shape and words.
fn standing(application: &Application) -> (&'static str, String) {
    match (&application.state, &application.answer) {
        (ApplicationState::Asked, _) => ("idle", "Not made yet".to_owned()),
        (ApplicationState::Converting, _) => ("run", "Fetching its keys".to_owned()),
        (ApplicationState::Refused(_), _) => ("bad", "Refused".to_owned()),
        (ApplicationState::Ready, Some(_)) => ("bad", "Refused by its host".to_owned()),
        (ApplicationState::Ready, None) if application.answered_at.is_some() => {
            ("ok", "Ready".to_owned())
        }
        (ApplicationState::Ready, None) => ("idle", "Not looked at yet".to_owned()),
    }
}

/// What becomes of it here.
fn use_of(application: &Application) -> &'static str {
    match application.slot {
        Slot::Main => "Organizations are registered with it",
        Slot::Write => {
            "Kept for restores to the host, which do not exist yet: nothing uses it today"
        }
        Slot::OAuth => "People authorize it to register an organization",
        Slot::Additional(_) => "Enlarges the pools of organizations",
    }
}

/// What was said against it.
fn complaint(application: &Application) -> Option<&str> {
    match &application.state {
        ApplicationState::Refused(sentence) => Some(sentence),
        ApplicationState::Asked | ApplicationState::Converting | ApplicationState::Ready => {
            application.answer.as_deref()
        }
    }
}

fn permissions(application: &Application) -> String {
    let all: Vec<String> = application
        .permissions
        .iter()
        .map(|(name, level)| format!("{name}: {level}"))
        .collect();
    all.join(", ")
}

/// What the form calls the only kind of application that a GitLab has.
const ON_GITLAB: &str = "gitlab-oauth";

fn slots() -> Vec<(String, String)> {
    let on_github = Slot::all().map(|slot| (slot.to_string(), slot.label()));
    let on_gitlab = (ON_GITLAB.to_owned(), "GitLab OAuth application".to_owned());
    on_github.chain([on_gitlab]).collect()
}

async fn list(
    State(console): State<Console>,
    operator: ServiceOperator,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let title = "Applications";
    let page = ApplicationsPage::over(&console, &operator, &headers, title, Panel::None).await?;
    let hx = operator.0.frame.hx;
    if hx.request && !hx.panel {
        // The page asks by itself while something is under way.
        return Ok(if page.is_waiting() {
            StatusCode::NO_CONTENT.into_response()
        } else {
            [("hx-refresh", HeaderValue::from_static("true"))].into_response()
        });
    }
    page::show(&page)
}

#[derive(Debug, serde::Deserialize)]
struct Wish {
    host: Option<String>,
    slot: Option<String>,
}

async fn new(
    State(console): State<Console>,
    operator: ServiceOperator,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    let fields = Fields::new()
        .with("host", wish.host.as_deref().unwrap_or("github.com"))
        .with("slot", wish.slot.as_deref().unwrap_or("main"))
        .with("way", "manifest");
    let panel = Panel::New(fields);
    let page = ApplicationsPage::over(&console, &operator, &headers, "Add application", panel);
    page::show(&page.await?)
}

async fn create(
    State(console): State<Console>,
    operator: ServiceOperator,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, Error> {
    let is_on_gitlab = fields.has("slot", ON_GITLAB);
    let forge = if is_on_gitlab {
        ForgeKind::GitLab
    } else {
        ForgeKind::GitHub
    };
    let host = host(&console, forge, &mut fields);
    let slot: Option<Slot> = if is_on_gitlab {
        Some(Slot::OAuth)
    } else {
        fields.parse("slot")
    };
    let by_hand = fields.has("way", "hand");
    if slot == Some(Slot::OAuth) && !by_hand {
        fields.fail(
            "way",
            "Hosts make no OAuth app from a manifest: create it there, then enter its keys here.",
        );
    }
    let owner = owner(&mut fields);
    let keys = match slot {
        Some(slot) if by_hand => keys(&mut fields, slot),
        _ => None,
    };
    if let (Some(host), Some(slot), true) = (host, slot, fields.is_ok()) {
        let new = NewApplication { host, slot, owner };
        let fleet = console.db.fleet().acting(operator.0.actor());
        let state = Token::new()?;
        let begun = if let Some(keys) = &keys {
            fleet.add_application(&console.sealer, &new, keys).await
        } else {
            let session = operator.0.viewer().session;
            fleet.begin_application(&new, state.hash(), session).await
        };
        match begun {
            Ok(_) if keys.is_some() => {
                let sentence = format!("{} is added.", new.slot.label());
                return page::go_saying(&console, "/applications", &sentence);
            }
            Ok(id) => return manifest(&console, &operator, &headers, &new, id, &state).await,
            Err(error @ store::Error::SlotTaken { .. }) => fields.fail("slot", error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    let panel = Panel::New(fields);
    let page = ApplicationsPage::over(&console, &operator, &headers, "Add application", panel);
    page::refuse(&page.await?)
}

/// The form that carries the manifest to the host: one click more, and the application is made there.
async fn manifest(
    console: &Console,
    operator: &ServiceOperator,
    headers: &HeaderMap,
    new: &NewApplication,
    id: ApplicationId,
    state: &Token,
) -> Result<Response, Error> {
    let base = way::base(console, headers);
    let slot = new.slot;
    let name = match slot {
        Slot::Additional(number) => format!("Holdfast {number}"),
        Slot::Write => "Holdfast restore".to_owned(),
        Slot::Main | Slot::OAuth => "Holdfast".to_owned(),
    };
    let manifest = json!({
        "name": name,
        "url": base,
        "hook_attributes": { "url": format!("{base}/hooks/github/{id}"), "active": true },
        "redirect_url": format!("{base}/applications/made"),
        "callback_urls": [format!("{base}{}", way::GITHUB_CALLBACK)],
        "public": true,
        "default_permissions": slot.permissions(),
        "default_events": Slot::EVENTS,
        "request_oauth_on_install": true,
        "setup_on_update": false,
    });
    let settings = match &new.owner {
        Some(owner) => format!("{}/organizations/{owner}/settings/apps/new", new.host),
        None => format!("{}/settings/apps/new", new.host),
    };
    let panel = Panel::Manifest {
        host: Box::new(new.host.clone()),
        slot,
        action: format!("{settings}?state={}", state.text()),
        manifest: manifest.to_string(),
    };
    let page = ApplicationsPage::over(console, operator, headers, "Add application", panel).await?;
    Ok(way::leading_to(page::show(&page)?, [&new.host]))
}

fn host(console: &Console, forge: ForgeKind, fields: &mut Fields) -> Option<Host> {
    let allowed = &console.settings.http_allowed;
    match Host::parse(forge, fields.text("host"), allowed) {
        Ok(host) => Some(host),
        Err(invalid) => {
            fields.fail("host", invalid.to_string());
            None
        }
    }
}

fn owner(fields: &mut Fields) -> Option<String> {
    if fields.text("owner").is_empty() {
        return None;
    }
    fields
        .parse::<Login>("owner")
        .map(|login| login.to_string())
}

/// Understands keys that were entered by hand.
fn keys(fields: &mut Fields, slot: Slot) -> Option<ApplicationKeys> {
    let mut needed = |name: &str, sentence: &str| {
        let value = fields.raw(name).trim().to_owned();
        if value.is_empty() {
            fields.fail(name, sentence);
        }
        value
    };
    let client_id = needed(
        "client_id",
        "Enter the client ID, as the application's page shows it.",
    );
    let client_secret = needed("client_secret", "Enter a client secret of the application.");
    if !slot.is_app() {
        return fields.is_ok().then(|| ApplicationKeys {
            app_id: None,
            client_id,
            slug: None,
            client_secret: Secret::new(client_secret),
            private_key: None,
            webhook_secret: None,
        });
    }
    let slug = needed(
        "slug",
        "Enter the name that the application has in its address.",
    );
    let private_key = needed(
        "private_key",
        "Paste the private key, PEM, with its first and last line.",
    );
    if !private_key.is_empty() && !private_key.contains("PRIVATE KEY") {
        fields.fail(
            "private_key",
            "This is not a private key in PEM: paste the whole file, with its first and last line.",
        );
    }
    let app_id = fields.number("app_id", 1..=i64::MAX);
    let webhook_secret = fields.raw("webhook_secret").trim().to_owned();
    fields.is_ok().then(|| ApplicationKeys {
        app_id,
        client_id,
        slug: Some(slug),
        client_secret: Secret::new(client_secret),
        private_key: Some(Secret::new(private_key)),
        webhook_secret: (!webhook_secret.is_empty()).then(|| Secret::new(webhook_secret)),
    })
}

async fn ask_authority(
    State(console): State<Console>,
    operator: ServiceOperator,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let title = "Private certificate authority";
    let panel = Panel::Authority(Fields::new());
    page::show(&ApplicationsPage::over(&console, &operator, &headers, title, panel).await?)
}

async fn set_authority(
    State(console): State<Console>,
    operator: ServiceOperator,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, Error> {
    // The authority is the machine's, whatever runs there.
    let host = host(&console, ForgeKind::GitHub, &mut fields);
    let pem = fields.text("authority").replace("\r\n", "\n");
    if !pem.is_empty() && !pem.contains("-----BEGIN CERTIFICATE-----") {
        fields.fail(
            "authority",
            "This is not a certificate in PEM: paste the whole file, with its first and last line.",
        );
    }
    let Some(host) = host.filter(|_| fields.is_ok()) else {
        let title = "Private certificate authority";
        let panel = Panel::Authority(fields);
        let page = ApplicationsPage::over(&console, &operator, &headers, title, panel).await?;
        return page::refuse(&page);
    };
    let authority = (!pem.is_empty()).then(|| format!("{}\n", pem.trim_end()));
    let fleet = console.db.fleet().acting(operator.0.actor());
    fleet
        .set_certificate_authority(&host, authority.as_deref())
        .await?;
    let sentence = if authority.is_some() {
        format!(
            "The private authority of {} is trusted, for this host alone.",
            host.authority()
        )
    } else {
        format!(
            "{} is trusted by the authorities of the system alone.",
            host.authority()
        )
    };
    page::go_saying(&console, "/applications", &sentence)
}

async fn find(console: &Console, id: ApplicationId) -> Result<Application, Error> {
    console
        .db
        .fleet()
        .application(id)
        .await?
        .ok_or(Error::NotFound)
}

fn known_keys(application: &Application) -> Fields {
    Fields::new()
        .with("app_id", application.app_id.unwrap_or_default())
        .with(
            "client_id",
            application.client_id.as_deref().unwrap_or_default(),
        )
        .with("slug", application.slug.as_deref().unwrap_or_default())
}

async fn ask_keys(
    State(console): State<Console>,
    operator: ServiceOperator,
    headers: HeaderMap,
    Path(id): Path<ApplicationId>,
) -> Result<Response, Error> {
    let application = find(&console, id).await?;
    let panel = Panel::Keys {
        fields: known_keys(&application),
        application: Box::new(application),
    };
    let page = ApplicationsPage::over(&console, &operator, &headers, "Replace keys", panel);
    page::show(&page.await?)
}

async fn replace_keys(
    State(console): State<Console>,
    operator: ServiceOperator,
    headers: HeaderMap,
    Path(id): Path<ApplicationId>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let application = find(&console, id).await?;
    let Some(mut keys) = keys(&mut fields, application.slot) else {
        let panel = Panel::Keys {
            application: Box::new(application),
            fields,
        };
        let page = ApplicationsPage::over(&console, &operator, &headers, "Replace keys", panel);
        return page::refuse(&page.await?);
    };
    let fleet = console.db.fleet().acting(operator.0.actor());
    if keys.webhook_secret.is_none() {
        let present = fleet.application_keys(&console.sealer, id).await?;
        keys.webhook_secret = present.and_then(|present| present.webhook_secret);
    }
    fleet
        .replace_application_keys(&console.sealer, id, &keys)
        .await?;
    let sentence = format!("The keys of {} are replaced.", application.slot.label());
    page::go_saying(&console, "/applications", &sentence)
}

async fn check(
    State(console): State<Console>,
    operator: ServiceOperator,
    Path(id): Path<ApplicationId>,
) -> Result<Response, Error> {
    let fleet = console.db.fleet().acting(operator.0.actor());
    match fleet.ask_about_application(id).await {
        Ok(()) => page::go_saying(
            &console,
            "/applications",
            "The host is being asked: its answer is here in a moment.",
        ),
        Err(store::Error::Missing { .. }) => page::go("/applications"),
        Err(error) => Err(error.into()),
    }
}

async fn confirm(
    State(console): State<Console>,
    operator: ServiceOperator,
    headers: HeaderMap,
    Path(id): Path<ApplicationId>,
) -> Result<Response, Error> {
    let panel = Panel::Remove {
        application: Box::new(find(&console, id).await?),
        fields: Fields::new(),
    };
    let page = ApplicationsPage::over(&console, &operator, &headers, "Remove application", panel);
    page::show(&page.await?)
}

async fn delete(
    State(console): State<Console>,
    operator: ServiceOperator,
    headers: HeaderMap,
    Path(id): Path<ApplicationId>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let application = find(&console, id).await?;
    let fleet = console.db.fleet().acting(operator.0.actor());
    match fleet.remove_application(id).await {
        Ok(()) | Err(store::Error::Missing { .. }) => {
            let sentence = format!(
                "{} is removed here. Delete it on its host too.",
                application.slot.label()
            );
            page::go_saying(&console, "/applications", &sentence)
        }
        Err(error @ store::Error::ApplicationInUse { .. }) => {
            fields.fail_form(error.to_string());
            let panel = Panel::Remove {
                application: Box::new(application),
                fields,
            };
            let title = "Remove application";
            let page = ApplicationsPage::over(&console, &operator, &headers, title, panel);
            page::refuse(&page.await?)
        }
        Err(error) => Err(error.into()),
    }
}
