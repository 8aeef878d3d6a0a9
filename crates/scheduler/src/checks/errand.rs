//! What is asked of the host for each kind of check, and what is to be done if the answers are good.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::check::Field;
use domain::{
    CredentialId, CredentialKind, Errand, Findings, ForgeKind, Host, Login, Name, OrganizationId,
    Role, Secret, SecretId,
};
use store::{
    Accepted, ClaimedCheck, Credential, EntryUser, NewCredential, NewOrganization, Scoped, Seen,
    TokenSource,
};

use super::Good;
use super::returned::{self, Returned};
use super::rotate;
use crate::engine::Engine;
use crate::trial::{Stopped, Trial, Tried};

/// Everything that one check asks.
pub(super) struct Errands<'a> {
    pub(super) engine: &'a Arc<Engine>,
    pub(super) claim: &'a ClaimedCheck,
    pub(super) token: &'a Secret,
    pub(super) scoped: Scoped,
}

pub(super) async fn ask(
    engine: &Arc<Engine>,
    claim: &ClaimedCheck,
    token: &Secret,
) -> Result<Good, Stopped> {
    let errands = Errands {
        engine,
        claim,
        token,
        scoped: engine.db.tenant(claim.tenant),
    };
    match &claim.errand {
        Errand::Register {
            name,
            host,
            forge,
            user,
            accounts,
        } => errands.register(name, (*forge, host), user, accounts).await,
        Errand::Add {
            organization,
            user,
            reserve_percent,
        } => errands.add(*organization, user, *reserve_percent).await,
        Errand::Recheck { credential } => errands.recheck(*credential).await,
        Errand::Return {
            application,
            slot,
            host,
            forge,
            purpose,
            arrival,
        } => {
            let host = self::host(*forge, host)?;
            let returned = Returned {
                errands: &errands,
                application: *application,
                slot: *slot,
                host: &host,
            };
            returned.prove(purpose, *arrival).await
        }
        Errand::Take {
            request,
            organization,
            slot,
        } => returned::take(&errands, *organization, *request, *slot).await,
        Errand::Replace { secret } => errands.replace(*secret).await,
        Errand::Rotate { secret } => rotate::rotate(&errands, *secret).await,
    }
}

fn host(forge: ForgeKind, text: &str) -> Result<Host, Stopped> {
    Host::accepted(forge, text).map_err(|error| Stopped::refused(Field::Host, error.to_string()))
}

