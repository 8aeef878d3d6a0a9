//! People and organizations.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};
use chrono::{DateTime, Utc};

use super::connection::Connection;
use super::field::{Arguments, Resolved, View, int, leaf, maybe, time};
use super::repository::{self, RepositoryObject};
use crate::rest::show::account_node_id;
use crate::world::{Account, AccountKind, Repository};

#[derive(Clone, Copy)]
pub(super) struct AccountObject<'w> {
    pub(super) view: View<'w>,
    pub(super) account: &'w Account,
}

impl<'w> AccountObject<'w> {
    /// The author of something; none for accounts that are gone.
    pub(super) fn by_id(view: View<'w>, id: u64) -> Option<Self> {
        let account = view.show.world.accounts.get(&id)?;
        Some(Self { view, account })
    }

    /// The repositories of this account, and of its organizations where the arguments ask for them.
    fn repositories(&self, arguments: &Arguments<'_>) -> Vec<RepositoryObject<'w>> {
        let show = self.view.show;
        let mut owners = vec![self.account.id];
        let wants_organizations = ["affiliations", "ownerAffiliations"].iter().any(|name| {
            arguments
                .words(name)
                .is_some_and(|words| words.contains(&"ORGANIZATION_MEMBER"))
        });
        if wants_organizations {
            let memberships = show.world.memberships.iter();
            let own = memberships.filter(|membership| membership.user_id == self.account.id);
            owners.extend(own.map(|membership| membership.organization_id));
        }
        let mut repositories = owners
            .into_iter()
            .flat_map(|owner| show.world.repositories_of(owner))
            .filter(|repository| show.caller.sees(repository, show.world))
            .filter(|repository| fits(repository, arguments))
            .collect::<Vec<_>>();
        let descending = match arguments.order() {
            None => false,
            Some((field, descending)) => {
                sort(&mut repositories, field);
                descending
            }
        };
        if descending {
            repositories.reverse();
        }
        let view = self.view;
        repositories
            .into_iter()
            .map(|repository| RepositoryObject { view, repository })
            .collect()
    }
}

fn fits(repository: &Repository, arguments: &Arguments<'_>) -> bool {
    let visibility = if repository.private {
        "PRIVATE"
    } else {
        "PUBLIC"
    };
    let agrees =
        |name: &str, truth: bool| arguments.truth(name).is_none_or(|wanted| wanted == truth);
    agrees("isFork", repository.fork)
        && agrees("isArchived", repository.archived)
        && agrees("isLocked", false)
        && agrees("hasIssuesEnabled", repository.has_issues)
        && arguments
            .text("privacy")
            .is_none_or(|wanted| wanted == visibility)
        && arguments
            .text("visibility")
            .is_none_or(|wanted| wanted == visibility)
}

fn sort(repositories: &mut [&Repository], field: &str) {
    let by_time = |key: fn(&Repository) -> DateTime<Utc>| {
        move |repository: &&Repository| (key(repository), repository.id)
    };
    match field {
        "NAME" => repositories.sort_by_key(|repository| repository.name.to_lowercase()),
        "PUSHED_AT" => repositories.sort_by_key(by_time(|repository| repository.pushed_at)),
        "UPDATED_AT" => repositories.sort_by_key(by_time(|repository| repository.updated_at)),
        "STARGAZERS" => repositories.sort_by_key(|repository| (repository.stars, repository.id)),
        _ => repositories.sort_by_key(by_time(|repository| repository.created_at)),
    }
}

impl ObjectValue for AccountObject<'_> {
    fn type_name(&self) -> &'static str {
        match self.account.kind {
            AccountKind::User => "User",
            AccountKind::Organization => "Organization",
        }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let (account, web) = (self.account, &self.view.show.urls.web);
        let arguments = Arguments::of(info);
        match info.field_name() {
            "id" => leaf(account_node_id(account)),
            "databaseId" => int(account.id),
            "login" => leaf(account.login.as_str()),
            "name" => leaf(account.name.as_str()),
            "description" => maybe(None::<String>),
            "url" => leaf(format!("{web}/{}", account.login)),
            "resourcePath" => leaf(format!("/{}", account.login)),
            "avatarUrl" => leaf(format!("{web}/avatars/u/{}?v=4", account.id)),
            "createdAt" => time(account.created_at),
            "updatedAt" => time(account.updated_at),
            "repositories" => Connection::resolve(self.repositories(&arguments), &arguments),
            "repository" => repository::by_name(self.view, &account.login, &arguments),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
