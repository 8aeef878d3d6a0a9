//! Somebody has come back from a host: what she says is proven before anything is done.
//!
//! The number of an installation in an address proves nothing: such numbers can be guessed, and an application may look up
//! anybody's. So the code that came along is exchanged for a token of the person, she must see the installation with it, and the
//! account must be hers or an organization that she owns. The token is then given back to the host, and kept nowhere.

use domain::application::{must_be_installed_by_owner, must_be_registered};
use domain::check::{Field, Installed};
use domain::{
    ApplicationId, Arrival, CredentialKind, Findings, Grant, Host, InstallationRequestId, Login,
    Name, OrganizationId, Purpose, Role, Secret, Slot, Step, missing_rights,
};
use forge::Owner;
use forge::github::app;
use forge::oauth::{self, Arrived};
use store::{
    Accepted, Account, Brought, Credential, Installation, NewCredential, NewInstallationRequest,
    NewOrganization, Organization, Seen, Source, TokenSource,
};
use tracing::warn;

use super::Good;
use super::errand::{Errands, gone, name_of, stored, wanted};
use crate::tokens::{self, Trouble};
use crate::trial::{Stopped, Tried};

/// Who came back from where.
pub(super) struct Returned<'a> {
    pub(super) errands: &'a Errands<'a>,
    pub(super) application: ApplicationId,
    pub(super) slot: Slot,
    pub(super) host: &'a Host,
}

/// What a person has granted to the application.
struct Granted {
    client: oauth::Client,
    grant: Grant,
}

fn refuse(sentence: impl Into<String>) -> Stopped {
    Stopped::refused(Field::Application, sentence)
}

fn arrived(brought: &Brought) -> Option<Arrived<'_>> {
    Some(Arrived {
        code: brought.code.as_ref()?,
        verifier: &brought.verifier,
        returns_to: brought.returns_to.as_deref(),
    })
}

fn in_trouble(trouble: Trouble) -> Stopped {
    match trouble {
        Trouble::Dead(words) => refuse(format!("{}.", words.trim_end_matches('.'))),
        Trouble::Key(words) => refuse(format!(
            "{words} The keys of the application have to be replaced: tell who runs this service."
        )),
        Trouble::Later(words) => refuse(format!("{words} Try again later.")),
    }
}

