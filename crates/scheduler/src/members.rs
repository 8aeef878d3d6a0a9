//! Keeps the pool of this process equal to the credentials in the store, and the store informed of what the pool learns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{
    BucketKey, CredentialId, Health, Host, OrganizationId, PlanId, Role, Secret, TenantId,
};
use forge::Member;
use futures_util::StreamExt;
use store::{Credential, Organization, Scoped};
use tracing::{debug, error, info, warn};

use crate::Error;
use crate::engine::Engine;

mod events;

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
    token: Secret,
}

impl Members {
    fn known(&self) -> MutexGuard<'_, BTreeMap<CredentialId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tenant that a credential belongs to.
    fn tenant_of(&self, credential: CredentialId) -> Option<TenantId> {
        self.known().get(&credential).map(|known| known.tenant)
    }

    /// Which of its tokens a credential is used with here.
    fn token_version(&self, credential: CredentialId) -> Option<i32> {
        self.known()
            .get(&credential)
            .map(|known| known.credential.secret_version)
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

    /// Whether all of these are in the pool.
    pub(crate) fn hold(&self, credentials: &[CredentialId]) -> bool {
        let known = self.known();
        credentials.iter().all(|id| known.contains_key(id))
    }
}

/// Brings the pool up to date with the store.
pub(crate) async fn load(engine: &Engine) -> Result<(), Error> {
    let _one_at_a_time = engine.members.loading.lock().await;
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
    // Another number is another value: it was replaced, and everybody who uses it has the new one from here on.
    let same_token = before.as_ref().filter(|known| {
        known.credential.secret == credential.secret
            && known.credential.secret_version == credential.secret_version
    });
    let token = match same_token {
        Some(known) => known.token.clone(),
        None => open(engine, scoped, &mut credential).await?,
    };
    let is_new = before.is_none();
    let changed = before.is_none_or(|known| {
        known.token != token
            || known.credential.bucket != credential.bucket
            || known.credential.reserve_percent != credential.reserve_percent
            || known.credential.name != credential.name
            || known.credential.health != credential.health
    });
    if changed {
        engine.pool.insert(Member {
            id,
            name: credential.name.to_string(),
            bucket: credential.bucket.clone(),
            token: token.clone(),
            reserve_percent: credential.reserve_percent,
            health: credential.health.clone(),
        });
        debug!(credential = %credential.name, organization = %organization.name, "A credential of the pool is new or has changed.");
    }
    if is_new {
        for (credential, repository, sees) in scoped.access(organization.id).await? {
            if credential == id {
                engine.pool.learn_access(credential, repository, sees);
            }
        }
    }
    engine.members.known().insert(
        id,
        Known {
            tenant: scoped.tenant_id(),
            organization: organization.id,
            host: organization.host.clone(),
            credential,
            token,
        },
    );
    Ok(())
}

/// The token of a credential. One that cannot be opened sets its credential aside, and nobody else's.
async fn open(
    engine: &Engine,
    scoped: &Scoped,
    credential: &mut Credential,
) -> Result<Secret, Error> {
    match scoped.open_secret(&engine.sealer, credential.secret).await {
        Err(store::Error::BrokenSeal) => {
            error!(credential = %credential.id, "What is stored of a credential's token cannot be opened; it is set aside.");
            let (id, version) = (credential.id, credential.secret_version);
            scoped.park_credential(id, version, BROKEN).await?;
            credential.health = Health::Dead {
                reason: BROKEN.to_owned(),
            };
            Ok(Secret::new(""))
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
