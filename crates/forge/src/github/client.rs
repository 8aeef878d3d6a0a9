//! A session with one host, through one pool.

use std::fmt;
use std::sync::Arc;

use domain::{Host, Kind};
use serde_json::Value;

use super::{Cursor, Page, Repository, content};
use crate::forge::Shared;
use crate::gate::Authority;
use crate::pool::{Claim, Session};
use crate::{Error, Scope, Usage};

/// A session with one host on behalf of one piece of work. Clones share what was spent.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    host: Arc<Host>,
    session: Arc<Session>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("host", &self.host)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(shared: Arc<Shared>, host: Host, scope: Scope) -> Self {
        Self {
            shared,
            session: Arc::new(Session::new(host.authority(), scope)),
            host: Arc::new(host),
        }
    }

    /// The same for a plan, about work of so many requests.
    pub(crate) fn claimed(
        shared: Arc<Shared>,
        host: Host,
        scope: Scope,
        claim: Claim,
        size: u32,
    ) -> Self {
        let session = Session::new(host.authority(), scope).claimed(claim, size);
        Self {
            shared,
            session: Arc::new(session),
            host: Arc::new(host),
        }
    }

    /// What was spent since the last call, by all clones of this session.
    pub fn take_usage(&self) -> Usage {
        self.session.take_usage()
    }

    /// The credentials that the session may use.
    pub fn credentials(&self) -> &[domain::CredentialId] {
        &self.session.scope.credentials
    }

    /// The same session among fewer credentials; what is spent is spent by both.
    #[must_use]
    pub fn among(&self, credentials: Vec<domain::CredentialId>) -> Self {
        Self {
            session: Arc::new(self.session.among(credentials)),
            ..self.clone()
        }
    }

    /// One page of a collection.
    pub async fn page(
        &self,
        kind: Kind,
        repository: &Repository,
        cursor: &Cursor,
    ) -> Result<Page, Error> {
        content::page(self, kind, repository, cursor).await
    }

    /// The repository's settings, topics included, in the host's words.
    pub async fn settings(&self, repository: &Repository) -> Result<Value, Error> {
        let name = &repository.name;
        let settings = self.one(&format!("repos/{name}"), "repos").await?;
        match settings.get("id").and_then(Value::as_i64) {
            Some(id) if id == repository.id => Ok(settings),
            // The name was given away and now belongs to another repository.
            _ => Err(Error::Moved {
                to: settings
                    .get("full_name")
                    .and_then(Value::as_str)
                    .unwrap_or("something else")
                    .to_owned(),
            }),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn authority(&self) -> Authority {
        Authority::of(Arc::clone(&self.session))
    }
}
