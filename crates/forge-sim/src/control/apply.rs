//! Carries changes out.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, Utc};

use super::{Mutated, Mutation};
use crate::error::Error;
use crate::lock::{lock, write};
use crate::quota::Quota;
use crate::seed::Contributors;
use crate::state::Simulator;
use crate::world::{Repository, World};

mod apps;
mod conversation;
mod git;
mod labels;
mod repository;

/// What a change works on.
struct Workshop<'a> {
    simulator: &'a Simulator,
    world: &'a mut World,
    /// Whole seconds: the interfaces show no others.
    now: DateTime<Utc>,
    /// Who writes what is written.
    author_id: u64,
}

impl Mutation {
    /// Makes the change.
    pub(crate) fn apply(&self, simulator: &Simulator) -> Result<Mutated, Error> {
        let mut world = write(&simulator.world);
        let contributors = Contributors::of(&world);
        let author_id = contributors.pick(&mut fastrand::Rng::with_seed(1));
        let mut workshop = Workshop {
            simulator,
            world: &mut world,
            now: simulator.clock.now().trunc_subsecs(0),
            author_id,
        };
        let mutated = workshop.apply(self);
        drop(world);
        simulator.mail.notify_one();
        mutated
    }
}

impl Workshop<'_> {
    fn apply(&mut self, mutation: &Mutation) -> Result<Mutated, Error> {
        match mutation {
            Mutation::CreateRepository { owner, recipe } => self.create_repository(owner, recipe),
            Mutation::RenameRepository { repository, name } => {
                self.rename_repository(repository, name)
            }
            Mutation::DeleteRepository { repository } => self.delete_repository(repository),
            Mutation::EmptyRepository { repository } => self.empty_repository(repository),
            Mutation::BlockRepository { repository, reason } => {
                self.block_repository(repository, reason.as_deref())
            }
            Mutation::EditRepository {
                repository,
                description,
                private,
                archived,
                has_issues,
                topics,
            } => self.edit_repository(repository, |edited| {
                if let Some(description) = description {
                    edited.description = Some(description.clone());
                }
                edited.private = private.unwrap_or(edited.private);
                edited.archived = archived.unwrap_or(edited.archived);
                edited.has_issues = has_issues.unwrap_or(edited.has_issues);
                if let Some(topics) = topics {
                    edited.topics.clone_from(topics);
                }
            }),
            Mutation::Push {
                repository,
                branch,
                commits,
                forced,
            } => self.push(repository, branch.as_deref(), *commits, *forced),
            Mutation::PushWiki { repository } => self.push_wiki(repository),
            Mutation::AddPull { repository, title } => self.add_pull(repository, title),
            Mutation::AddRelease {
                repository,
                tag,
                assets,
                asset_bytes,
            } => self.add_release(repository, tag, *assets, *asset_bytes),
            Mutation::EditRelease {
                repository,
                tag,
                body,
            } => self.edit_release(repository, tag, body),
            Mutation::DeleteRelease { repository, tag } => self.delete_release(repository, tag),
            Mutation::RevokeTokens { login } => self.revoke_tokens(login),
            Mutation::RevokeToken { token } => self.revoke_token(token),
            Mutation::RemoveMember { login } => self.remove_member(login),
            Mutation::SetVisible {
                login,
                repositories,
            } => self.set_visible(login, repositories.as_deref()),
            Mutation::SetQuota {
                login,
                core,
                graphql,
            } => {
                let quota = Quota {
                    core: *core,
                    graphql: graphql.unwrap_or(*core),
                };
                self.set_quota(login, quota)
            }
            Mutation::RenameAccount { .. }
            | Mutation::Install { .. }
            | Mutation::Uninstall { .. }
            | Mutation::Suspend { .. }
            | Mutation::EndInstallationTokens { .. }
            | Mutation::EndGrantedTokens { .. }
            | Mutation::RequestInstallation { .. }
            | Mutation::LoseMessages { .. }
            | Mutation::SetTokenFormat { .. }
            | Mutation::SetInstallationQuota { .. } => self.change_apps(mutation),
            conversation => self.converse(conversation),
        }
    }

    /// The repository with this full name.
    fn repository(&mut self, full_name: &str) -> Result<&mut Repository, Error> {
        let id = full_name
            .split_once('/')
            .and_then(|(owner, name)| self.world.repository(owner, name))
            .map(|repository| repository.id);
        id.and_then(|id| self.world.repositories.get_mut(&id))
            .ok_or_else(|| Error::Unknown(format!("repository {full_name}")))
    }

    fn account_id(&self, login: &str) -> Result<u64, Error> {
        self.world
            .account(login)
            .map(|account| account.id)
            .ok_or_else(|| Error::Unknown(format!("account {login}")))
    }

    fn revoke_tokens(&mut self, login: &str) -> Result<Mutated, Error> {
        let user_id = self.account_id(login)?;
        for token in self
            .world
            .tokens
            .iter_mut()
            .filter(|token| token.user_id == user_id)
        {
            token.revoked = true;
        }
        Ok(Mutated::id(user_id))
    }

    fn revoke_token(&mut self, value: &str) -> Result<Mutated, Error> {
        let token = self
            .world
            .tokens
            .iter_mut()
            .find(|token| token.value.reveal() == value)
            .ok_or_else(|| Error::Unknown("such a token".to_owned()))?;
        token.revoked = true;
        Ok(Mutated::id(token.user_id))
    }

    fn remove_member(&mut self, login: &str) -> Result<Mutated, Error> {
        let user_id = self.account_id(login)?;
        self.world
            .memberships
            .retain(|membership| membership.user_id != user_id);
        Ok(Mutated::id(user_id))
    }

    fn set_visible(
        &mut self,
        login: &str,
        repositories: Option<&[String]>,
    ) -> Result<Mutated, Error> {
        let user_id = self.account_id(login)?;
        let sees = repositories.map(|names| names.iter().cloned().collect::<BTreeSet<_>>());
        let memberships = self.world.memberships.iter_mut();
        for membership in memberships.filter(|membership| membership.user_id == user_id) {
            membership.sees.clone_from(&sees);
        }
        Ok(Mutated::id(user_id))
    }

    fn set_quota(&mut self, login: &str, quota: Quota) -> Result<Mutated, Error> {
        let user_id = self.account_id(login)?;
        lock(&self.simulator.ledger).set_quota(user_id, quota);
        Ok(Mutated::id(user_id))
    }
}