impl Returned<'_> {
    /// Proves what somebody came back with, and says what follows from it.
    pub(super) async fn prove(&self, purpose: &Purpose, arrival: Arrival) -> Result<Good, Stopped> {
        match (purpose, arrival) {
            (Purpose::RegisterByOauth { name, accounts }, Arrival::Granted) => {
                self.register_by_oauth(name, accounts).await
            }
            (_, Arrival::Requested) => Err(self.requested(purpose).await?),
            (
                Purpose::RegisterByApp { .. } | Purpose::Account { .. } | Purpose::Add { .. },
                Arrival::Installed { installation },
            ) => self.installed(purpose, installation).await,
            (_, Arrival::Granted | Arrival::Installed { .. }) => Err(refuse(
                "The host did not say that the application was installed: install it again.",
            )),
        }
    }

    fn app<'b>(&'b self, identity: &'b app::Identity) -> app::App<'b> {
        self.errands.engine.forge.app(self.host, identity)
    }

    /// What the person who came back has granted, if she brought a code.
    async fn granted(&self) -> Result<Option<Granted>, Stopped> {
        self.errands.trial(self.host).begin(Step::Person).await?;
        let brought = stored(store::brought(self.errands.token))?;
        let Some(arrived) = arrived(&brought) else {
            return Ok(None);
        };
        let (_, client) = tokens::identify(self.errands.engine, self.application)
            .await
            .map_err(in_trouble)?;
        let grant = self
            .oauth()
            .exchange(&client, arrived)
            .await
            .map_err(|error| refuse(format!("{error} Begin again from here.")))?;
        Ok(Some(Granted { client, grant }))
    }

    /// Ends a token that is not kept: nobody is to speak for that person any more.
    async fn give_back(&self, granted: &Granted) {
        let token = granted.grant.access_token();
        if let Err(error) = self.oauth().revoke(&granted.client, &token).await {
            warn!(%error, "The token of a person could not be given back; it was not kept.");
        }
    }

    fn oauth(&self) -> oauth::Oauth<'_> {
        self.errands.engine.forge.oauth(self.host)
    }

    async fn owner(&self, granted: &Granted) -> Result<Owner, Stopped> {
        let token = granted.grant.access_token();
        let owner = self.errands.engine.forge.owner(self.host, &token).await;
        owner.map_err(|error| self.errands.trial(self.host).refused(&error))
    }

    async fn installed(&self, purpose: &Purpose, number: i64) -> Result<Good, Stopped> {
        let granted = self.granted().await?.ok_or_else(|| {
            refuse("You came back without a proof of who you are: install the application again.")
        })?;
        let proven = self.proven(&granted, number).await;
        self.give_back(&granted).await;
        self.take_in(purpose, &proven?, None).await
    }

    /// The installation, if the person sees it and controls its account.
    async fn proven(&self, granted: &Granted, number: i64) -> Result<app::Installation, Stopped> {
        let trial = self.errands.trial(self.host);
        let owner = self.owner(granted).await?;
        let (oauth, token) = (self.oauth(), granted.grant.access_token());
        let sees = oauth.sees_installation(&token, number).await;
        if !sees.map_err(|error| trial.refused(&error))? {
            return Err(refuse(format!(
                "{} does not list this installation for {}: install the application again, from here.",
                self.host.authority(),
                owner.login
            )));
        }
        trial.begin(Step::Installation).await?;
        let (identity, _) = tokens::identify(self.errands.engine, self.application)
            .await
            .map_err(in_trouble)?;
        let found = self
            .app(&identity)
            .installation(number)
            .await
            .map_err(|error| trial.refused(&error))?
            .ok_or_else(|| {
                refuse("The application was uninstalled meanwhile: install it again.")
            })?;
        let account = &found.account;
        let controls = account.id == owner.user_id
            || oauth
                .owns(&token, &account.login)
                .await
                .map_err(|error| trial.refused(&error))?;
        if !controls {
            return Err(refuse(must_be_installed_by_owner(Some(&account.login))));
        }
        Ok(found)
    }

    /// What follows from an installation that is proven.
    async fn take_in(
        &self,
        purpose: &Purpose,
        found: &app::Installation,
        request: Option<InstallationRequestId>,
    ) -> Result<Good, Stopped> {
        if let Some(by) = &found.suspended_by {
            return Err(refuse(format!(
                "The installation on {} is suspended{}: end that on {} first.",
                found.account.login,
                if by.is_empty() {
                    String::new()
                } else {
                    format!(" by {by}")
                },
                self.host.authority()
            )));
        }
        let role = match purpose {
            Purpose::Add { organization } => {
                self.is_carried(*organization, found).await?;
                Role::Additional
            }
            Purpose::RegisterByApp { .. }
            | Purpose::RegisterByOauth { .. }
            | Purpose::Account { .. } => Role::Main,
        };
        let trial = self.errands.trial(self.host);
        trial.begin(Step::Quota).await?;
        let tried = measured(self.errands, self.host, self.application, found).await?;
        let account = Account {
            login: found.account.login.clone(),
            forge_id: found.account.id,
            is_organization: found.account.is_organization,
        };
        let credential = self.credential(found, role)?;
        trial.begin(Step::Keep).await?;
        let findings = findings(self.slot, found, &tried);
        let accepted = match purpose {
            Purpose::RegisterByApp { name } | Purpose::RegisterByOauth { name, .. } => {
                Accepted::Registered {
                    organization: Box::new(NewOrganization {
                        name: name.clone(),
                        host: self.host.clone(),
                        accounts: vec![account],
                    }),
                    main: Box::new(credential),
                }
            }
            Purpose::Account { organization } | Purpose::Add { organization } => {
                Accepted::Installed {
                    organization: *organization,
                    account,
                    credential: Box::new(credential),
                    request,
                }
            }
        };
        Ok(Good {
            accepted,
            findings,
            tried: vec![tried],
        })
    }

    /// The second condition, asked before the host is asked for more. It is looked at again when the credential is written.
    async fn is_carried(
        &self,
        organization: OrganizationId,
        found: &app::Installation,
    ) -> Result<(), Stopped> {
        let known = stored(self.errands.scoped.credentials(organization).await)?;
        let mains = || {
            known
                .iter()
                .filter(|one| one.role == Role::Main)
                .filter_map(|one| match &one.source {
                    Source::Installation {
                        account, number, ..
                    } => Some((*account, *number)),
                    Source::Entry { .. } => None,
                })
        };
        let carries =
            |(account, number): (i64, Option<i64>)| account == found.account.id && number.is_some();
        if mains().next().is_some() && !mains().any(carries) {
            return Err(refuse(must_be_registered(&found.account.login)));
        }
        Ok(())
    }

    fn credential(&self, found: &app::Installation, role: Role) -> Result<NewCredential, Stopped> {
        let kind = CredentialKind::AppInstallation;
        let login = &found.account.login;
        let name = match self.slot {
            Slot::Additional(number) => format!("app-{number}-{login}"),
            Slot::Main | Slot::Write | Slot::OAuth => format!("app-{login}"),
        };
        Ok(NewCredential {
            name: name_of(&name)?,
            login: login.clone(),
            role,
            kind,
            bucket: found.bucket.clone(),
            reserve_percent: role.default_reserve_percent(kind),
            token: TokenSource::Installation(Installation {
                application: self.application,
                account: found.account.id,
                number: found.id,
            }),
            scopes: Some(permissions(found)),
            expires_at: None,
        })
    }

    /// The first condition is not met. What an owner was asked for is noted, so that it can be offered when she agrees.
    async fn requested(&self, purpose: &Purpose) -> Result<Stopped, Stopped> {
        let Some(granted) = self.granted().await? else {
            return Ok(refuse(must_be_installed_by_owner(None)));
        };
        let owner = self.owner(&granted).await;
        self.give_back(&granted).await;
        let owner = owner?;
        let (identity, _) = tokens::identify(self.errands.engine, self.application)
            .await
            .map_err(in_trouble)?;
        let requests = self.app(&identity).requests().await;
        let trial = self.errands.trial(self.host);
        let asked = requests
            .map_err(|error| trial.refused(&error))?
            .into_iter()
            .rfind(|one| one.requester == owner.user_id);
        let Some(asked) = asked else {
            return Ok(refuse(must_be_installed_by_owner(None)));
        };
        if let Purpose::Add { organization } = purpose {
            let new = NewInstallationRequest {
                organization: *organization,
                application: self.application,
                account_id: asked.account.id,
                account: asked.account.login.clone(),
                requester: owner.user_id,
            };
            let scoped = self
                .errands
                .scoped
                .clone()
                .acting(self.errands.claim.asked_by.clone());
            stored(scoped.note_installation_request(&new).await)?;
        }
        Ok(refuse(must_be_installed_by_owner(Some(
            &asked.account.login,
        ))))
    }

    async fn register_by_oauth(&self, name: &Name, accounts: &[Login]) -> Result<Good, Stopped> {
        let granted = self.granted().await?.ok_or_else(|| {
            refuse("The authorization was not given: begin again, and authorize the application.")
        })?;
        let good = self.by_grant(&granted.grant, name, accounts).await;
        if good.is_err() {
            self.give_back(&granted).await;
        }
        good
    }

    /// Registers an organization with what a person has granted, if that is enough.
    async fn by_grant(
        &self,
        grant: &Grant,
        name: &Name,
        accounts: &[Login],
    ) -> Result<Good, Stopped> {
        let trial = self.errands.trial(self.host);
        let token = grant.access_token();
        let trial = trial.of(&token);
        let tried = trial.ask_anyone().await?;
        let granted = tried.owner.scopes.as_deref().unwrap_or_default();
        if let Some(missing) = missing_rights(self.host.kind(), granted)
            .iter()
            .find(|one| one.is_essential)
        {
            return Err(refuse(format!(
                "You granted less than a backup needs: the scope {} is missing, and without it {}. Authorize again, and grant all that is asked for.",
                missing.scope, missing.without_it
            )));
        }
        let accounts = trial
            .accounts(&wanted(name, accounts)?, tried.memberships.as_ref())
            .await?;
        let roles = trial.roles(&tried.owner, &accounts).await?;
        let (role, kind) = (Role::Main, CredentialKind::Oauth);
        let owner = &tried.owner;
        let main = NewCredential {
            name: name_of(&owner.login)?,
            login: owner.login.clone(),
            role,
            kind,
            bucket: owner.bucket.clone(),
            reserve_percent: role.default_reserve_percent(kind),
            scopes: owner.scopes.clone(),
            expires_at: None,
            token: TokenSource::Grant {
                application: self.application,
                grant: grant.clone(),
            },
        };
        trial.begin(Step::Keep).await?;
        Ok(Good {
            findings: Findings {
                roles,
                ..tried.findings(&accounts, None)
            },
            accepted: Accepted::Registered {
                organization: Box::new(NewOrganization {
                    name: name.clone(),
                    host: self.host.clone(),
                    accounts,
                }),
                main: Box::new(main),
            },
            tried: vec![tried],
        })
    }
}

