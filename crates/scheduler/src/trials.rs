//! Tries the storages that somebody has asked about, and writes down what was found.

use backup::{Location, Storage};
use domain::TenantId;
use tracing::info;

use crate::Error;
use crate::engine::Engine;
use crate::storages::locate_storage;
use crate::task::sentence;

/// One round. Two workers may try the same storage, which does no harm.
pub(crate) async fn round(engine: &Engine) -> Result<(), Error> {
    for (tenant, storage) in engine.fleet.storages_to_check().await? {
        let scoped = engine.db.tenant(tenant);
        let tried = match locate_storage(&scoped, &engine.sealer, storage).await {
            Ok(location) => {
                let make = is_given(&location, tenant);
                Storage::probe(&location, make).await.map_err(Error::from)
            }
            Err(error) => Err(error),
        };
        // While the database is away nothing was found out.
        let cause = match tried {
            Ok(()) => None,
            Err(error @ Error::Store(_)) => return Err(error),
            Err(error) => Some(sentence(&error)),
        };
        info!(%storage, cause, "A storage was tried.");
        engine
            .fleet
            .storage_checked(tenant, storage, cause.as_deref())
            .await?;
    }
    Ok(())
}

/// Whether a folder is one that the console gives a tenant below a root of this server, and the root is there. Only such a folder is
/// made; one that somebody named must be there already.
fn is_given(location: &Location, tenant: TenantId) -> bool {
    let Location::Local { path } = location else {
        return false;
    };
    let Some(tenants) = path.parent() else {
        return false;
    };
    let is_tenants = tenants
        .file_name()
        .is_some_and(|name| name.to_str() == Some(&tenant.to_string()));
    is_tenants && tenants.parent().is_some_and(std::path::Path::is_dir)
}
