//! Where queries begin.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo, ResolvedValue};
use chrono::DateTime;

use super::account::AccountObject;
use super::cost::Price;
use super::field::{Arguments, Resolved, View, int, maybe_object, object, time, unresolved};
use super::issue::IssueObject;
use super::pull::PullObject;
use super::repository::{self, RepositoryObject};
use crate::quota::Reading;
use crate::reply::Refusal;
use crate::world::{AccountKind, Issue, Repository, node_id};

pub(super) struct Query<'w> {
    pub(super) view: View<'w>,
    pub(super) reading: Reading,
    pub(super) price: Price,
}

impl ObjectValue for Query<'_> {
    fn type_name(&self) -> &'static str {
        "Query"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let arguments = Arguments::of(info);
        let login = arguments.text("login").unwrap_or_default();
        match info.field_name() {
            "viewer" => self.viewer(),
            "rateLimit" => object(RateLimit {
                reading: self.reading,
                price: self.price,
            }),
            "organization" => self.account(login, &[AccountKind::Organization], "an Organization"),
            "user" => self.account(login, &[AccountKind::User], "a User"),
            "repositoryOwner" => {
                let show = self.view.show;
                let account = show.world.account(login);
                maybe_object(account.map(|account| AccountObject {
                    view: self.view,
                    account,
                }))
            }
            "repository" => {
                let owner = arguments.text("owner").unwrap_or_default();
                repository::by_name(self.view, owner, &arguments)
            }
            "node" => self.node(arguments.text("id").unwrap_or_default()),
            "nodes" => {
                let ids = arguments.words("ids").unwrap_or_default();
                Ok(ResolvedValue::List(Box::new(
                    ids.into_iter().map(|id| self.node(id)),
                )))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

impl<'w> Query<'w> {
    fn viewer(&self) -> Resolved<'_> {
        let show = self.view.show;
        let identity = show.caller.identity.as_ref();
        let account = identity.and_then(|identity| show.world.accounts.get(&identity.user_id));
        maybe_object(account.map(|account| AccountObject {
            view: self.view,
            account,
        }))
    }

    fn account(&self, login: &str, kinds: &[AccountKind], what: &str) -> Resolved<'_> {
        let found = self.view.show.world.account(login);
        match found.filter(|account| kinds.contains(&account.kind)) {
            Some(account) => object(AccountObject {
                view: self.view,
                account,
            }),
            None => unresolved(format!(
                "Could not resolve to {what} with the login of '{login}'."
            )),
        }
    }

    fn node(&self, id: &str) -> Resolved<'_> {
        self.find(id).unwrap_or_else(|_missing| {
            unresolved(format!(
                "Could not resolve to a node with the global id of '{id}'."
            ))
        })
    }

    fn find(&self, id: &str) -> Result<Resolved<'_>, Refusal> {
        let (prefix, number) = node_id::decode(id).ok_or_else(Refusal::not_found)?;
        let (view, world) = (self.view, self.view.show.world);
        match prefix {
            node_id::REPOSITORY => {
                let repository = world.repositories.get(&number);
                let repository = repository
                    .filter(|repository| view.show.caller.sees(repository, world))
                    .ok_or_else(Refusal::not_found)?;
                Ok(object(RepositoryObject { view, repository }))
            }
            node_id::USER | node_id::ORGANIZATION => {
                let account = world.accounts.get(&number).ok_or_else(Refusal::not_found)?;
                Ok(object(AccountObject { view, account }))
            }
            node_id::ISSUE => {
                let (repository, issue) =
                    self.issue(|issue| issue.pull.is_none() && issue.id == number)?;
                Ok(object(IssueObject {
                    view,
                    repository,
                    issue,
                }))
            }
            node_id::PULL_REQUEST => {
                let (repository, issue) =
                    self.issue(|issue| issue.pull.as_ref().is_some_and(|pull| pull.id == number))?;
                Ok(maybe_object(PullObject::of(view, repository, issue)))
            }
            _ => Err(Refusal::not_found()),
        }
    }

    fn issue(
        &self,
        wanted: impl Fn(&Issue) -> bool,
    ) -> Result<(&'w Repository, &'w Issue), Refusal> {
        let show = self.view.show;
        show.world
            .repositories
            .values()
            .filter(|repository| show.caller.sees(repository, show.world))
            .find_map(|repository| {
                Some((
                    repository,
                    repository.issues.values().find(|issue| wanted(issue))?,
                ))
            })
            .ok_or_else(Refusal::not_found)
    }
}

struct RateLimit {
    reading: Reading,
    price: Price,
}

impl ObjectValue for RateLimit {
    fn type_name(&self) -> &'static str {
        "RateLimit"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match info.field_name() {
            "cost" => int(self.price.cost),
            "nodeCount" => int(self.price.nodes),
            "limit" => int(self.reading.limit),
            "used" => int(self.reading.used),
            "remaining" => int(self.reading.remaining()),
            "resetAt" => time(DateTime::from_timestamp(self.reading.reset, 0).unwrap_or_default()),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
