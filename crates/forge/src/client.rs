//! A session with one host, through one pool.

use std::fmt;
use std::sync::Arc;

use domain::{CredentialId, ForgeKind, Host, Kind};
use serde_json::Value;

use crate::content::{self, Collection, Cursor, Page};
use crate::forge::Shared;
use crate::gate::Authority;
use crate::identity::Account;
use crate::pool::{Claim, Session};
use crate::{Error, Scope, Usage};
use crate::{Listing, Repository};

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
    pub fn credentials(&self) -> &[CredentialId] {
        &self.session.scope.credentials
    }

    /// The same session among fewer credentials; what is spent is spent by both.
    #[must_use]
    pub fn among(&self, credentials: Vec<CredentialId>) -> Self {
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

    /// How the host gives a kind of data; nothing for kinds that are not lists there.
    pub fn collection(&self, kind: Kind) -> Option<&'static Collection> {
        content::collection(self.host.kind(), kind)
    }

    /// One page of an account's repositories, in the order of their making.
    pub async fn repositories(
        &self,
        account: &Account,
        after: Option<&str>,
    ) -> Result<Listing, Error> {
        match self.host.kind() {
            ForgeKind::GitHub => self.github_repositories(&account.login, after).await,
            ForgeKind::GitLab => self.gitlab_projects(account, after).await,
        }
    }

    /// The repository's settings, topics included, in the host's words.
    pub async fn settings(&self, repository: &Repository) -> Result<Value, Error> {
        let (path, endpoint) = match self.host.kind() {
            ForgeKind::GitHub => (format!("repos/{}", repository.name), "repos"),
            ForgeKind::GitLab => (
                format!("projects/{}?license=true", repository.id),
                "projects/:id",
            ),
        };
        let settings = self.one(&path, endpoint).await?;
        match settings.get("id").and_then(Value::as_i64) {
            Some(id) if id == repository.id => Ok(settings),
            // The name was given away and now belongs to another repository.
            _ => Err(Error::Moved {
                to: self
                    .name_in(&settings)
                    .unwrap_or("something else")
                    .to_owned(),
            }),
        }
    }

    /// The full name that a repository's settings tell.
    pub fn name_in<'a>(&self, settings: &'a Value) -> Option<&'a str> {
        let field = match self.host.kind() {
            ForgeKind::GitHub => "full_name",
            ForgeKind::GitLab => "path_with_namespace",
        };
        settings.get(field)?.as_str()
    }

    /// A credential that was blind to a repository sees it now.
    pub(crate) fn see(&self, credential: CredentialId, repositories: &[Repository]) {
        let pool = &self.shared.pool;
        for repository in repositories {
            if pool.access(credential, repository.id) == Some(false) {
                pool.discover_access(credential, repository.id, true);
            }
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The host that is spoken to.
    pub fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn authority(&self) -> Authority {
        Authority::of(Arc::clone(&self.session))
    }
}