impl Errands<'_> {
    pub(super) fn trial<'b>(&'b self, host: &'b Host) -> Trial<'b> {
        Trial::new(&self.engine.forge, host, self.token).reporting(&self.engine.fleet, self.claim)
    }

    /// A new token becomes an entry, one that was picked stays what it is.
    fn source(&self) -> TokenSource {
        match self.claim.secret {
            Some(secret) => TokenSource::Entry(secret),
            None => TokenSource::New(self.token.clone()),
        }
    }

    fn credential(
        &self,
        tried: &Tried,
        role: Role,
        reserve_percent: u8,
    ) -> Result<NewCredential, Stopped> {
        let owner = &tried.owner;
        Ok(NewCredential {
            name: name_of(&owner.login)?,
            login: owner.login.clone(),
            role,
            kind: CredentialKind::AccessToken,
            bucket: owner.bucket.clone(),
            reserve_percent,
            token: self.source(),
            scopes: owner.scopes.clone(),
            expires_at: owner.expires_at,
        })
    }

    async fn register(
        &self,
        name: &Name,
        (forge, host): (ForgeKind, &str),
        user: &Login,
        accounts: &[Login],
    ) -> Result<Good, Stopped> {
        let host = self::host(forge, host)?;
        let trial = self.trial(&host);
        let tried = trial.ask(user).await?;
        let wanted = wanted(name, accounts)?;
        let accounts = trial.accounts(&wanted, tried.memberships.as_ref()).await?;
        let roles = trial.roles(&tried.owner, &accounts).await?;
        let role = Role::Main;
        let reserve = tried.reserve_percent(role, CredentialKind::AccessToken);
        let main = self.credential(&tried, role, reserve)?;
        trial.keep().await?;
        Ok(Good {
            findings: Findings {
                roles,
                ..tried.findings(&accounts, None)
            },
            accepted: Accepted::Registered {
                organization: Box::new(NewOrganization {
                    name: name.clone(),
                    host: host.clone(),
                    accounts,
                }),
                main: Box::new(main),
            },
            tried: vec![tried],
        })
    }

    async fn add(
        &self,
        organization: OrganizationId,
        user: &Login,
        reserve_percent: u8,
    ) -> Result<Good, Stopped> {
        let found = stored(self.scoped.organization(organization).await)?
            .ok_or_else(|| gone("organization"))?;
        let trial = self.trial(&found.host);
        let tried = trial.ask(user).await?;
        let known = stored(self.scoped.credentials(organization).await)?;
        let twin = twin(&known, &tried, None);
        let roles = trial.roles(&tried.owner, &found.accounts).await?;
        let credential = self.credential(&tried, Role::Additional, reserve_percent)?;
        trial.keep().await?;
        Ok(Good {
            findings: Findings {
                roles,
                ..tried.findings(&found.accounts, twin)
            },
            accepted: Accepted::Added {
                organization,
                credential: Box::new(credential),
            },
            tried: vec![tried],
        })
    }

    async fn recheck(&self, id: CredentialId) -> Result<Good, Stopped> {
        let organization = match self.claim.organization {
            Some(id) => stored(self.scoped.organization(id).await)?,
            None => None,
        }
        .ok_or_else(|| gone("organization"))?;
        let known = stored(self.scoped.credentials(organization.id).await)?;
        let credential = known
            .iter()
            .find(|one| one.id == id)
            .ok_or_else(|| gone("credential"))?;
        if credential.kind == CredentialKind::AppInstallation {
            return returned::look_again(self, &organization, credential).await;
        }
        let obtained;
        let mut trial = self.trial(&organization.host);
        if credential.kind == CredentialKind::Oauth {
            obtained = returned::renewed(self, &organization.host, credential).await?;
            trial = trial.of(&obtained);
        }
        let tried = trial
            .ask_again(&credential.bucket, &credential.login)
            .await?;
        let roles = trial.roles(&tried.owner, &organization.accounts).await?;
        trial.keep().await?;
        Ok(Good {
            findings: Findings {
                roles,
                ..tried.findings(&organization.accounts, twin(&known, &tried, Some(id)))
            },
            accepted: Accepted::Rechecked(seen(id, &tried)),
            tried: vec![tried],
        })
    }

    /// Tries the token as every credential that uses an entry: it must be the same user's on every host where it is used.
    pub(super) async fn users_of(&self, secret: SecretId) -> Result<UsersOf, Stopped> {
        let entry = stored(self.scoped.entry(secret).await)?.ok_or_else(|| gone("password"))?;
        let mut hosts: BTreeMap<String, (Host, Tried)> = BTreeMap::new();
        let mut all = Vec::new();
        for user in &entry.users {
            let EntryUser::Credential {
                credential,
                organization,
                host,
                login,
                ..
            } = user
            else {
                continue;
            };
            let known = stored(self.scoped.credentials(*organization).await)?;
            let bucket = known
                .iter()
                .find(|one| one.id == *credential)
                .map(|one| &one.bucket)
                .ok_or_else(|| gone("credential"))?;
            let tried = match hosts.get(&bucket.to_string()) {
                Some((_, tried)) => tried.clone(),
                None => self.trial(host).ask_again(bucket, login).await?,
            };
            all.push(seen(*credential, &tried));
            hosts.insert(bucket.to_string(), (host.as_ref().clone(), tried));
        }
        Ok(UsersOf {
            tried: hosts.into_values().collect(),
            seen: all,
        })
    }

    async fn replace(&self, secret: SecretId) -> Result<Good, Stopped> {
        let users = self.users_of(secret).await?;
        let Some((host, first)) = users.tried.first() else {
            return Err(Stopped::refused(
                Field::Token,
                "Nothing uses this password any more: replace it again, without a check.",
            ));
        };
        self.trial(host).keep().await?;
        Ok(Good {
            findings: first.findings(&[], None),
            accepted: Accepted::Replaced {
                secret,
                token: self.token.clone(),
                seen: users.seen,
            },
            tried: users.tried.into_iter().map(|(_, tried)| tried).collect(),
        })
    }
}

/// Those who use an entry's token.
pub(super) struct UsersOf {
    /// One for each bucket, with its host.
    pub(super) tried: Vec<(Host, Tried)>,
    /// What was seen of every credential.
    pub(super) seen: Vec<Seen>,
}

/// The accounts that were named, or the one called like the organization.
pub(super) fn wanted(name: &Name, accounts: &[Login]) -> Result<Vec<Login>, Stopped> {
    if !accounts.is_empty() {
        return Ok(accounts.to_vec());
    }
    let login = name
        .as_str()
        .parse()
        .map_err(|_not_a_login: domain::Invalid| {
            Stopped::refused(
                Field::Accounts,
                "Name the accounts to back up: no account can be called like this organization.",
            )
        })?;
    Ok(vec![login])
}

/// The credential of a pool that is charged to the same bucket.
pub(super) fn twin(
    known: &[Credential],
    tried: &Tried,
    except: Option<CredentialId>,
) -> Option<Name> {
    known
        .iter()
        .filter(|one| Some(one.id) != except)
        .find(|one| one.bucket == tried.owner.bucket)
        .map(|one| one.name.clone())
}

fn seen(credential: CredentialId, tried: &Tried) -> Seen {
    Seen {
        credential,
        login: tried.owner.login.clone(),
        bucket: tried.owner.bucket.clone(),
        scopes: tried.owner.scopes.clone(),
        expires_at: tried.owner.expires_at,
    }
}

pub(super) fn name_of(login: &str) -> Result<Name, Stopped> {
    let short: String = login.chars().take(Name::MAX).collect();
    short
        .parse()
        .map_err(|error: domain::Invalid| Stopped::refused(Field::User, error.to_string()))
}

pub(super) fn gone(what: &str) -> Stopped {
    Stopped::refused(Field::Name, format!("The {what} was removed meanwhile."))
}

pub(super) fn stored<T>(answer: Result<T, store::Error>) -> Result<T, Stopped> {
    answer.map_err(|error| {
        tracing::warn!(%error, "A check cannot go on.");
        Stopped::refused(
            Field::Token,
            "The check was interrupted on our side: try again.",
        )
    })
}
