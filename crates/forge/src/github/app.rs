//! A GitHub App in its own name: what it is, where it is installed, and tokens for that.
//!
//! GitHub docs, "Authenticating as a GitHub App" and "Generating an installation access token for a GitHub App".

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{BucketKey, Clock, Host, Secret, bucket::Subject};
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::identity::{get, read};
use crate::Error;
use crate::forge::Shared;
use crate::gate::Authority;
use crate::identity::Account;
use crate::request::{Ask, Content, send};
use crate::{address, rest};
use budget::Demand;

mod messages;

pub use messages::{Message, Sent};

/// A statement's beginning lies in the past by so many seconds, for clocks that go slow (GitHub docs, generating a JSON web token).
const BACKDATED: i64 = 60;
/// A statement ends after so many seconds; the host allows 600 by its own clock.
const STATEMENT: i64 = 540;
/// Pages of a list that are read; a hundred items each.
const PAGES: u32 = 50;

/// What an App proves itself with.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its client id; Enterprise Server up to 3.13 knows the number only.
    pub issuer: String,
    /// The private key, PEM.
    pub private_key: Secret,
}

/// An App that speaks for itself.
#[derive(Clone, Copy)]
pub struct App<'a> {
    shared: &'a Shared,
    host: &'a Host,
    identity: &'a Identity,
}

/// What an App is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Description {
    /// Its number.
    pub id: i64,
    /// Its name in addresses.
    pub slug: String,
    /// What it asks for.
    pub permissions: BTreeMap<String, String>,
    /// Accounts that it is on, if the host says so.
    #[serde(default)]
    pub installations_count: Option<u64>,
}

/// An App on an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Its number.
    pub id: i64,
    /// The App's number.
    pub app_id: i64,
    /// The account.
    pub account: Account,
    /// What the account's owner has agreed to.
    pub permissions: BTreeMap<String, String>,
    /// Whether it covers all repositories of the account.
    pub covers_all: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who has suspended it; an empty name if the host does not say.
    pub suspended_by: Option<String>,
    /// Who is charged for what is done with it.
    pub bucket: BucketKey,
}

/// A token for an installation.
#[derive(Debug, Clone)]
pub struct Minted {
    /// The token: of either shape, and opaque.
    pub token: Secret,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Somebody has asked an owner to install the App.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// On which account.
    pub account: Account,
    /// Who asks, by the host's number.
    pub requester: i64,
    /// When.
    pub created_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct RawAccount {
    id: i64,
    login: String,
    #[serde(rename = "type")]
    kind: String,
}

impl From<RawAccount> for Account {
    fn from(raw: RawAccount) -> Self {
        Self {
            id: raw.id,
            login: raw.login,
            is_organization: raw.kind == "Organization",
        }
    }
}

#[derive(Deserialize)]
struct RawInstallation {
    id: i64,
    app_id: i64,
    account: RawAccount,
    permissions: BTreeMap<String, String>,
    repository_selection: String,
    created_at: DateTime<Utc>,
    suspended_at: Option<Value>,
    suspended_by: Option<RawAccount>,
}

#[derive(Deserialize)]
struct RawRequest {
    account: RawAccount,
    requester: RawAccount,
    created_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct RawToken {
    token: String,
    expires_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

/// A statement signed with the App's key.
fn statement(clock: &Clock, identity: &Identity) -> Result<Secret, Error> {
    // The cause would say what stands in the key.
    let unusable = |_error: jsonwebtoken::errors::Error| {
        Error::NoCredential {
        detail: "The private key of the application cannot be used: enter it anew, as the host has given it, PEM lines included."
            .to_owned(),
    }
    };
    let key =
        EncodingKey::from_rsa_pem(identity.private_key.expose().as_bytes()).map_err(unusable)?;
    let now = clock.now().timestamp();
    let claims = Claims {
        iat: now - BACKDATED,
        exp: now + STATEMENT,
        iss: &identity.issuer,
    };
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key)
        .map(Secret::new)
        .map_err(unusable)
}

impl<'a> App<'a> {
    pub(crate) fn new(shared: &'a Shared, host: &'a Host, identity: &'a Identity) -> Self {
        Self {
            shared,
            host,
            identity,
        }
    }

