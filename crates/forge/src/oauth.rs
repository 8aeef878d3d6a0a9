//! What people grant to applications: a code becomes a token, and a refresh token another one.
//!
//! GitHub docs, "Authorizing OAuth apps" and "Generating a user access token for a GitHub App"; GitLab docs, "OAuth 2.0 identity
//! provider API". A refresh token counts once, and on GitLab its use ends the token that it came with.

use std::fmt;

use budget::Demand;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{ForgeKind, Grant, Host, Secret};
use http::{HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::forge::Shared;
use crate::gate::Authority;
use crate::request::{Ask, Content, send};
use crate::{Error, address, rest};

/// Where a GitLab gives tokens for what people have granted.
pub(crate) const GITLAB_TOKENS: &str = "oauth/token";

/// What proves that an application is itself.
#[derive(Debug, Clone)]
pub struct Client {
    /// What it calls itself.
    pub id: String,
    /// What proves that.
    pub secret: Secret,
}

/// Asks a host about what people have granted.
#[derive(Clone, Copy)]
pub struct Oauth<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) host: &'a Host,
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

/// With what somebody has come back from a host.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// What the host gave her.
    pub code: &'a Secret,
    /// What proves that she is who went; empty where the host was given no challenge.
    pub verifier: &'a Secret,
    /// Where the host was told to send her.
    pub returns_to: Option<&'a str>,
}

impl<'a> Oauth<'a> {
    pub(crate) fn new(shared: &'a Shared, host: &'a Host) -> Self {
        Self { shared, host }
    }

    /// What a code is worth. [`Error::NoCredential`]: nothing.
    pub async fn exchange(&self, client: &Client, arrived: Arrived<'_>) -> Result<Grant, Error> {
        let mut more = Map::new();
        let mut say = |name: &str, value: &str| more.insert(name.to_owned(), json!(value));
        say("code", arrived.code.expose());
        // Installing an application knows no challenge (GitHub changelog, 2025-07-14).
        if !arrived.verifier.expose().is_empty() {
            say("code_verifier", arrived.verifier.expose());
        }
        if self.host.kind() == ForgeKind::GitLab {
            say("grant_type", "authorization_code");
            say("redirect_uri", arrived.returns_to.unwrap_or_default());
        }
        self.tokens(client, more).await
    }

    /// Another token, and another refresh token. [`Error::NoCredential`]: the refresh token is worth nothing any more.
    pub async fn renew(&self, client: &Client, refresh: &Secret) -> Result<Grant, Error> {
        let mut more = Map::new();
        more.insert("grant_type".to_owned(), json!("refresh_token"));
        more.insert("refresh_token".to_owned(), json!(refresh.expose()));
        self.tokens(client, more).await
    }

    /// Takes a token back that a person has granted: it works no more.
    ///
    /// GitHub docs, "Delete an app token"; GitLab docs, "OAuth 2.0 identity provider API", revoke a token.
    pub async fn revoke(&self, client: &Client, token: &Secret) -> Result<(), Error> {
        let (method, base, path, form, authority) = match self.host.kind() {
            ForgeKind::GitHub => (
                Method::DELETE,
                self.host.rest(),
                format!("applications/{}/token", client.id),
                json!({ "access_token": token.expose() }),
                Authority::Client {
                    id: client.id.clone(),
                    secret: client.secret.clone(),
                },
            ),
            ForgeKind::GitLab => (
                Method::POST,
                self.host.web(),
                "oauth/revoke".to_owned(),
                json!({
                    "client_id": client.id,
                    "client_secret": client.secret.expose(),
                    "token": token.expose(),
                }),
                Authority::Nobody,
            ),
        };
        let ask = Ask {
            method,
            body: Some(Content::Json(form)),
            home: Some(base.clone()),
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

    /// GitHub refuses with status 200 (GitHub docs, troubleshooting OAuth app access token request errors), GitLab with 400 or 401.
    async fn tokens(&self, client: &Client, mut form: Map<String, Value>) -> Result<Grant, Error> {
        let base = self.host.web();
        let now = self.shared.clock.now();
        form.insert("client_id".to_owned(), json!(client.id));
        let secret = json!(client.secret.expose());
        form.insert("client_secret".to_owned(), secret);
        let (path, endpoint) = match self.host.kind() {
            ForgeKind::GitHub => ("login/oauth/access_token", "login/oauth"),
            ForgeKind::GitLab => (GITLAB_TOKENS, GITLAB_TOKENS),
        };
        let ask = Ask {
            method: Method::POST,
            headers: vec![(header::ACCEPT, HeaderValue::from_static("application/json"))],
            body: Some(Content::Json(Value::Object(form))),
            home: Some(base.clone()),
            repeats: 0,
            ..rest::ask(
                self.host,
                address::below(base, path)?,
                Demand::free(endpoint),
            )
        };
        let reply = send(self.shared, &Authority::Nobody, &ask).await?;
        let answer: Answer =
            serde_json::from_value(rest::json(reply.payload)?).map_err(|error| {
                let detail = format!("{} does not answer as it should: {error}.", self.host);
                Error::Protocol { detail }
            })?;
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
}
