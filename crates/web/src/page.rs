//! What every page has around its own part, and the ways to answer with one.

use std::sync::Arc;

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use domain::{ForgeKind, MemberRole, Name, Theme};
use store::Viewer;

use crate::Console;
use crate::error::Error;
use crate::extract::Frame;
use crate::session;

/// The tab that a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    GitHub,
    GitLab,
    Plans,
    Tasks,
    Throttling,
    Snapshots,
    Storages,
    Passwords,
    Alerts,
    Members,
    Audit,
    Account,
    Installation,
    None,
}

impl Tab {
    /// The tab of a vendor's organizations.
    pub(crate) fn of(forge: ForgeKind) -> Self {
        match forge {
            ForgeKind::GitHub => Self::GitHub,
            ForgeKind::GitLab => Self::GitLab,
        }
    }

    /// Those in the bar.
    pub(crate) const BAR: [Self; 8] = [
        Self::GitHub,
        Self::GitLab,
        Self::Plans,
        Self::Tasks,
        Self::Throttling,
        Self::Snapshots,
        Self::Storages,
        Self::Passwords,
    ];

    /// The address below the tenant's.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Plans => "plans",
            Self::Tasks => "tasks",
            Self::Throttling => "throttling",
            Self::Snapshots => "snapshots",
            Self::Storages => "storages",
            Self::Passwords => "passwords",
            Self::Alerts => "alerts",
            Self::Members => "members",
            Self::Audit => "audit",
            Self::Account | Self::Installation | Self::None => "",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Plans => "Plans",
            Self::Tasks => "Tasks",
            Self::Throttling => "Throttling",
            Self::Snapshots => "Snapshots",
            Self::Storages => "Storages",
            Self::Passwords => "Password Manager",
            Self::Alerts => "Alerts",
            Self::Members => "Members",
            Self::Audit => "Audit log",
            Self::Account => "Your account",
            Self::Installation => "Tenants",
            Self::None => "",
        }
    }

    pub(crate) fn icon(self) -> &'static str {
        match self {
            Self::GitHub => "brand-github",
            Self::GitLab => "brand-gitlab",
            Self::Plans => "calendar-repeat",
            Self::Tasks => "list-check",
            Self::Throttling => "gauge",
            Self::Snapshots => "history",
            Self::Storages => "database",
            Self::Passwords => "key",
            Self::Alerts => "bell",
            Self::Members => "users",
            Self::Audit => "file-text",
            Self::Account => "user",
            Self::Installation => "building-community",
            Self::None => "",
        }
    }
}

/// What `layout.html` needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) tab: Tab,
    /// The whole page; otherwise the panel alone, which htmx puts into a page that is there already.
    pub(crate) whole: bool,
    /// Whether parts of it are kept up to date by the server.
    pub(crate) live: bool,
    pub(crate) viewer: Option<Arc<Viewer>>,
    pub(crate) tenant: Option<(Name, MemberRole)>,
    pub(crate) toast: Option<String>,
}

impl Page {
    pub(crate) fn new(frame: &impl AsRef<Frame>, tab: Tab, title: impl Into<String>) -> Self {
        let frame = frame.as_ref();
        Self {
            title: title.into(),
            tab,
            whole: !frame.hx.panel,
            live: false,
            viewer: Some(Arc::clone(&frame.viewer)),
            tenant: frame.tenant.clone(),
            toast: frame.toast.clone(),
        }
    }

    /// A page for somebody who is not known.
    pub(crate) fn bare(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            tab: Tab::None,
            whole: true,
            live: false,
            viewer: None,
            tenant: None,
            toast: None,
        }
    }

    /// The same page with the scripts for live parts.
    pub(crate) fn live(mut self) -> Self {
        self.live = true;
        self
    }

    /// An address within the tenant: `page.url("plans")` is `/t/acme/plans`.
    pub(crate) fn url(&self, rest: impl std::fmt::Display) -> String {
        match &self.tenant {
            Some((name, _)) => format!("/t/{name}/{rest}"),
            None => format!("/{rest}"),
        }
    }

    /// Whether the viewer may run and cancel tasks.
    pub(crate) fn may_operate(&self) -> bool {
        self.may(MemberRole::Operator)
    }

    /// Open alerts of the tenant that nobody has acknowledged.
    pub(crate) fn alert_count(&self) -> u64 {
        let (Some((tenant, _)), Some(viewer)) = (&self.tenant, &self.viewer) else {
            return 0;
        };
        viewer
            .memberships
            .iter()
            .find(|one| one.tenant_name == *tenant)
            .map_or(0, |one| one.alert_count)
    }

    /// Whether the viewer may change organizations, credentials, passwords and plans.
    pub(crate) fn may_admin(&self) -> bool {
        self.may(MemberRole::Admin)
    }

    /// Whether the viewer may change members.
    pub(crate) fn may_own(&self) -> bool {
        self.may(MemberRole::Owner)
    }

    fn may(&self, least: MemberRole) -> bool {
        self.tenant.as_ref().is_some_and(|(_, role)| *role >= least)
    }

    pub(crate) fn theme(&self) -> Theme {
        self.viewer
            .as_ref()
            .map_or(Theme::System, |viewer| viewer.theme)
    }

    /// What Tabler calls the theme.
    pub(crate) fn theme_word(&self) -> &'static str {
        match self.theme() {
            Theme::System => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// Answers with a page.
pub(crate) fn show(template: &impl Template) -> Result<Response, Error> {
    Ok(Html(template.render()?).into_response())
}

/// Answers with a form that has mistakes in it.
pub(crate) fn refuse(template: &impl Template) -> Result<Response, Error> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(template.render()?)).into_response())
}

/// Answers with a form whose subject somebody else has changed in the meantime.
pub(crate) fn conflict(template: &impl Template) -> Result<Response, Error> {
    Ok((StatusCode::CONFLICT, Html(template.render()?)).into_response())
}

/// After a change: on to a page.
pub(crate) fn go(to: &str) -> Result<Response, Error> {
    let location = HeaderValue::try_from(to).map_err(|error| Error::Internal(Box::new(error)))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// After a change: on to a page, which says the sentence once.
pub(crate) fn go_saying(console: &Console, to: &str, sentence: &str) -> Result<Response, Error> {
    let mut response = go(to)?;
    let encoded: String = url::form_urlencoded::byte_serialize(sentence.as_bytes()).collect();
    response.headers_mut().append(
        header::SET_COOKIE,
        session::set(console, TOAST, &encoded, 60)?,
    );
    Ok(response)
}

/// The cookie that carries a sentence to the next page.
pub(crate) const TOAST: &str = "toast";

/// The sentence that the next page is to say.
pub(crate) fn toast(headers: &HeaderMap) -> Option<String> {
    let encoded = session::read(headers, TOAST)?;
    let sentence: String = url::form_urlencoded::parse(encoded.as_bytes())
        .map(|(text, _)| text.into_owned())
        .collect();
    (!sentence.is_empty()).then_some(sentence)
}
