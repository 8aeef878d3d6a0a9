//! Changes to Apps and where they are installed.

use super::Workshop;
use crate::apps::life;
use crate::control::{Mutated, Mutation};
use crate::error::Error;
use crate::lock::lock;
use crate::quota::Quota;

impl Workshop<'_> {
    pub(super) fn change_apps(&mut self, mutation: &Mutation) -> Result<Mutated, Error> {
        let now = self.now;
        match mutation {
            Mutation::RenameAccount { login, to } => {
                let id = self.account_id(login)?;
                if let Some(account) = self.world.accounts.get_mut(&id) {
                    to.clone_into(&mut account.login);
                    account.updated_at = now;
                }
                life::tell_renamed(self.world, id, login, now);
                Ok(Mutated::id(id))
            }
            Mutation::Install {
                app,
                account,
                repositories,
                sender,
            } => {
                let app_id = self.app_id(app)?;
                let account_id = self.account_id(account)?;
                let sender_id = match sender {
                    Some(sender) => self.account_id(sender)?,
                    None => account_id,
                };
                let selected = match repositories {
                    None => None,
                    Some(names) => Some(
                        names
                            .iter()
                            .map(|name| Ok(self.repository(&format!("{account}/{name}"))?.id))
                            .collect::<Result<_, Error>>()?,
                    ),
                };
                let id = life::install(self.world, app_id, account_id, selected, sender_id, now);
                Ok(Mutated::id(id))
            }
            Mutation::Uninstall { app, account } => {
                let (id, account_id) = self.installed(app, account)?;
                life::uninstall(self.world, id, account_id, now);
                Ok(Mutated::id(id))
            }
            Mutation::Suspend {
                app,
                account,
                suspended,
            } => {
                let (id, account_id) = self.installed(app, account)?;
                life::suspend(self.world, id, *suspended, account_id, now);
                Ok(Mutated::id(id))
            }
            Mutation::EndInstallationTokens { app } => {
                let app_id = self.app_id(app)?;
                let apps = &mut self.world.apps;
                for token in &mut apps.tokens {
                    let is_its = apps
                        .installations
                        .get(&token.installation_id)
                        .is_some_and(|one| one.app_id == app_id);
                    token.revoked |= is_its;
                }
                Ok(Mutated::id(app_id))
            }
            Mutation::EndGrantedTokens { app } => {
                let app_id = self.app_id(app)?;
                for token in &mut self.world.tokens {
                    if token.app_id == Some(app_id) {
                        token.expires_at = Some(now);
                    }
                }
                Ok(Mutated::id(app_id))
            }
            Mutation::RequestInstallation {
                app,
                account,
                requester,
            } => {
                let (app_id, account_id) = (self.app_id(app)?, self.account_id(account)?);
                let requester_id = self.account_id(requester)?;
                life::request(self.world, app_id, account_id, requester_id, now);
                Ok(Mutated::id(requester_id))
            }
            Mutation::LoseMessages { lost } => {
                self.world.apps.lossy = *lost;
                Ok(Mutated::default())
            }
            Mutation::SetTokenFormat { format } => {
                self.world.apps.token_format = *format;
                Ok(Mutated::default())
            }
            Mutation::SetInstallationQuota {
                app,
                account,
                limit,
            } => {
                let (id, _) = self.installed(app, account)?;
                lock(&self.simulator.ledger).set_quota(id, Quota::both(*limit));
                Ok(Mutated::id(id))
            }
            other => Err(Error::Invalid(format!("{other:?} is not about Apps"))),
        }
    }

    fn app_id(&self, slug: &str) -> Result<u64, Error> {
        self.world
            .apps
            .by_slug(slug)
            .map(|app| app.id)
            .ok_or_else(|| Error::Unknown(format!("App {slug}")))
    }

    /// An installation and the account that it is on.
    fn installed(&self, app: &str, account: &str) -> Result<(u64, u64), Error> {
        let (app_id, account_id) = (self.app_id(app)?, self.account_id(account)?);
        self.world
            .apps
            .installation(app_id, account_id)
            .map(|one| (one.id, account_id))
            .ok_or_else(|| Error::Unknown(format!("installation of {app} on {account}")))
    }
}
