//! Keeps the pool of this process equal to the credentials in the store, and the store informed of what the pool learns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{
    BucketKey, CredentialId, CredentialKind, Health, Host, OrganizationId, PlanId, Role, TenantId,
};
use forge::{Member, Terms};
use futures_util::StreamExt;
use store::{Credential, Organization, Scoped, Source};
use tracing::{debug, error, info, warn};

use crate::Error;
use crate::engine::Engine;
use crate::tokens::{self, Token};

mod events;
mod trust;

pub(crate) use events::run as run_events;

/// Hosts are asked for the state of at most this many buckets at once.
const REFRESHES_AT_ONCE: usize = 8;

/// A host that does not answer for this long is asked again when a fetch needs it.
const REFRESH_PATIENCE: Duration = Duration::from_secs(15);

/// Why a credential is set aside whose token was changed in the database, or came from elsewhere.
const BROKEN: &str = "what is stored of its token cannot be opened";

/// What this process knows of the credentials in its pool.
#[derive(Debug, Default)]
pub(crate) struct Members {
    known: Mutex<BTreeMap<CredentialId, Known>>,
    refreshed: Mutex<BTreeSet<BucketKey>>,
    loading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Known {
    tenant: TenantId,
    organization: OrganizationId,
    host: Host,
    credential: Credential,
    token: Token,
}

impl Known {
    fn member(&self) -> Member {
        let credential = &self.credential;
        Member {
            id: credential.id,
            name: credential.name.to_string(),
            bucket: credential.bucket.clone(),
            token: self.token.value.clone(),
            reserve_percent: credential.reserve_percent,
            health: credential.health.clone(),
            renewable: tokens::is_renewable(credential.kind),
        }
    }
}

impl Members {
    fn known(&self) -> MutexGuard<'_, BTreeMap<CredentialId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tenant that a credential belongs to.
    fn tenant_of(&self, credential: CredentialId) -> Option<TenantId> {
        self.known().get(&credential).map(|known| known.tenant)
    }

    /// Whom the host charges for a credential, and what it is called.
    pub(crate) fn bucket_of(&self, credential: CredentialId) -> Option<(BucketKey, String)> {
        let known = self.known();
        let credential = &known.get(&credential)?.credential;
        Some((credential.bucket.clone(), credential.title()))
    }

    /// Which of its tokens a credential is used with here.
    fn token_version(&self, credential: CredentialId) -> Option<i32> {
        self.known()
            .get(&credential)
            .map(|known| known.credential.source.version())
    }

    /// Whether a credential that is used here needs another token.
    pub(crate) fn needs_token(&self, id: CredentialId, is_due: impl Fn(&Token) -> bool) -> bool {
        self.known().get(&id).is_some_and(|known| {
            tokens::is_renewable(known.credential.kind)
                && known.credential.health == Health::Healthy
                && is_due(&known.token)
        })
    }

    /// A credential with its token, its host and its tenant.
    pub(crate) fn token_of(&self, id: CredentialId) -> Option<(TenantId, Host, Credential, Token)> {
        let known = self.known();
        let known = known.get(&id)?;
        Some((
            known.tenant,
            known.host.clone(),
            known.credential.clone(),
            known.token.clone(),
        ))
    }

    /// Notes that the host has refused a credential's token.
    pub(crate) fn token_refused(&self, id: CredentialId, reason: &str) {
        if let Some(known) = self.known().get_mut(&id) {
            known.token.refused = Some(reason.to_owned());
        }
    }

    /// Puts another token into the pool.
    pub(crate) fn set_token(&self, engine: &Engine, id: CredentialId, token: Token) {
        if let Some(known) = self.known().get_mut(&id) {
            known.token = token;
            engine.pool.insert(known.member());
        }
    }

    /// Sets a credential aside.
    pub(crate) fn set_dead(&self, engine: &Engine, id: CredentialId, reason: String) {
        if let Some(known) = self.known().get_mut(&id) {
            known.credential.health = Health::Dead { reason };
            engine.pool.insert(known.member());
        }
    }

