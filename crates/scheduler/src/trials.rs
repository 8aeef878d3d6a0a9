//! Tries the storages that somebody has asked about, and writes down what was found.

use backup::Storage;
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
            Ok(location) => Storage::probe(&location).await.map_err(Error::from),
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
