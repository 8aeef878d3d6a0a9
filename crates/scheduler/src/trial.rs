//! Trying a token at its host before it is kept: one truth for the command line and for the checks that people ask for.

use domain::check::{Field, RoleIn};
use domain::{
    BucketKey, CredentialKind, Findings, ForgeKind, Host, Login, Name, Refusal, Role, Secret, Step,
};
use forge::{Budgets, Forge, Memberships, Owner};
use store::{Account, ClaimedCheck, Fleet};
use tracing::debug;

/// A token that is being tried at a host.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    forge: &'a Forge,
    host: &'a Host,
    token: &'a Secret,
    progress: Option<(&'a Fleet, &'a ClaimedCheck)>,
}

/// What was found out about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Who is behind it, and what it may do.
    pub owner: Owner,
    /// What that user is a member of; nothing if the token may not ask.
    pub memberships: Option<Memberships>,
    /// What is left.
    pub budgets: Budgets,
}

/// Why a trial ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The token, or what came with it, is not taken.
    Refused {
        /// The sentence, and the field that it belongs to.
        refusal: Refusal,
        /// The host's words, if it does not know the token at all.
        dead: Option<String>,
    },
    /// The check was given to somebody else.
    Lost,
}

impl Stopped {
    pub(crate) fn refused(field: Field, sentence: impl Into<String>) -> Self {
        Self::Refused {
            refusal: Refusal::new(field, sentence),
            dead: None,
        }
    }
}

impl<'a> Trial<'a> {
    /// Nothing is asked yet.
    pub fn new(forge: &'a Forge, host: &'a Host, token: &'a Secret) -> Self {
        Self {
            forge,
            host,
            token,
            progress: None,
        }
    }

    /// The same with another token.
    pub(crate) fn of(self, token: &'a Secret) -> Self {
        Self { token, ..self }
    }

    /// Writes each step down for whoever watches.
    pub(crate) fn reporting(self, fleet: &'a Fleet, claim: &'a ClaimedCheck) -> Self {
        Self {
            progress: Some((fleet, claim)),
            ..self
        }
    }

    /// Asks everything that is to be known of a token, which must be the named user's.
    pub async fn ask(&self, user: &Login) -> Result<Tried, Stopped> {
        let owner = self.owner().await?;
        if !user.is(&owner.login) {
            return Err(Stopped::refused(
                Field::User,
                format!(
                    "The token belongs to {}, not to {user}: enter {}, or give a token of {user}.",
                    owner.login, owner.login
                ),
            ));
        }
        self.ask_more(owner).await
    }

    /// As [`Trial::ask`], whoever it belongs to.
    pub(crate) async fn ask_anyone(&self) -> Result<Tried, Stopped> {
        let owner = self.owner().await?;
        self.ask_more(owner).await
    }

    /// As [`Trial::ask`], of a token that must be charged to a known bucket: its user may have another name by now.
    pub(crate) async fn ask_again(
        &self,
        bucket: &BucketKey,
        login: &str,
    ) -> Result<Tried, Stopped> {
        let owner = self.owner().await?;
        if owner.bucket != *bucket {
            return Err(Stopped::refused(
                Field::Token,
                format!(
                    "The token belongs to {}, not to {login}: give a token of {login}, or add {} as another credential.",
                    owner.login, owner.login
                ),
            ));
        }
        self.ask_more(owner).await
    }

    async fn owner(&self) -> Result<Owner, Stopped> {
        self.begin(Step::Owner).await?;
        let asked = self.forge.owner(self.host, self.token).await;
        asked.map_err(|error| self.refused(&error))
    }

    async fn ask_more(&self, owner: Owner) -> Result<Tried, Stopped> {
        self.begin(Step::Rights).await?;
        let asked = self.forge.memberships(self.host, self.token).await;
        let memberships = asked.map_err(|error| self.refused(&error))?;
        self.begin(Step::Quota).await?;
        let asked = self.forge.budgets(self.host, self.token).await;
        let budgets = asked.map_err(|error| self.refused(&error))?;
        Ok(Tried {
            owner,
            memberships,
            budgets,
        })
    }

    /// Looks up the accounts that were named.
    pub async fn accounts(
        &self,
        wanted: &[Login],
        memberships: Option<&Memberships>,
    ) -> Result<Vec<Account>, Stopped> {
        self.begin(Step::Accounts).await?;
        let mut found: Vec<Account> = Vec::new();
        for login in wanted {
            let asked = self.forge.account(self.host, self.token, login.as_str());
            let account = asked.await.map_err(|error| self.refused(&error))?;
            let Some(account) = account else {
                return Err(Stopped::refused(
                    Field::Accounts,
                    self.no_account(login, memberships),
                ));
            };
            if found.iter().all(|one| one.forge_id != account.id) {
                found.push(Account {
                    login: account.login,
                    forge_id: account.id,
                    is_organization: account.is_organization,
                });
            }
        }
        Ok(found)
    }