    /// Those of a pool that can serve an account: what is installed on another one only gets in the way.
    pub(crate) fn serving(&self, pool: &[CredentialId], account: &str) -> Vec<CredentialId> {
        let known = self.known();
        let serves = |id: &&CredentialId| {
            known.get(*id).is_none_or(|known| {
                known.credential.kind != CredentialKind::AppInstallation
                    || known.credential.login.eq_ignore_ascii_case(account)
            })
        };
        pool.iter().filter(serves).copied().collect()
    }

    /// One healthy credential for each bucket of these whose host was not asked yet; they count as asked from here on.
    fn unasked(&self, credentials: &[CredentialId]) -> Vec<(Host, BucketKey, CredentialId)> {
        let known = self.known();
        let mut refreshed = self
            .refreshed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        credentials
            .iter()
            .filter_map(|id| known.get(id).map(|known| (id, known)))
            .filter(|(_, known)| known.credential.health == Health::Healthy)
            .filter(|(_, known)| refreshed.insert(known.credential.bucket.clone()))
            .map(|(id, known)| (known.host.clone(), known.credential.bucket.clone(), *id))
            .collect()
    }

    /// Those of a pool with which its organization was registered.
    pub(crate) fn main_of(&self, pool: &[CredentialId]) -> Vec<CredentialId> {
        let known = self.known();
        let is_main = |id: &&CredentialId| {
            known
                .get(*id)
                .is_some_and(|known| known.credential.role == Role::Main)
        };
        pool.iter().filter(is_main).copied().collect()
    }

    /// Whether at least one of these is healthy and has a token.
    fn can_work(&self, credentials: &[CredentialId]) -> bool {
        let known = self.known();
        credentials.iter().any(|id| {
            known.get(id).is_some_and(|known| {
                known.credential.health == Health::Healthy && !known.token.value.expose().is_empty()
            })
        })
    }

