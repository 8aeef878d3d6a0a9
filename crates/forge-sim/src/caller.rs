//! Who sent a request, and what that person may see.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

use crate::quota::Bucket;
use crate::world::{Repository, Role, Token, TokenKind, World};

/// The sender of a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) address: IpAddr,
    pub(crate) identity: Option<Identity>,
}

/// A token's user.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) user_id: u64,
    pub(crate) login: String,
    pub(crate) kind: TokenKind,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    reads_private: bool,
}

/// The request carried credentials that are worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadCredentials;

impl Caller {
    /// Reads `Authorization`: `Bearer`, `token`, or `Basic` with the token as password or as user name.
    pub(crate) fn of(
        headers: &HeaderMap,
        address: IpAddr,
        world: &World,
        now: DateTime<Utc>,
    ) -> Result<Self, BadCredentials> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(Self {
                address,
                identity: None,
            });
        };
        let value = value.to_str().map_err(|_not_ascii| BadCredentials)?;
        let token = candidates(value)
            .iter()
            .find_map(|candidate| world.token(candidate))
            .filter(|token| token.is_valid(now))
            .ok_or(BadCredentials)?;
        Ok(Self {
            address,
            identity: Some(Identity::of(token, world)),
        })
    }

    /// Who is charged.
    pub(crate) fn bucket(&self) -> Bucket {
        match &self.identity {
            Some(identity) => Bucket::User(identity.user_id),
            None => Bucket::Address(self.address),
        }
    }

    /// The login for statistics.
    pub(crate) fn login(&self) -> &str {
        self.identity
            .as_ref()
            .map_or("anonymous", |identity| identity.login.as_str())
    }

    /// Whether the repository exists for this caller.
    pub(crate) fn sees(&self, repository: &Repository, world: &World) -> bool {
        if !repository.private {
            return true;
        }
        let Some(identity) = self
            .identity
            .as_ref()
            .filter(|identity| identity.reads_private)
        else {
            return false;
        };
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
            reads_private: token.reads_private(),
        }
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
