//! What people grant to applications: a code becomes a token, a refresh token another one, and a token says who is behind it.
//!
//! GitHub docs, "Authorizing OAuth apps" and "Generating a user access token for a GitHub App".

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Grant, Host, Secret};
use http::{HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::identity::{get, read};
use crate::Error;
use crate::forge::Shared;
use crate::gate::Authority;
use crate::request::{Ask, Content, send};
use crate::{address, rest};
use budget::Demand;

/// Pages of a person's installations that are read; a hundred each.
const PAGES: u32 = 50;

/// What proves that an application is itself.
#[derive(Debug, Clone)]
pub struct Client {
    /// What it calls itself.
    pub id: String,
    /// What proves that.
    pub secret: Secret,
}

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

/// Asks a host about what people have granted.
#[derive(Clone, Copy)]
pub struct Oauth<'a> {
    shared: &'a Shared,
    host: &'a Host,
}

impl fmt::Debug for Oauth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oauth")
            .field("host", self.host)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
    error_description: Option<String>,
    error: Option<String>,
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

impl<'a> Oauth<'a> {
    pub(crate) fn new(shared: &'a Shared, host: &'a Host) -> Self {
        Self { shared, host }
    }

    /// What a code is worth. [`Error::NoCredential`]: nothing.
    pub async fn exchange(
        &self,
        client: &Client,
        code: &Secret,
        verifier: &Secret,
    ) -> Result<Grant, Error> {
        let mut form = json!({
            "client_id": client.id,
            "client_secret": client.secret.expose(),
            "code": code.expose(),
        });
        // Installing an application knows no challenge (GitHub changelog, 2025-07-14).
        if let (Some(form), false) = (form.as_object_mut(), verifier.expose().is_empty()) {
            form.insert("code_verifier".to_owned(), json!(verifier.expose()));
        }
        self.tokens(form).await
    }

    /// Another token, and another refresh token. [`Error::NoCredential`]: the refresh token is worth nothing any more.
    pub async fn renew(&self, client: &Client, refresh: &Secret) -> Result<Grant, Error> {
        self.tokens(json!({
            "client_id": client.id,
            "client_secret": client.secret.expose(),
            "grant_type": "refresh_token",
            "refresh_token": refresh.expose(),
        }))
        .await
    }

    /// Refusals come with status 200 (GitHub docs, troubleshooting OAuth app access token request errors).
    async fn tokens(&self, form: Value) -> Result<Grant, Error> {
        let base = self.host.web();
        let now = self.shared.clock.now();
        let ask = Ask {
            method: Method::POST,
            headers: vec![(header::ACCEPT, HeaderValue::from_static("application/json"))],
            body: Some(Content::Json(form)),
            home: Some(base.clone()),
            repeats: 0,
            ..rest::ask(
                self.host,
                address::below(base, "login/oauth/access_token")?,
                Demand::free("login/oauth"),
            )
        };
        let reply = send(self.shared, &Authority::Nobody, &ask).await?;
        let answer: Answer = read(self.host, reply)?;
        let Some(token) = answer.access_token else {
            let words = answer
                .error_description
                .or(answer.error)
                .unwrap_or_else(|| "it gave no token".to_owned());
            return Err(Error::NoCredential {
                detail: format!(
                    "{} did not give a token: {}.",
                    self.host.authority(),
                    words.trim_end_matches('.')
                ),
            });
        };
        let ends = |seconds: i64| -> DateTime<Utc> { now + TimeDelta::seconds(seconds) };
        Ok(Grant::new(
            &Secret::new(token),
            answer.refresh_token.map(Secret::new).as_ref(),
            answer.expires_in.map(ends),
        ))
    }

    /// Takes a token back that a person has granted: it works no more.
    ///
    /// GitHub docs, "Delete an app token".
    pub async fn revoke(&self, client: &Client, token: &Secret) -> Result<(), Error> {
        let base = self.host.rest();
        let path = format!("applications/{}/token", client.id);
        let authority = Authority::Client {
            id: client.id.clone(),
            secret: client.secret.clone(),
        };
        let ask = Ask {
            method: Method::DELETE,
            body: Some(Content::Json(json!({ "access_token": token.expose() }))),
            repeats: 0,
            ..rest::ask(
                self.host,
                address::below(base, &path)?,
                Demand::free("applications"),
            )
        };
        send(self.shared, &authority, &ask).await?;
        Ok(())
    }

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
