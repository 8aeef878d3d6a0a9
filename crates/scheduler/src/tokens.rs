//! How a credential's token comes about, whatever its kind: the one place that opens, mints and renews.
//!
//! A token of a person is opened. What a person has granted is opened, and renewed before it ends. An installation's token is
//! asked for in the application's name, narrowed to reading, and asked for again before it ends or when it is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{ApplicationId, CredentialId, CredentialKind, Health, Host, Secret, SecretId};
use forge::github::app;
use forge::oauth;
use futures_util::StreamExt;
use store::{Credential, Scoped, Source};
use tracing::{debug, error, info, warn};

use crate::engine::Engine;
use crate::members;

/// Tokens that end are renewed so long before: a request that leaves now must arrive with a token that still works.
const AHEAD: TimeDelta = TimeDelta::minutes(10);

/// A token that took the place of a refused one and is refused so soon after is not refused for its age.
const FRESH: TimeDelta = TimeDelta::minutes(1);

/// Tokens of credentials that no work has asked for within this time are left to end.
const WANTED_FOR: TimeDelta = TimeDelta::hours(2);

/// Tokens that are asked for at once.
const AT_ONCE: usize = 8;

/// A host that does not answer for this long is asked again later.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a credential is set aside whose token was changed in the database, or came from elsewhere.
const BROKEN: &str = "what is stored of its token cannot be opened";

/// A token at hand.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// What is sent; empty while there is none.
    pub(crate) value: Secret,
    /// When it ends, if it does.
    pub(crate) ends_at: Option<DateTime<Utc>>,
    /// When it was made, if it was made here.
    pub(crate) made_at: Option<DateTime<Utc>>,
    /// What the host said when it refused it.
    pub(crate) refused: Option<String>,
    /// Whether it was made because another one was refused.
    pub(crate) is_second: bool,
}

impl Token {
    fn lasting(value: Secret) -> Self {
        Self {
            value,
            ends_at: None,
            made_at: None,
            refused: None,
            is_second: false,
        }
    }

    /// None yet.
    pub(crate) fn missing() -> Self {
        Self::lasting(Secret::new(""))
    }

    /// Whether another one is to be had now.
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.value.expose().is_empty()
            || self.refused.is_some()
            || self.ends_at.is_some_and(|at| at - AHEAD <= now)
    }

    /// Whether it still works, as far as is known.
    fn works(&self, now: DateTime<Utc>) -> bool {
        !self.value.expose().is_empty()
            && self.refused.is_none()
            && self.ends_at.is_none_or(|at| now < at)
    }
}

/// Why there is no token.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Somebody has to do something: the host's words.
    Dead(String),
    /// The host does not accept the application's key.
    Key(String),
    /// It may be there later.
    Later(String),
}

impl From<store::Error> for Trouble {
    fn from(error: store::Error) -> Self {
        if matches!(error, store::Error::BrokenSeal) {
            Self::Dead(BROKEN.to_owned())
        } else {
            Self::Later(error.to_string())
        }
    }
}

/// Who is waiting for tokens, and who is fetching them.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    wanted: Mutex<BTreeMap<CredentialId, DateTime<Utc>>>,
    /// One at a time for each credential: a refresh token counts once.
    turns: Mutex<BTreeMap<CredentialId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Desk {
    fn wanted(&self) -> MutexGuard<'_, BTreeMap<CredentialId, DateTime<Utc>>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that work needs these tokens.
    pub(crate) fn want(&self, credentials: &[CredentialId], now: DateTime<Utc>) {
        self.wanted()
            .extend(credentials.iter().map(|credential| (*credential, now)));
    }

    fn still_wanted(&self, now: DateTime<Utc>) -> Vec<CredentialId> {
        let mut wanted = self.wanted();
        wanted.retain(|_, since| now - *since < WANTED_FOR);
        wanted.keys().copied().collect()
    }

    fn turn(&self, credential: CredentialId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(credential).or_default())
    }
}

/// Whether another token can be had when one is refused.
pub(crate) fn is_renewable(kind: CredentialKind) -> bool {
    match kind {
        CredentialKind::AccessToken => false,
        CredentialKind::Oauth | CredentialKind::AppInstallation => true,
    }
}

/// What is stored of a credential's token: all of it for a person's, none for an installation.
pub(crate) async fn open(
    engine: &Engine,
    scoped: &Scoped,
    credential: &Credential,
) -> Result<Token, store::Error> {
    match (credential.kind, &credential.source) {
        (CredentialKind::Oauth, Source::Entry { secret, .. }) => {
            let grant = scoped.open_grant(&engine.sealer, *secret).await?;
            Ok(Token {
                ends_at: grant.expires_at,
                ..Token::lasting(grant.access_token())
            })
        }
        (_, Source::Entry { secret, .. }) => {
            let token = scoped.open_secret(&engine.sealer, *secret).await?;
            Ok(Token::lasting(token))
        }
        (_, Source::Installation { .. }) => Ok(Token::missing()),
    }
}