/// Permissions as they are stored.
fn permissions(found: &app::Installation) -> Vec<String> {
    found
        .permissions
        .iter()
        .map(|(name, level)| format!("{name}:{level}"))
        .collect()
}

fn findings(slot: Slot, found: &app::Installation, tried: &Tried) -> Findings {
    Findings {
        scopes: Some(permissions(found)),
        installed: Some(Installed {
            slot,
            account: found.account.login.clone(),
            permissions: permissions(found),
            covers_all: found.covers_all,
        }),
        accounts: vec![found.account.login.clone()],
        repositories: None,
        ..tried.findings(&[], None)
    }
}

/// What an installation may still spend: a token is asked for, and the host is asked with it.
async fn measured(
    errands: &Errands<'_>,
    host: &Host,
    application: ApplicationId,
    found: &app::Installation,
) -> Result<Tried, Stopped> {
    let known = permissions(found);
    let token = tokens::mint(errands.engine, host, application, found.id, &known)
        .await
        .map_err(in_trouble)?;
    let budgets = errands.engine.forge.budgets(host, &token.value).await;
    let trial = errands.trial(host);
    Ok(Tried {
        owner: Owner {
            is_machine: true,
            user_id: found.account.id,
            login: found.account.login.clone(),
            scopes: Some(known),
            expires_at: None,
            bucket: found.bucket.clone(),
        },
        memberships: None,
        budgets: budgets.map_err(|error| trial.refused(&error))?,
    })
}

