//! Who sent a request, and what that person or App may see.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

use crate::apps::jwt;
use crate::quota::Bucket;
use crate::world::{InstallationToken, Permissions, Repository, Role, Token, TokenKind, World};

/// The sender of a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) address: IpAddr,
    /// The person, if a person's token came along.
    pub(crate) identity: Option<Identity>,
    /// The App, if it speaks for itself.
    pub(crate) machine: Option<Machine>,
}

/// An App that speaks for itself.
#[derive(Debug, Clone)]
pub(crate) enum Machine {
    /// By a signed statement: it may ask about itself and its installations.
    App(u64),
    /// By its client id and secret: it may ask about the tokens that people have granted to it.
    Client(u64),
    /// By an installation token: it may read what it is installed on.
    Installation {
        id: u64,
        /// The name in statistics.
        name: String,
        account_id: u64,
        /// The repositories of the account that it reaches; all when absent.
        reaches: Option<BTreeSet<u64>>,
        permissions: Permissions,
    },
}

/// A token's user.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) user_id: u64,
    pub(crate) login: String,
    pub(crate) kind: TokenKind,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// The app that the token was given to.
    pub(crate) app_id: Option<u64>,
    reads_private: bool,
}

/// The request carried credentials that are worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadCredentials(pub(crate) &'static str);

impl BadCredentials {
    /// What GitHub says of a token that it does not know.
    pub(crate) const UNKNOWN: Self = Self("Bad credentials");
}

impl Caller {
    /// Reads `Authorization`: `Bearer`, `token`, or `Basic` with the token as password or as user name.
    pub(crate) fn of(
        headers: &HeaderMap,
        address: IpAddr,
        world: &World,
        now: DateTime<Utc>,
    ) -> Result<Self, BadCredentials> {
        let mut caller = Self {
            address,
            identity: None,
            machine: None,
        };
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(caller);
        };
        let value = value
            .to_str()
            .map_err(|_not_ascii| BadCredentials::UNKNOWN)?;
        if let Some(token) = jwt::of(value) {
            caller.machine = Some(Machine::App(jwt::verify(token, &world.apps, now)?));
            return Ok(caller);
        }
        let candidates = candidates(value);
        if let [secret, id] = candidates.as_slice()
            && let Some(app) = world.apps.by_client_id(id)
        {
            if app.client_secret.reveal() != secret {
                return Err(BadCredentials::UNKNOWN);
            }
            caller.machine = Some(Machine::Client(app.id));
            return Ok(caller);
        }
        if let Some(token) = candidates
            .iter()
            .find_map(|candidate| world.apps.token(candidate, now))
        {
            caller.machine = Some(Machine::of(token, world).ok_or(BadCredentials::UNKNOWN)?);
            return Ok(caller);
        }
        let token = candidates
            .iter()
            .find_map(|candidate| world.token(candidate))
            .filter(|token| token.is_valid(now))
            .ok_or(BadCredentials::UNKNOWN)?;
        caller.identity = Some(Identity::of(token, world));
        Ok(caller)
    }

    /// Whether the request came with credentials.
    pub(crate) fn is_authorized(&self) -> bool {
        self.identity.is_some() || self.machine.is_some()
    }

    /// Who is charged.
    pub(crate) fn bucket(&self) -> Bucket {
        match (&self.machine, &self.identity) {
            (Some(Machine::App(id) | Machine::Client(id)), _) => Bucket::App(*id),
            (Some(Machine::Installation { id, .. }), _) => Bucket::Installation(*id),
            (None, Some(identity)) => Bucket::User(identity.user_id),
            (None, None) => Bucket::Address(self.address),
        }
    }

    /// The login for statistics.
    pub(crate) fn login(&self) -> &str {
        match (&self.machine, &self.identity) {
            (Some(Machine::App(_) | Machine::Client(_)), _) => "app",
            (Some(Machine::Installation { name, .. }), _) => name,
            (None, Some(identity)) => &identity.login,
            (None, None) => "anonymous",
        }
    }

    /// Whether the repository exists for this caller.
    pub(crate) fn sees(&self, repository: &Repository, world: &World) -> bool {
        if !repository.private {
            return true;
        }
        if let Some(Machine::Installation {
            account_id,
            reaches,
            ..
        }) = &self.machine
        {
            return *account_id == repository.owner_id
                && reaches
                    .as_ref()
                    .is_none_or(|reaches| reaches.contains(&repository.id));
        }
        let Some(identity) = &self.identity else {
            return false;
        };
        let is_reached = identity.reads_private
            || identity.kind == TokenKind::AppUser
                && identity
                    .app_id
                    .and_then(|app| world.apps.installation(app, repository.owner_id))
                    .is_some_and(|installation| installation.covers(repository.id));
        if !is_reached {
            return false;
        }
        identity.user_id == repository.owner_id
            || world
                .membership(identity.user_id, repository.owner_id)
                .is_some_and(|membership| {
                    membership
                        .sees
                        .as_ref()
                        .is_none_or(|names| names.contains(&repository.name))
                })
    }

    /// Whether the caller administers the repository.
    pub(crate) fn administers(&self, repository: &Repository, world: &World) -> bool {
        self.identity.as_ref().is_some_and(|identity| {
            identity.user_id == repository.owner_id
                || world
                    .membership(identity.user_id, repository.owner_id)
                    .is_some_and(|membership| membership.role == Role::Admin)
        })
    }

    /// Whether the caller belongs to the organization.
    pub(crate) fn is_member(&self, organization_id: u64, world: &World) -> bool {
        self.identity.as_ref().is_some_and(|identity| {
            world
                .membership(identity.user_id, organization_id)
                .is_some()
        })
    }
}

impl Identity {
    fn of(token: &Token, world: &World) -> Self {
        Self {
            user_id: token.user_id,
            login: world.login(token.user_id).to_owned(),
            kind: token.kind,
            scopes: token.scopes.clone(),
            expires_at: token.expires_at,
            app_id: token.app_id,
            reads_private: token.reads_private(),
        }
    }
}

impl Machine {
    fn of(token: &InstallationToken, world: &World) -> Option<Self> {
        let installation = world.apps.installations.get(&token.installation_id)?;
        let app = world.apps.all.get(&installation.app_id)?;
        let reaches = match (&installation.selected, &token.repositories) {
            (None, narrowed) => narrowed.clone(),
            (Some(selected), None) => Some(selected.clone()),
            (Some(selected), Some(narrowed)) => {
                Some(selected.intersection(narrowed).copied().collect())
            }
        };
        Some(Self::Installation {
            id: installation.id,
            name: format!("{}[bot]", app.slug),
            account_id: installation.account_id,
            reaches,
            permissions: token.permissions.clone(),
        })
    }
}

/// The strings in an `Authorization` value that may be the token.
fn candidates(value: &str) -> Vec<String> {
    let Some((scheme, rest)) = value.split_once(' ') else {
        return Vec::new();
    };
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => vec![rest.trim().to_owned()],
        "basic" => STANDARD
            .decode(rest.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|pair| {
                pair.split_once(':')
                    .map(|(user, password)| vec![password.to_owned(), user.to_owned()])
            })
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}