/// Sees to it that these have tokens that work for a while. Answers what is in the way where it may be gone later.
pub(crate) async fn ensure(engine: &Engine, credentials: &[CredentialId]) -> Vec<String> {
    let now = engine.clock.now();
    let due: BTreeSet<CredentialId> = credentials
        .iter()
        .copied()
        .filter(|id| engine.members.needs_token(*id, |token| token.is_due(now)))
        .collect();
    futures_util::stream::iter(due)
        .map(async |id| renew(engine, id).await)
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await
}

/// The same for all that work has asked for lately.
pub(crate) async fn keep_fresh(engine: &Engine) {
    let wanted = engine.desk.still_wanted(engine.clock.now());
    ensure(engine, &wanted).await;
}

/// The host has refused a token: another one is had as soon as may be.
pub(crate) fn refused(engine: &Engine, credential: CredentialId, reason: &str) {
    engine.members.token_refused(credential, reason);
    engine.desk.want(&[credential], engine.clock.now());
    engine.rings.members.notify_one();
}

async fn renew(engine: &Engine, id: CredentialId) -> Option<String> {
    let turn = engine.desk.turn(id);
    let _turn = turn.lock().await;
    let now = engine.clock.now();
    // Whoever had the turn before may have done it.
    let (tenant, host, credential, token) = engine.members.token_of(id)?;
    if !token.is_due(now) || credential.health != Health::Healthy {
        return None;
    }
    let scoped = engine.db.tenant(tenant);
    // Refused a second time at once: it is not the token that is at fault.
    let is_again = token.is_second && token.made_at.is_some_and(|at| now - at < FRESH);
    let trouble = match &token.refused {
        Some(reason) if is_again => Trouble::Dead(reason.clone()),
        _ => {
            let asked = tokio::time::timeout(PATIENCE, obtain(engine, &scoped, &host, &credential));
            match asked.await {
                Ok(Ok(mut other)) => {
                    other.is_second = token.refused.is_some();
                    debug!(credential = %credential.name, "A credential has another token.");
                    engine.members.set_token(engine, id, other);
                    return None;
                }
                Ok(Err(trouble)) => trouble,
                Err(_elapsed) => Trouble::Later(format!("{host} did not answer in time.")),
            }
        }
    };
    match trouble {
        Trouble::Later(sentence) => {
            warn!(credential = %credential.name, sentence, "A token could not be had; it will be asked for again.");
            (!token.works(now)).then_some(sentence)
        }
        // As long as the last one works, nothing is lost.
        Trouble::Key(reason) if token.works(now) => {
            warn!(credential = %credential.name, reason, "The application's key is not accepted; its last token is used until it ends.");
            None
        }
        Trouble::Key(reason) | Trouble::Dead(reason) => {
            error!(credential = %credential.name, reason, "A credential has no token any more; it is set aside until somebody edits it or asks.");
            metrics::counter!("holdfast_credentials_died_total").increment(1);
            park(engine, &scoped, &credential, reason).await;
            None
        }
    }
}

async fn park(engine: &Engine, scoped: &Scoped, credential: &Credential, reason: String) {
    let version = credential.source.version();
    if let Err(error) = scoped
        .park_credential(credential.id, version, &reason)
        .await
    {
        warn!(%error, "That a credential is set aside could not be written down.");
    }
    engine.members.set_dead(engine, credential.id, reason);
}

/// Asks the host for a token, or renews one.
pub(crate) async fn obtain(
    engine: &Engine,
    scoped: &Scoped,
    host: &Host,
    credential: &Credential,
) -> Result<Token, Trouble> {
    match &credential.source {
        Source::Installation {
            application,
            number,
            ..
        } => {
            let number = number
                .ok_or_else(|| Trouble::Dead("The application was uninstalled".to_owned()))?;
            let known = credential.scopes.as_deref().unwrap_or_default();
            mint(engine, host, *application, number, known).await
        }
        Source::Entry {
            secret,
            version,
            application: Some(application),
            ..
        } if credential.kind == CredentialKind::Oauth => {
            refresh(engine, scoped, host, *application, (*secret, *version)).await
        }
        Source::Entry { .. } => Ok(open(engine, scoped, credential).await?),
    }
}