/// An owner has installed what was asked for, and who asked takes it. That the host itself has named her as who asked is the proof.
pub(super) async fn take(
    errands: &Errands<'_>,
    organization: OrganizationId,
    request: InstallationRequestId,
    slot: Slot,
) -> Result<Good, Stopped> {
    let found = stored(errands.scoped.organization(organization).await)?
        .ok_or_else(|| gone("organization"))?;
    let requests = stored(errands.scoped.installation_requests(organization).await)?;
    let asked = requests
        .iter()
        .find(|one| one.id == request)
        .ok_or_else(|| gone("request"))?;
    let is_hers = asked.person.is_some() && asked.person == errands.claim.asked_by.person;
    let number = asked.installation.filter(|_| is_hers).ok_or_else(|| {
        refuse("Only who asked for this installation can add it, once an owner has made it.")
    })?;
    let trial = errands.trial(&found.host);
    trial.begin(Step::Installation).await?;
    let (identity, _) = tokens::identify(errands.engine, asked.application)
        .await
        .map_err(in_trouble)?;
    let installation = errands
        .engine
        .forge
        .app(&found.host, &identity)
        .installation(number)
        .await
        .map_err(|error| trial.refused(&error))?
        .filter(|one| one.account.id == asked.account_id)
        .ok_or_else(|| refuse("The application was uninstalled meanwhile: install it again."))?;
    let returned = Returned {
        errands,
        application: asked.application,
        slot,
        host: &found.host,
    };
    let purpose = Purpose::Add { organization };
    returned
        .take_in(&purpose, &installation, Some(request))
        .await
}

/// Looks again at an application on an account.
pub(super) async fn look_again(
    errands: &Errands<'_>,
    organization: &Organization,
    credential: &Credential,
) -> Result<Good, Stopped> {
    let Source::Installation {
        application,
        slot,
        number: Some(number),
        ..
    } = credential.source
    else {
        return Err(refuse(
            "The application was uninstalled from this account: install it again.",
        ));
    };
    let host = &organization.host;
    let trial = errands.trial(host);
    trial.begin(Step::Installation).await?;
    let (identity, _) = tokens::identify(errands.engine, application)
        .await
        .map_err(in_trouble)?;
    let found = errands
        .engine
        .forge
        .app(host, &identity)
        .installation(number)
        .await
        .map_err(|error| trial.refused(&error))?
        .ok_or_else(|| {
            refuse("The application was uninstalled from this account: install it again.")
        })?;
    trial.begin(Step::Quota).await?;
    let tried = measured(errands, host, application, &found).await?;
    trial.begin(Step::Keep).await?;
    Ok(Good {
        findings: findings(slot, &found, &tried),
        accepted: Accepted::Rechecked(Seen {
            credential: credential.id,
            login: found.account.login.clone(),
            bucket: found.bucket.clone(),
            scopes: Some(permissions(&found)),
            expires_at: None,
        }),
        tried: vec![tried],
    })
}

/// The token of what a person has granted, renewed if that is due.
pub(super) async fn renewed(
    errands: &Errands<'_>,
    host: &Host,
    credential: &Credential,
) -> Result<Secret, Stopped> {
    let engine = errands.engine;
    let opened = stored(tokens::open(engine, &errands.scoped, credential).await)?;
    if opened.ends_at.is_none_or(|at| at > engine.clock.now()) {
        return Ok(opened.value);
    }
    tokens::obtain(engine, &errands.scoped, host, credential)
        .await
        .map(|token| token.value)
        .map_err(in_trouble)
}
