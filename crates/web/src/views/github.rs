//! The tabs GitHub and GitLab: organizations as tiles, and the panels over them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{ForgeKind, MemberRole, Name, OrganizationId};
use serde::Deserialize;
use store::{Check, Entry, InstallationRequest, Organization, RemovalEffects};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Vendor};
use crate::fields::Fields;
use crate::form::Query;
use crate::page::{self, Page, Tab};
use crate::quota::Quotas;
use crate::router::{Access, Route};
use crate::views::checks::Progress;

/// A route below the tab of each vendor.
macro_rules! at_each {
    ($method:ident, $rest:literal, $access:expr, $handler:expr) => {
        [
            Route::$method(concat!("/t/{tenant}/github", $rest), $access, $handler),
            Route::$method(concat!("/t/{tenant}/gitlab", $rest), $access, $handler),
        ]
    };
}

mod applications;
mod credentials;
mod organizations;
mod row;
mod tile;
mod token;

use applications::SlotChoice;
pub(crate) use applications::{account_form, form as install_form};
pub(crate) use credentials::form as add_form;
pub(crate) use organizations::form as register_form;
use row::Row;
use tile::TileView;
pub(crate) use tile::expiry;

/// Tiles on one page.
const ON_A_PAGE: usize = 50;

pub(crate) fn routes() -> Vec<Route> {
    const READ: Access = Access::Member(MemberRole::Auditor);
    let mut routes = Vec::new();
    routes.extend(at_each!(get, "", READ, list));
    routes.extend(organizations::routes());
    routes.extend(credentials::routes());
    routes.extend(applications::routes());
    routes
}

/// The tiles, with a panel over them or none.
#[derive(Template)]
#[template(path = "github/list.html")]
pub(crate) struct Board {
    page: Page,
    forge: ForgeKind,
    now: DateTime<Utc>,
    attention: bool,
    tiles: Vec<TileView>,
    /// The way to the tiles after these.
    more: Option<String>,
    panel: Panel,
}

/// What lies over the tiles.
pub(crate) enum Panel {
    None,
    New {
        fields: Fields,
        tokens: Vec<Entry>,
    },
    Edit {
        organization: Organization,
        mains: Vec<Row>,
        /// Whether another account can carry the main application.
        is_by_app: bool,
        additional: Additional,
        fields: Fields,
    },
    Remove {
        organization: Organization,
        effects: RemovalEffects,
        fields: Fields,
    },
    Credentials {
        organization: Organization,
        rows: Vec<Row>,
        additional: Additional,
        /// Installations that an owner was asked for.
        requests: Vec<InstallationRequest>,
    },
    AddApp {
        organization: Organization,
        fields: Fields,
        slots: Vec<SlotChoice>,
        is_by_app: bool,
    },
    AddAccount {
        organization: Organization,
        fields: Fields,
    },
    AddToken {
        organization: Organization,
        fields: Fields,
        tokens: Vec<Entry>,
    },
    EditCredential {
        organization: Organization,
        row: Row,
        fields: Fields,
    },
    RotateToken {
        organization: Organization,
        row: Row,
    },
    RemoveCredential {
        organization: Organization,
        row: Row,
        fields: Fields,
    },
    Check(Progress),
}

/// The additional credentials of an organization, all together.
pub(crate) struct Additional {
    pub(crate) count: usize,
    pub(crate) used: usize,
    pub(crate) strip: crate::quota::Strip,
    /// Those that no plan uses.
    pub(crate) unused: Vec<String>,
    /// What the main credentials allow in an hour.
    pub(crate) main_limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Wish {
    show: Option<String>,
    after: Option<String>,
}

async fn list(
    State(console): State<Console>,
    member: Member,
    Vendor(forge): Vendor,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    let attention = wish.show.as_deref() == Some("attention");
    let after = wish.after.as_deref().and_then(|after| after.parse().ok());
    let title = format!("{} organizations", forge.label());
    let page = Page::new(&member, Tab::of(forge), title);
    let board = Board::load(&console, &member, forge, page, attention, after.as_ref()).await?;
    page::show(&board)
}

impl Board {
    async fn load(
        console: &Console,
        member: &Member,
        forge: ForgeKind,
        page: Page,
        attention: bool,
        after: Option<&Name>,
    ) -> Result<Self, Error> {
        let limit = i64::try_from(ON_A_PAGE + 1).unwrap_or(i64::MAX);
        let mut tiles = member.scoped.tiles(forge, after, limit).await?;
        let is_cut = tiles.len() > ON_A_PAGE;
        tiles.truncate(ON_A_PAGE);
        let buckets = tiles
            .iter()
            .flat_map(|tile| tile.credentials.iter().map(|one| one.bucket.clone()))
            .collect();
        let quotas = Quotas::of(&console.db, buckets).await?;
        let now = console.clock.now();
        let more = tiles.last().filter(|_| is_cut).map(|last| {
            let show = if attention { "&show=attention" } else { "" };
            page.url(format!("{}?after={}{show}", forge.as_str(), last.name))
        });
        Ok(Self {
            page,
            forge,
            now,
            attention,
            tiles: tiles
                .into_iter()
                .map(|tile| TileView::of(tile, &quotas, now))
                .filter(|tile| !attention || tile.needs_attention)
                .collect(),
            more,
            panel: Panel::None,
        })
    }