    /// Whether all of these are in the pool.
    pub(crate) fn hold(&self, credentials: &[CredentialId]) -> bool {
        let known = self.known();
        credentials.iter().all(|id| known.contains_key(id))
    }
}

/// Brings the pool up to date with the store.
pub(crate) async fn load(engine: &Engine) -> Result<(), Error> {
    let _one_at_a_time = engine.members.loading.lock().await;
    trust::load(engine).await?;
    let mut present = BTreeSet::new();
    for tenant in engine.fleet.tenants().await? {
        let scoped = engine.db.tenant(tenant.id);
        for organization in scoped.organizations().await? {
            for credential in scoped.credentials(organization.id).await? {
                present.insert(credential.id);
                place(engine, &scoped, &organization, credential).await?;
            }
        }
    }
    drop_absent(engine, &present);
    Ok(())
}

/// The credentials that a plan may use, all of them in the pool.
///
/// The host is asked once for the state of each of their buckets: what the store knows may be older than the last requests
/// of a process that was killed. A credential that no plan uses is not even asked about.
pub(crate) async fn pool_of(
    engine: &Engine,
    tenant: TenantId,
    plan: PlanId,
) -> Result<Vec<CredentialId>, Error> {
    let credentials = engine.db.tenant(tenant).pool_of(plan).await?;
    if !engine.members.hold(&credentials) {
        load(engine).await?;
    }
    engine.desk.want(&credentials, engine.clock.now());
    let troubles = tokens::ensure(engine, &credentials).await;
    if let (Some(detail), false) = (troubles.first(), engine.members.can_work(&credentials)) {
        return Err(forge::Error::Transient {
            detail: detail.clone(),
        }
        .into());
    }
    futures_util::stream::iter(engine.members.unasked(&credentials))
        .for_each_concurrent(REFRESHES_AT_ONCE, async |(host, bucket, credential)| {
            refresh(engine, &host, &bucket, credential).await;
        })
        .await;
    Ok(credentials)
}

/// Puts one credential into the pool if anything about it is new.
async fn place(
    engine: &Engine,
    scoped: &Scoped,
    organization: &Organization,
    mut credential: Credential,
) -> Result<(), Error> {
    let id = credential.id;
    let before = engine.members.known().get(&id).cloned();
    // Another number is another value: it was replaced, and everybody who uses it has the new one from here on. A token that was
    // asked for with a key outlives the key.
    let same_token = before
        .as_ref()
        .filter(|known| is_same(&known.credential.source, &credential.source))
        // Whoever was set aside and is used again begins anew.
        .filter(|known| {
            credential.health != Health::Healthy || known.credential.health == Health::Healthy
        });
    let token = match same_token {
        Some(known) => known.token.clone(),
        None => open(engine, scoped, &mut credential).await?,
    };
    let is_new = before.is_none();
    let changed = before.is_none_or(|known| {
        known.token.value != token.value
            || known.credential.bucket != credential.bucket
            || known.credential.reserve_percent != credential.reserve_percent
            || known.credential.name != credential.name
            || known.credential.health != credential.health
    });
    let known = Known {
        tenant: scoped.tenant_id(),
        organization: organization.id,
        host: organization.host.clone(),
        credential,
        token,
    };
    if changed {
        let terms = Terms::of(&known.host);
        engine.pool.agree(&known.credential.bucket, terms);
        engine.pool.insert(known.member());
        debug!(credential = %known.credential.name, organization = %organization.name, "A credential of the pool is new or has changed.");
    }
    if is_new {
        for (credential, repository, sees) in scoped.access(organization.id).await? {
            if credential == id {
                engine.pool.learn_access(credential, repository, sees);
            }
        }
    }
    engine.members.known().insert(id, known);
    Ok(())
}

/// Whether a token that was had of one source is a token of the other.
fn is_same(one: &Source, other: &Source) -> bool {
    match (one, other) {
        (
            Source::Installation {
                application,
                number,
                ..
            },
            Source::Installation {
                application: other_application,
                number: other_number,
                ..
            },
        ) => application == other_application && number == other_number,
        (
            Source::Entry { secret, .. },
            Source::Entry {
                secret: other_secret,
                ..
            },
        ) => secret == other_secret && one.version() == other.version(),
        _ => false,
    }
}

/// What is stored of a credential's token. One that cannot be opened sets its credential aside, and nobody else's.
async fn open(
    engine: &Engine,
    scoped: &Scoped,
    credential: &mut Credential,
) -> Result<Token, Error> {
    match tokens::open(engine, scoped, credential).await {
        Err(store::Error::BrokenSeal) => {
            error!(credential = %credential.id, "What is stored of a credential's token cannot be opened; it is set aside.");
            let version = credential.source.version();
            scoped
                .park_credential(credential.id, version, BROKEN)
                .await?;
            credential.health = Health::Dead {
                reason: BROKEN.to_owned(),
            };
            Ok(Token::missing())
        }
        opened => Ok(opened?),
    }
}

/// Takes out of the pool what the store does not know any more.
fn drop_absent(engine: &Engine, present: &BTreeSet<CredentialId>) {
    let mut known = engine.members.known();
    known.retain(|id, member| {
        let stays = present.contains(id);
        if !stays {
            engine.pool.remove(*id);
            info!(credential = %member.credential.name, organization = %member.organization, "A credential was removed from the pool.");
        }
        stays
    });
}

/// Asks the host for a bucket's state, which is free; not while the host has asked it to slow down.
async fn refresh(engine: &Engine, host: &Host, bucket: &BucketKey, credential: CredentialId) {
    let now = engine.clock.now();
    let backing_off =
        engine.pool.buckets().iter().any(|state| {
            state.key == *bucket && state.backoff_until.is_some_and(|until| until > now)
        });
    if backing_off {
        return;
    }
    match tokio::time::timeout(REFRESH_PATIENCE, engine.forge.refresh(host, credential)).await {
        Ok(Ok(())) => debug!(%bucket, "The host told what a quota bucket has left."),
        Ok(Err(error)) => {
            warn!(%bucket, %error, "The host did not tell what a quota bucket has left; its answers will.");
        }
        Err(_elapsed) => {
            warn!(%bucket, "The host did not tell in time what a quota bucket has left; its answers will.");
        }
    }
}
