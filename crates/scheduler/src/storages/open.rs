//! Finds where a storage repository is and what opens it, and makes it at its first use.

use std::path::{Path, PathBuf};

use backup::{Keys, Location, Storage};
use domain::{OrganizationId, Place, Secret, StorageId};
use store::{Db, Scoped, Sealer, StorageRepository};
use tracing::info;
use uuid::Uuid;

use super::Site;
use crate::Error;

/// Opens the storage repository of an organization, for reading and checking.
pub async fn open_storage(
    scoped: &Scoped,
    sealer: &Sealer,
    organization: OrganizationId,
    storage: StorageId,
    data: &Path,
) -> Result<Storage, Error> {
    let row = find(scoped, storage).await?;
    let repository = scoped
        .storage_repository(organization, storage)
        .await?
        .ok_or_else(|| Error::NothingStored {
            storage: row.name.to_string(),
        })?;
    let location = locate(scoped, sealer, &row).await?;
    open(scoped, sealer, &location, &repository, &data.join("cache")).await
}

/// Where a storage is, with what opens it.
pub(crate) async fn locate_storage(
    scoped: &Scoped,
    sealer: &Sealer,
    storage: StorageId,
) -> Result<Location, Error> {
    let row = find(scoped, storage).await?;
    locate(scoped, sealer, &row).await
}

/// Opens a storage repository; makes it if it was never used.
pub(super) async fn for_writing(
    db: &Db,
    sealer: &Sealer,
    site: Site,
    cache: &Path,
) -> Result<Storage, Error> {
    let scoped = db.tenant(site.tenant);
    let row = find(&scoped, site.storage).await?;
    let location = locate(&scoped, sealer, &row).await?;
    let found = scoped
        .storage_repository(site.organization, site.storage)
        .await?;
    let repository = match found {
        Some(repository) => repository,
        None => create(&scoped, sealer, site, &location).await?,
    };
    open(&scoped, sealer, &location, &repository, cache).await
}

/// Makes the repository under a name that was never used, so that a half-made one, left by a crash, is in nobody's way. Of two workers
/// that make one at the same time, both use the one that was entered first.
async fn create(
    scoped: &Scoped,
    sealer: &Sealer,
    site: Site,
    location: &Location,
) -> Result<StorageRepository, Error> {
    let organization =
        scoped
            .organization(site.organization)
            .await?
            .ok_or(store::Error::Missing {
                what: "organization",
            })?;
    let unique = Uuid::now_v7().simple().to_string();
    let tail = unique
        .get(unique.len().saturating_sub(8)..)
        .unwrap_or_default();
    let prefix = format!("{}-{tail}", organization.name);
    let keys = Storage::create(location, &prefix).await?;
    info!(prefix, organization = %organization.name, "A storage repository was made.");
    let added = scoped
        .add_storage_repository(
            sealer,
            site.organization,
            site.storage,
            &prefix,
            &keys.password,
            &keys.master,
        )
        .await;
    match added {
        Err(store::Error::NameTaken { .. }) => scoped
            .storage_repository(site.organization, site.storage)
            .await?
            .ok_or_else(|| {
                store::Error::Missing {
                    what: "storage repository",
                }
                .into()
            }),
        added => Ok(added?),
    }
}

async fn open(
    scoped: &Scoped,
    sealer: &Sealer,
    location: &Location,
    repository: &StorageRepository,
    cache: &Path,
) -> Result<Storage, Error> {
    let keys = Keys {
        password: scoped.open_secret(sealer, repository.password).await?,
        master: scoped.open_secret(sealer, repository.master).await?,
    };
    scoped
        .note_secrets_used(&[repository.password, repository.master])
        .await?;
    let cache: PathBuf = cache.join(&repository.prefix);
    Ok(Storage::open(location, &repository.prefix, &keys, Some(cache)).await?)
}

async fn find(scoped: &Scoped, storage: StorageId) -> Result<store::Storage, Error> {
    Ok(scoped
        .storage(storage)
        .await?
        .ok_or(store::Error::Missing { what: "storage" })?)
}

/// The storage's address, together with its secret if it has one.
async fn locate(scoped: &Scoped, sealer: &Sealer, row: &store::Storage) -> Result<Location, Error> {
    let failed = |detail: String| Error::Place {
        storage: row.name.to_string(),
        detail,
    };
    let place: Place = serde_json::from_value(row.location.clone())
        .map_err(|error| failed(format!("its address is not understood: {error}.")))?;
    let secret = match row.secret {
        Some(secret) => {
            let opened = scoped.open_secret(sealer, secret).await?;
            scoped.note_secrets_used(&[secret]).await?;
            Some(opened)
        }
        None => None,
    };
    located(place, secret).ok_or_else(|| failed("its secret access key is missing.".to_owned()))
}

/// The address with its secret, as the storage engine wants it; nothing if a secret is needed and missing.
fn located(place: Place, secret: Option<Secret>) -> Option<Location> {
    match place {
        Place::Local { path } => Some(Location::Local { path }),
        Place::S3 {
            endpoint,
            region,
            bucket,
            prefix,
            access_key_id,
            allow_http,
        } => Some(Location::S3 {
            endpoint,
            region,
            bucket,
            prefix,
            access_key_id,
            secret_access_key: secret?,
            allow_http,
        }),
    }
}
