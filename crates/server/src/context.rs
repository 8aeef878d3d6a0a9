//! What every command works with.

use std::path::PathBuf;

use domain::{Clock, Name, OrganizationId, StorageId};
use forge::{Forge, Pool, PrivateAuthority, Sharing};
use store::{Actor, Db, Fleet, Scoped, Sealer, Tenant};

use crate::app;
use crate::config::Config;
use crate::error::Error;
use crate::output::Output;

/// The settings, the clock, and the way to the database, opened when a command first needs it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) output: Output,
    pub(crate) clock: Clock,
    tenant: Option<String>,
}

impl Context {
    pub(crate) fn new(config: Config, output: Output, tenant: Option<String>) -> Self {
        Self {
            tenant: tenant.or_else(|| config.tenant.clone()),
            config,
            output,
            clock: Clock::system(),
        }
    }

    /// The database.
    pub(crate) async fn db(&self) -> Result<Db, Error> {
        let url = self.config.database_url()?;
        Ok(Db::connect(url.expose(), self.clock.clone()).await?)
    }

    /// What belongs to the tenant that the command acts for.
    pub(crate) async fn scoped(&self) -> Result<Scoped, Error> {
        let db = self.db().await?;
        let tenant = self.tenant_of(&db.fleet()).await?;
        Ok(db.tenant(tenant.id).acting(Actor::command_line()))
    }

    /// All of them. It is the first question to a database, which may not have been set up yet.
    pub(crate) async fn tenants(&self, fleet: &Fleet) -> Result<Vec<Tenant>, Error> {
        fleet.tenants().await.map_err(|error| match error {
            store::Error::Database(_) => Error::Failed(
                "The database does not have the schema of this version: run holdfast migrate, or start holdfast serve."
                    .into(),
            ),
            other => other.into(),
        })
    }

    /// The one that was named, or the only one there is.
    async fn tenant_of(&self, fleet: &Fleet) -> Result<Tenant, Error> {
        let mut tenants = self.tenants(fleet).await?;
        let position = match &self.tenant {
            Some(wanted) => tenants
                .iter()
                .position(|tenant| tenant.name.as_str() == wanted)
                .ok_or_else(|| {
                    Error::unknown(
                        "tenant",
                        wanted,
                        tenants.iter().map(|one| one.name.as_str()),
                    )
                })?,
            None if tenants.len() == 1 => 0,
            None if tenants.is_empty() => {
                return Err(Error::input(
                    "There is no tenant yet: add one with holdfast tenant add NAME.",
                ));
            }
            None => {
                let names: Vec<&str> = tenants.iter().map(|one| one.name.as_str()).collect();
                return Err(Error::input(format!(
                    "There are several tenants ({}): name one with --tenant, or in HOLDFAST_TENANT.",
                    names.join(", ")
                )));
            }
        };
        Ok(tenants.swap_remove(position))
    }

    /// What seals and opens secrets.
    pub(crate) fn sealer(&self) -> Result<Sealer, Error> {
        app::sealer(&self.config)
    }

    /// An organization's repository in a storage, opened with its keys.
    pub(crate) async fn open_storage(
        &self,
        scoped: &Scoped,
        organization: OrganizationId,
        storage: StorageId,
    ) -> Result<backup::Storage, Error> {
        let sealer = self.sealer()?;
        let data = &self.config.data;
        Ok(scheduler::open_storage(scoped, &sealer, organization, storage, data).await?)
    }

    /// Speaks to hosts on behalf of the person at the terminal, who has named the token to use.
    pub(crate) async fn forge(&self) -> Result<Forge, Error> {
        let pool = Pool::new(self.clock.clone(), Sharing::Alone);
        let forge = Forge::new(pool, self.clock.clone(), forge::Options::default())?;
        let stored = self.db().await?.fleet().certificate_authorities().await?;
        let authorities = stored
            .into_iter()
            // No git is started from here, so nothing reads a file.
            .map(|(host, pem)| {
                (
                    host,
                    PrivateAuthority {
                        pem,
                        file: PathBuf::new(),
                    },
                )
            })
            .collect();
        match forge.trust(&authorities).into_iter().next() {
            Some((host, error)) => Err(Error::Failed(format!(
                "{error} It was given for {host}, in the console under Applications."
            ))),
            None => Ok(forge),
        }
    }
}

/// A name that nothing else of its kind has yet.
pub(crate) fn new_name<'a>(
    what: &str,
    name: &str,
    taken: impl IntoIterator<Item = &'a str>,
) -> Result<Name, Error> {
    let name: Name = name.parse()?;
    if taken.into_iter().any(|known| known == name.as_str()) {
        return Err(Error::input(format!(
            "The name \"{name}\" is taken already, by another {what}: choose another name."
        )));
    }
    Ok(name)
}
