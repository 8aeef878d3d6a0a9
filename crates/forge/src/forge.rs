//! The way in: one HTTP client and one pool for all hosts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, CredentialId, Host, Secret};
use tokio_util::sync::CancellationToken;

use crate::gate::trust::{PrivateAuthority, Trust};
use crate::gate::{Authority, Gate};
use crate::github;
use crate::gitlab::{self, Rotated};
use crate::identity::{self, Account, Budgets, Memberships, Owner};
use crate::oauth;
use crate::pool::{Claim, Session};
use crate::{Client, Error, Pool};

/// Time-outs and names of the HTTP client.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a whole answer may take; of a download, its head.
    pub request_timeout: Duration,
    /// How long a download may stand still.
    pub idle_timeout: Duration,
    /// How this program names itself.
    pub user_agent: String,
    /// Items a page, at most 100.
    pub page_size: u8,
    /// The first pause before a request is repeated; it doubles each time.
    pub retry_pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_mins(1),
            user_agent: concat!("holdfast/", env!("CARGO_PKG_VERSION")).to_owned(),
            page_size: 100,
            retry_pause: Duration::from_millis(500),
        }
    }
}

/// For whom a session works, and how far it may go.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The credentials that may be used.
    pub credentials: Vec<CredentialId>,
    /// The repository that the session is about, by the host's number: access is learnt for it.
    pub repository: Option<i64>,
    /// How long a request may wait for quota before it is answered with [`Error::Throttled`].
    pub patience: Duration,
    /// Ends every request of the session.
    pub cancel: CancellationToken,
}

/// Speaks to hosts through a pool. Clones share the pool and the connections.
#[derive(Clone)]
pub struct Forge {
    shared: Arc<Shared>,
}

/// What every session needs.
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    pub(crate) octocrab: octocrab::Octocrab,
    pub(crate) trust: Trust,
}

impl fmt::Debug for Forge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forge")
            .field("pool", &self.shared.pool)
            .finish_non_exhaustive()
    }
}

impl Forge {
    /// Makes the HTTP client. Must be called within a tokio runtime, which carries the client's buffer.
    pub fn new(pool: Pool, clock: Clock, options: Options) -> Result<Self, Error> {
        let trust = Trust::default();
        let gate = Gate::new(pool.clone(), clock.clone(), &options, trust.clone())?;
        let Ok(octocrab) = octocrab::OctocrabBuilder::new_empty()
            .with_service(gate)
            .with_auth(octocrab::AuthState::None)
            .build();
        Ok(Self {
            shared: Arc::new(Shared {
                pool,
                clock,
                options,
                octocrab,
                trust,
            }),
        })
    }

    /// Who is behind a token, for adding it. Not through the pool, and not repeated more than once.
    ///
    /// [`Error::Transient`]: the host cannot be reached. [`Error::Protocol`]: it is not the API of such a host.
    /// [`Error::NoCredential`]: it does not know the token. [`Error::Denied`]: it knows it and forbids its use.
    pub async fn owner(&self, host: &Host, token: &Secret) -> Result<Owner, Error> {
        identity::owner(&self.shared, host, token).await
    }

    /// The organizations that a token's user is a member of; nothing if the token may not ask.
    pub async fn memberships(
        &self,
        host: &Host,
        token: &Secret,
    ) -> Result<Option<Memberships>, Error> {
        identity::memberships(&self.shared, host, token).await
    }

    /// A user's role in a group of a GitLab, by their numbers, as a token sees it; 0 for no member.
    pub async fn role(
        &self,
        host: &Host,
        token: &Secret,
        group: i64,
        user: i64,
    ) -> Result<u64, Error> {
        gitlab::role(&self.shared, host, token, (group, user)).await
    }

    /// Gives a token of a GitLab another value, which ends this one. Whoever asks keeps the answer at all costs.
    pub async fn rotate(&self, host: &Host, token: &Secret) -> Result<Rotated, Error> {
        gitlab::rotate(&self.shared, host, token).await
    }

    /// What a token's bucket has left, which is free of charge.
    pub async fn budgets(&self, host: &Host, token: &Secret) -> Result<Budgets, Error> {
        identity::budgets(&self.shared, host, Authority::Token(token.clone())).await
    }

    /// Looks an account up by name; nothing if there is none.
    pub async fn account(
        &self,
        host: &Host,
        token: &Secret,
        login: &str,
    ) -> Result<Option<Account>, Error> {
        identity::account(&self.shared, host, token, login).await
    }

    /// Trusts these private authorities, by [`Host::authority`], each for its own host and no other. Answers the hosts whose
    /// authority cannot be understood.
    pub fn trust(&self, authorities: &BTreeMap<String, PrivateAuthority>) -> Vec<(String, Error)> {
        self.shared.trust.set(&self.shared.options, authorities)
    }

    /// What asks a host in an application's name.
    pub fn app<'a>(
        &'a self,
        host: &'a Host,
        identity: &'a github::app::Identity,
    ) -> github::app::App<'a> {
        github::app::App::new(&self.shared, host, identity)
    }

    /// What fetches and renews what people grant to applications.
    pub fn oauth<'a>(&'a self, host: &'a Host) -> oauth::Oauth<'a> {
        oauth::Oauth::new(&self.shared, host)
    }

    /// Begins a session with a host, for nobody in particular.
    pub fn session(&self, host: &Host, scope: Scope) -> Client {
        Client::new(Arc::clone(&self.shared), host.clone(), scope)
    }

    /// Begins a session with a host for a plan, about work of so many requests as far as is known: between those who wait,
    /// the plan's claim decides, and within a plan the larger work goes first.
    pub fn session_for(&self, host: &Host, scope: Scope, claim: Claim, size: u32) -> Client {
        Client::claimed(Arc::clone(&self.shared), host.clone(), scope, claim, size)
    }

    /// Asks the host what a credential's bucket has left, which is free of charge. [`Error::Throttled`] while the bucket
    /// backs off.
    pub async fn refresh(&self, host: &Host, credential: CredentialId) -> Result<(), Error> {
        let scope = Scope {
            credentials: vec![credential],
            repository: None,
            patience: Duration::ZERO,
            cancel: CancellationToken::new(),
        };
        let authority = Authority::of(Arc::new(Session::new(host.authority(), scope)));
        let Budgets {
            readings,
            uncounted,
            ..
        } = identity::budgets(&self.shared, host, authority).await?;
        if let Some((_, key)) = self.shared.pool.member(credential) {
            self.shared.pool.learn(&key, &readings, uncounted);
        }
        Ok(())
    }
}