    /// The user's roles in those of these that are groups; nothing where the host has no roles.
    pub(crate) async fn roles(
        &self,
        owner: &Owner,
        accounts: &[Account],
    ) -> Result<Vec<RoleIn>, Stopped> {
        let mut roles = Vec::new();
        if self.host.kind() != ForgeKind::GitLab {
            return Ok(roles);
        }
        self.begin(Step::Accounts).await?;
        for group in accounts.iter().filter(|one| one.is_organization) {
            let asked = self
                .forge
                .role(self.host, self.token, group.forge_id, owner.user_id);
            roles.push(RoleIn {
                account: group.login.clone(),
                level: asked.await.map_err(|error| self.refused(&error))?,
            });
        }
        Ok(roles)
    }

    fn no_account(&self, login: &Login, memberships: Option<&Memberships>) -> String {
        let host = self.host.authority();
        let known = memberships
            .map(|one| one.logins.as_slice())
            .unwrap_or_default();
        let advice = if known.is_empty() {
            "name the accounts to back up as their pages show them".to_owned()
        } else {
            format!("its user is a member of {}", known.join(", "))
        };
        format!("{host} has no account called \"{login}\" that the token can see: {advice}.")
    }

    /// Says that the result is being written down.
    pub(crate) async fn keep(&self) -> Result<(), Stopped> {
        self.begin(Step::Keep).await
    }

    /// Says which step has begun.
    pub(crate) async fn begin(&self, step: Step) -> Result<(), Stopped> {
        let Some((fleet, claim)) = self.progress else {
            return Ok(());
        };
        match fleet.check_step(claim, step).await {
            Ok(()) => Ok(()),
            Err(store::Error::LostFence { .. }) => Err(Stopped::Lost),
            Err(error) => {
                debug!(%error, "The step of a check was not written down; the check goes on.");
                Ok(())
            }
        }
    }

    /// What the host's answer means for a person, and what to do about it.
    pub(crate) fn refused(&self, error: &forge::Error) -> Stopped {
        let (field, advice) = match error {
            forge::Error::Transient { .. } => (
                Field::Host,
                "Check the address, the network, name resolution and firewalls, then try again."
                    .to_owned(),
            ),
            forge::Error::Protocol { .. }
            | forge::Error::Missing { .. }
            | forge::Error::Moved { .. }
            | forge::Error::Corrupt { .. }
            | forge::Error::Disabled { .. } => (
                Field::Host,
                format!(
                    "Check that {} is {}, and write its address as a browser shows it.",
                    self.host,
                    match self.host.kind() {
                        ForgeKind::GitHub => "github.com or a GitHub Enterprise Server",
                        ForgeKind::GitLab => "gitlab.com or a GitLab of your own",
                    }
                ),
            ),
            forge::Error::Denied { .. }
            | forge::Error::NoCredential { .. }
            | forge::Error::Blocked { .. } => (
                Field::Token,
                "Check that the token is whole, has not expired, and is allowed by the organization's policies; else create another."
                    .to_owned(),
            ),
            forge::Error::Throttled { .. } | forge::Error::Cancelled => {
                (Field::Token, "Try again later.".to_owned())
            }
        };
        let dead = if let forge::Error::NoCredential { detail } = error {
            Some(detail.clone())
        } else {
            None
        };
        Stopped::Refused {
            refusal: Refusal::new(field, format!("{error} {advice}")),
            dead,
        }
    }
}

impl Tried {
    /// The share that is left to whoever is behind the token: nothing, where the host says that nobody is.
    pub fn reserve_percent(&self, role: Role, kind: CredentialKind) -> u8 {
        if self.owner.is_machine {
            0
        } else {
            role.default_reserve_percent(kind)
        }
    }

    /// What a person is told of it. `same_user_as` names a credential of the pool that shares the bucket.
    pub fn findings(&self, accounts: &[Account], same_user_as: Option<Name>) -> Findings {
        Findings {
            user: self.owner.login.clone(),
            scopes: self.owner.scopes.clone(),
            expires_at: self.owner.expires_at,
            member_of: self.memberships.as_ref().map(|one| one.logins.clone()),
            sso_missing: self.memberships.as_ref().map(|one| one.sso_missing),
            quota: self.budgets.readings.clone(),
            unlimited: self.budgets.unlimited,
            same_user_as,
            accounts: accounts.iter().map(|one| one.login.clone()).collect(),
            roles: Vec::new(),
            installed: None,
            repositories: self.memberships.as_ref().and_then(|one| one.repositories),
        }
    }
}