/// The keys of an application, for its own name and for OAuth.
pub(crate) async fn identify(
    engine: &Engine,
    application: ApplicationId,
) -> Result<(app::Identity, oauth::Client), Trouble> {
    let keys = engine
        .fleet
        .application_keys(&engine.sealer, application)
        .await?
        .ok_or_else(|| Trouble::Dead("The application is not registered any more".to_owned()))?;
    let client = oauth::Client {
        id: keys.client_id.clone(),
        secret: keys.client_secret,
    };
    let identity = app::Identity {
        // Every version of Enterprise Server knows the number.
        issuer: keys
            .app_id
            .map_or(keys.client_id, |number| number.to_string()),
        private_key: keys.private_key.unwrap_or_else(|| Secret::new("")),
    };
    Ok((identity, client))
}

/// Permissions as they are stored, narrowed to reading.
fn to_read(known: &[String]) -> BTreeMap<String, String> {
    known
        .iter()
        .filter_map(|one| one.split_once(':'))
        .map(|(name, _)| (name.to_owned(), "read".to_owned()))
        .collect()
}

/// A token for an installation, to read what its owner has agreed to.
pub(crate) async fn mint(
    engine: &Engine,
    host: &Host,
    application: ApplicationId,
    number: i64,
    known: &[String],
) -> Result<Token, Trouble> {
    let (identity, _) = identify(engine, application).await?;
    let app = engine.forge.app(host, &identity);
    let made = |minted: app::Minted| Token {
        ends_at: Some(minted.expires_at),
        made_at: Some(engine.clock.now()),
        ..Token::lasting(minted.token)
    };
    let error = match app.mint(number, &to_read(known)).await {
        Ok(minted) => return Ok(made(minted)),
        Err(error) => error,
    };
    if matches!(
        error,
        forge::Error::Transient { .. } | forge::Error::Throttled { .. } | forge::Error::Cancelled
    ) {
        return Err(Trouble::Later(error.to_string()));
    }
    // What is wrong shows when one looks at the installation itself.
    let found = match app.installation(number).await {
        Ok(found) => found,
        Err(forge::Error::NoCredential { detail }) => {
            let answer = Err(detail.clone());
            let noted = engine.fleet.application_answered(application, answer);
            if let Err(error) = noted.await {
                warn!(%error, "What the host said of an application could not be written down.");
            }
            return Err(Trouble::Key(detail));
        }
        Err(other) => return Err(Trouble::Later(other.to_string())),
    };
    let Some(found) = found else {
        return Err(Trouble::Dead("The application was uninstalled".to_owned()));
    };
    if let Some(by) = found.suspended_by {
        let by = if by.is_empty() {
            by
        } else {
            format!(" by {by}")
        };
        return Err(Trouble::Dead(format!(
            "This installation has been suspended{by}"
        )));
    }
    // Its owner has agreed to something else meanwhile.
    info!(
        installation = number,
        "An installation has other permissions than before."
    );
    match app.mint(number, &app::to_read(&found.permissions)).await {
        Ok(minted) => Ok(made(minted)),
        Err(error) => Err(Trouble::Later(error.to_string())),
    }
}

/// Renews what a person has granted. Another process may be faster: then its result counts.
async fn refresh(
    engine: &Engine,
    scoped: &Scoped,
    host: &Host,
    application: ApplicationId,
    (secret, version): (SecretId, i32),
) -> Result<Token, Trouble> {
    let granted = scoped.open_grant(&engine.sealer, secret).await?;
    let Some(refresh) = granted.refresh_token() else {
        return Err(Trouble::Dead(
            "What was granted has ended or was withdrawn: authorize again".to_owned(),
        ));
    };
    let (_, client) = identify(engine, application).await?;
    let token = |grant: &domain::Grant| Token {
        ends_at: grant.expires_at,
        made_at: Some(engine.clock.now()),
        ..Token::lasting(grant.access_token())
    };
    match engine.forge.oauth(host).renew(&client, &refresh).await {
        Ok(grant) => {
            let is_ours = scoped
                .renew_grant(&engine.sealer, secret, version, &grant)
                .await?;
            if !is_ours {
                let theirs = scoped.open_grant(&engine.sealer, secret).await?;
                return Ok(token(&theirs));
            }
            Ok(token(&grant))
        }
        Err(forge::Error::NoCredential { detail }) => {
            let present = scoped.open_grant(&engine.sealer, secret).await?;
            if present == granted {
                Err(Trouble::Dead(detail))
            } else {
                Ok(token(&present))
            }
        }
        Err(error) => Err(Trouble::Later(error.to_string())),
    }
}

/// Brings what the store says of credentials here, and then their tokens up to date.
pub(crate) async fn load(engine: &Engine) -> Result<(), crate::Error> {
    members::load(engine).await?;
    keep_fresh(engine).await;
    Ok(())
}