    /// What the App is. [`Error::NoCredential`]: the host does not accept its key.
    pub async fn description(&self) -> Result<Description, Error> {
        self.get("app").await
    }

    /// One of its installations; nothing if there is none with that number.
    pub async fn installation(&self, id: i64) -> Result<Option<Installation>, Error> {
        self.installation_at(&format!("app/installations/{id}"))
            .await
    }

    /// The one on an organization, by its name; nothing if there is none.
    pub async fn installation_on(&self, organization: &str) -> Result<Option<Installation>, Error> {
        self.installation_at(&format!("orgs/{organization}/installation"))
            .await
    }

    async fn installation_at(&self, path: &str) -> Result<Option<Installation>, Error> {
        match self.get::<RawInstallation>(path).await {
            Ok(raw) => Ok(Some(self.installed(raw))),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A token for an installation, narrowed to these permissions.
    ///
    /// [`Error::NoCredential`]: the key is not accepted, or the installation is suspended. [`Error::Missing`]: it was deleted.
    /// [`Error::Protocol`]: it does not have all of the permissions.
    pub async fn mint(
        &self,
        id: i64,
        permissions: &BTreeMap<String, String>,
    ) -> Result<Minted, Error> {
        let path = format!("app/installations/{id}/access_tokens");
        let body = if permissions.is_empty() {
            json!({})
        } else {
            json!({ "permissions": permissions })
        };
        let raw: RawToken = self.post(&path, body).await?;
        Ok(Minted {
            token: Secret::new(raw.token),
            expires_at: raw.expires_at,
        })
    }

    /// What owners were asked to install and have not answered, newest last.
    pub async fn requests(&self) -> Result<Vec<Request>, Error> {
        let mut requests = Vec::new();
        for page in 1..=PAGES {
            let raw: Vec<RawRequest> = self
                .get(&format!(
                    "app/installation-requests?per_page=100&page={page}"
                ))
                .await?;
            let is_last = raw.len() < 100;
            requests.extend(raw.into_iter().map(|raw| Request {
                account: raw.account.into(),
                requester: raw.requester.id,
                created_at: raw.created_at,
            }));
            if is_last {
                break;
            }
        }
        requests.sort_by_key(|request| request.created_at);
        Ok(requests)
    }

    fn installed(&self, raw: RawInstallation) -> Installation {
        let suspended_by = raw
            .suspended_at
            .is_some()
            .then(|| raw.suspended_by.map(|by| by.login).unwrap_or_default());
        Installation {
            id: raw.id,
            app_id: raw.app_id,
            account: raw.account.into(),
            permissions: raw.permissions,
            covers_all: raw.repository_selection == "all",
            created_at: raw.created_at,
            suspended_by,
            bucket: BucketKey {
                host: self.host.authority(),
                subject: Subject::Installation(raw.id),
            },
        }
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let authority = Authority::Token(statement(&self.shared.clock, self.identity)?);
        let demand = Demand::free("app");
        let reply = get(self.shared, self.host, &authority, path, demand).await?;
        read(self.host, reply)
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: Value,
    ) -> Result<T, Error> {
        let authority = Authority::Token(statement(&self.shared.clock, self.identity)?);
        let base = self.host.rest();
        let ask = Ask {
            method: Method::POST,
            body: Some(Content::Json(body)),
            // A second token does no harm, but nobody would hear of the first.
            repeats: 0,
            ..rest::ask(self.host, address::below(base, path)?, Demand::free("app"))
        };
        read(self.host, send(self.shared, &authority, &ask).await?)
    }
}

/// The same permissions, to read only.
pub fn to_read(permissions: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    permissions
        .keys()
        .map(|name| (name.clone(), "read".to_owned()))
        .collect()
}

impl std::fmt::Debug for App<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("host", self.host)
            .field("identity", self.identity)
            .finish_non_exhaustive()
    }
}