    /// The tiles with a panel over them; whoever has them already gets the panel alone.
    pub(crate) async fn over(
        console: &Console,
        member: &Member,
        forge: ForgeKind,
        title: &str,
        panel: Panel,
    ) -> Result<Self, Error> {
        let page = Page::new(member, Tab::of(forge), title);
        let board = if page.whole {
            Self::load(console, member, forge, page, false, None).await?
        } else {
            Self {
                page,
                forge,
                now: console.clock.now(),
                attention: false,
                tiles: Vec::new(),
                more: None,
                panel: Panel::None,
            }
        };
        Ok(Self { panel, ..board })
    }

    fn close(&self) -> String {
        self.page.url(self.forge.as_str())
    }

    fn of(&self, organization: OrganizationId, rest: &str) -> String {
        self.page
            .url(format!("{}/{organization}/{rest}", self.forge.as_str()))
    }

    /// Below the vendor's tab.
    fn below(&self, rest: &str) -> String {
        self.page.url(format!("{}{rest}", self.forge.as_str()))
    }

    fn is_github(&self) -> bool {
        self.forge == ForgeKind::GitHub
    }

    fn vendor(&self) -> &'static str {
        self.forge.label()
    }

    /// The name of the field for a user.
    fn user_label(&self) -> &'static str {
        match self.forge {
            ForgeKind::GitHub => "Account username",
            ForgeKind::GitLab => "User name",
        }
    }

    /// How an organization can be registered.
    fn ways(&self) -> &'static str {
        match self.forge {
            ForgeKind::GitHub => "Connect with a GitHub App, OAuth or an access token",
            ForgeKind::GitLab => "Connect with OAuth or an access token",
        }
    }

    fn host_hint(&self) -> &'static str {
        match self.forge {
            ForgeKind::GitHub => "github.com, or the address of your GitHub Enterprise Server.",
            ForgeKind::GitLab => {
                "gitlab.com, or the address of your own GitLab, as a browser shows it."
            }
        }
    }

    fn accounts_hint(&self) -> &'static str {
        match self.forge {
            ForgeKind::GitHub => {
                "The accounts on the host whose repositories belong to it, separated by commas. Leave it empty if there is one, called as above. With a GitHub App, the account is chosen on GitHub."
            }
            ForgeKind::GitLab => {
                "The groups whose projects belong to it, those of their subgroups included, separated by commas. The token's own user stands for everything that it is a member of. Leave it empty if there is one group, called as above."
            }
        }
    }

    /// Under the title of the list of additional credentials.
    fn sub_of(&self, organization: &str) -> String {
        match self.forge {
            ForgeKind::GitHub => format!("Throttling prevention for {organization}"),
            ForgeKind::GitLab => format!("Accounts that share the requests of {organization}"),
        }
    }

    /// What the list of additional credentials is called there.
    fn manage(&self) -> &'static str {
        match self.forge {
            ForgeKind::GitHub => "Manage credentials",
            ForgeKind::GitLab => "Additional credentials",
        }
    }

    /// Whether the viewer has asked for an installation, and so may add it.
    fn is_asker(&self, request: &InstallationRequest) -> bool {
        self.page
            .viewer
            .as_ref()
            .is_some_and(|viewer| request.person == Some(viewer.person))
    }

    /// Credentials that no plan uses, with their organization.
    fn unused(&self) -> Vec<String> {
        let mut unused = Vec::new();
        for tile in &self.tiles {
            for title in &tile.unused {
                // An application's title says where it is.
                unused.push(if title.contains(" on ") {
                    title.clone()
                } else {
                    format!("{title} on {}", tile.name)
                });
            }
        }
        unused
    }

    fn lead(&self) -> String {
        let repositories: u64 = self.tiles.iter().map(|tile| tile.repositories).sum();
        let attention = self
            .tiles
            .iter()
            .filter(|tile| tile.needs_attention)
            .count();
        let mut lead = format!(
            "{}, {}.",
            count(self.tiles.len(), "organization", "organizations"),
            crate::text::count(repositories, "repository", "repositories"),
        );
        if attention > 0 && !self.attention {
            let needs = if attention == 1 { "needs" } else { "need" };
            lead = format!("{lead} {attention} {needs} attention.");
        }
        lead
    }
}

/// A number of things in memory, with its noun.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    crate::text::count(i128::try_from(number).unwrap_or(i128::MAX), one, many)
}

/// An organization in the address; one that was removed does not exist, nor does one of another vendor.
async fn find(
    member: &Member,
    Vendor(forge): Vendor,
    id: OrganizationId,
) -> Result<Organization, Error> {
    let found = member.scoped.organization(id).await?;
    found
        .filter(|one| one.host.kind() == forge)
        .ok_or(Error::NotFound)
}

/// The title of a check's page.
pub(crate) fn check_title(check: &Check) -> &'static str {
    match &check.errand {
        domain::Errand::Register { .. } => "Add organization",
        domain::Errand::Add { .. } => "Add Access Token",
        domain::Errand::Return { purpose, .. } => match purpose {
            domain::Purpose::RegisterByApp { .. } | domain::Purpose::RegisterByOauth { .. } => {
                "Add organization"
            }
            domain::Purpose::Account { .. } => "Add account",
            domain::Purpose::Add { .. } => "Add GitHub App",
        },
        domain::Errand::Take { .. } => "Add GitHub App",
        domain::Errand::Recheck { .. } => "Check credential",
        domain::Errand::Replace { .. } => "Replace token",
        domain::Errand::Rotate { .. } => "Rotate token",
    }
}

#[cfg(test)]
pub(crate) mod tests;
