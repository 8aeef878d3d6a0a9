//! What only GitHub's applications do: installations that a person sees, and applications made from a manifest.

use std::fmt;

use domain::Secret;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::identity::{get, read};
use crate::Error;
use crate::gate::Authority;
use crate::oauth::Oauth;
use crate::request::{Ask, Content, send};
use crate::{address, rest};
use budget::Demand;

/// Pages of a person's installations that are read; a hundred each.
const PAGES: u32 = 50;

/// What an application that was made from a manifest proves itself with.
pub struct Made {
    /// Its number.
    pub id: i64,
    /// Its name in addresses.
    pub slug: String,
    /// What it calls itself in OAuth.
    pub client_id: String,
    /// What proves that.
    pub client_secret: Secret,
    /// The private key, PEM.
    pub private_key: Secret,
    /// What messages to it are signed with.
    pub webhook_secret: Option<Secret>,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made")
            .field("slug", &self.slug)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Installations {
    installations: Vec<Numbered>,
}

#[derive(Deserialize)]
struct Numbered {
    id: i64,
}

#[derive(Deserialize)]
struct Membership {
    state: String,
    role: String,
}

#[derive(Deserialize)]
struct RawMade {
    id: i64,
    slug: String,
    client_id: String,
    client_secret: String,
    pem: String,
    webhook_secret: Option<String>,
}

impl Oauth<'_> {
    /// Whether a person sees an installation, by a token that the same App was given for her.
    pub async fn sees_installation(&self, token: &Secret, id: i64) -> Result<bool, Error> {
        let authority = Authority::Token(token.clone());
        for page in 1..=PAGES {
            let path = format!("user/installations?per_page=100&page={page}");
            let demand = Demand::free("user/installations");
            let reply = get(self.shared, self.host, &authority, &path, demand).await?;
            let seen: Installations = read(self.host, reply)?;
            if seen.installations.iter().any(|one| one.id == id) {
                return Ok(true);
            }
            if seen.installations.len() < 100 {
                break;
            }
        }
        Ok(false)
    }

    /// Whether a person owns an organization.
    pub async fn owns(&self, token: &Secret, organization: &str) -> Result<bool, Error> {
        let authority = Authority::Token(token.clone());
        let path = format!("user/memberships/orgs/{organization}");
        let demand = Demand::free("user/memberships");
        match get(self.shared, self.host, &authority, &path, demand).await {
            Ok(reply) => {
                let membership: Membership = read(self.host, reply)?;
                Ok(membership.state == "active" && membership.role == "admin")
            }
            Err(failure) => match failure.error {
                Error::Missing { .. } | Error::Denied { .. } => Ok(false),
                error @ (Error::Throttled { .. }
                | Error::NoCredential { .. }
                | Error::Blocked { .. }
                | Error::Disabled { .. }
                | Error::Moved { .. }
                | Error::Corrupt { .. }
                | Error::Transient { .. }
                | Error::Protocol { .. }
                | Error::Cancelled) => Err(error),
            },
        }
    }

    /// The keys of an application that was made from a manifest. [`Error::Missing`]: the code is worth nothing any more.
    pub async fn convert(&self, code: &Secret) -> Result<Made, Error> {
        let base = self.host.rest();
        let path = format!("app-manifests/{}/conversions", code.expose());
        let ask = Ask {
            method: Method::POST,
            body: Some(Content::Json(json!({}))),
            repeats: 0,
            ..rest::ask(
                self.host,
                address::below(base, &path)?,
                Demand::free("app-manifests"),
            )
        };
        let reply = send(self.shared, &Authority::Nobody, &ask).await?;
        let raw: RawMade = read(self.host, reply)?;
        Ok(Made {
            id: raw.id,
            slug: raw.slug,
            client_id: raw.client_id,
            client_secret: Secret::new(raw.client_secret),
            private_key: Secret::new(raw.pem),
            webhook_secret: raw.webhook_secret.map(Secret::new),
        })
    }
}
