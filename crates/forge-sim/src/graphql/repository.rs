//! Repositories.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::absent::DiscussionObject;
use super::account::AccountObject;
use super::connection::{Connection, Listed};
use super::conversation::{LabelObject, MilestoneObject};
use super::field::{
    Arguments, Resolved, View, int, leaf, maybe, maybe_object, maybe_time, object, time, unresolved,
};
use super::issue::{self, IssueObject};
use super::pull::{self, PullObject};
use super::reference::{self, LanguageObject, LicenseObject, RefObject};
use super::release::ReleaseObject;
use super::topic::TopicObject;
use crate::git::refs;
use crate::world::{Repository, node_id};

#[derive(Clone, Copy)]
pub(super) struct RepositoryObject<'w> {
    pub(super) view: View<'w>,
    pub(super) repository: &'w Repository,
}

/// The repository with a name, or once with that name unless `followRenames` says no.
pub(super) fn by_name<'a>(view: View<'a>, owner: &str, arguments: &Arguments<'_>) -> Resolved<'a> {
    let name = arguments.text("name").unwrap_or_default();
    let (world, caller) = (view.show.world, view.show.caller);
    let renamed = || {
        let follow = arguments.truth("followRenames").unwrap_or(true);
        world.renamed(owner, name).filter(|_| follow)
    };
    let found = world.repository(owner, name).or_else(renamed);
    match found.filter(|repository| caller.sees(repository, world)) {
        Some(repository) => object(RepositoryObject { view, repository }),
        None => unresolved(format!(
            "Could not resolve to a Repository with the name '{owner}/{name}'."
        )),
    }
}

impl Listed for RepositoryObject<'_> {
    const CONNECTION: &'static str = "RepositoryConnection";
    const EDGE: &'static str = "RepositoryEdge";

    fn key(&self) -> u64 {
        self.repository.id
    }

    fn disk_usage(&self) -> u64 {
        self.repository.size_kib
    }
}

impl ObjectValue for RepositoryObject<'_> {
    fn type_name(&self) -> &'static str {
        "Repository"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let repository = self.repository;
        let show = self.view.show;
        match info.field_name() {
            "id" => leaf(node_id::encode(node_id::REPOSITORY, repository.id)),
            "databaseId" => int(repository.id),
            "name" => leaf(repository.name.as_str()),
            "nameWithOwner" => leaf(show.world.full_name(repository)),
            "owner" => maybe_object(AccountObject::by_id(self.view, repository.owner_id)),
            "url" => leaf(show.repository_page(repository)),
            "resourcePath" => leaf(format!("/{}", show.world.full_name(repository))),
            "sshUrl" => leaf(format!(
                "git@localhost:{}.git",
                show.world.full_name(repository)
            )),
            "description" => maybe(repository.description.clone()),
            "homepageUrl" => maybe(repository.homepage.clone()),
            "visibility" => leaf(if repository.private {
                "PRIVATE"
            } else {
                "PUBLIC"
            }),
            "createdAt" => time(repository.created_at),
            "updatedAt" => time(repository.updated_at),
            "pushedAt" => time(repository.pushed_at),
            "archivedAt" => maybe_time(repository.archived.then_some(repository.updated_at)),
            "diskUsage" => int(repository.size_kib),
            "stargazerCount" => int(repository.stars),
            "forkCount" => int(0),
            "isPrivate" => leaf(repository.private),
            "isFork" => leaf(repository.fork),
            "isArchived" => leaf(repository.archived),
            "isDisabled" => leaf(repository.disabled),
            "isEmpty" => leaf(refs::is_empty(&repository.git)),
            "isLocked" | "isMirror" | "hasDiscussionsEnabled" => leaf(false),
            "isTemplate" => leaf(repository.template),
            "hasIssuesEnabled" => leaf(repository.has_issues),
            "hasProjectsEnabled" => leaf(true),
            "hasWikiEnabled" => leaf(repository.has_wiki),
            _ => self.related(info),
        }
    }
}

impl<'w> RepositoryObject<'w> {
    /// Fields that lead to other things.
    fn related<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let (view, repository) = (self.view, self.repository);
        let arguments = Arguments::of(info);
        match info.field_name() {
            "licenseInfo" => maybe_object(
                repository
                    .license
                    .as_ref()
                    .map(|license| LicenseObject { license }),
            ),
            "primaryLanguage" => {
                let language = repository.language.as_deref();
                maybe_object(language.map(|name| LanguageObject { name }))
            }
            "defaultBranchRef" => maybe_object(RefObject::default_branch(view, repository)),
            "refs" => {
                Connection::resolve(reference::under(view, repository, &arguments), &arguments)
            }
            "repositoryTopics" => {
                let topics = repository.topics.iter();
                Connection::resolve(
                    topics.map(|name| TopicObject { name }).collect(),
                    &arguments,
                )
            }
            "labels" => Connection::resolve(self.labels(&arguments), &arguments),
            "milestones" => Connection::resolve(self.milestones(&arguments), &arguments),
            "issues" => Connection::resolve(issue::list(view, repository, &arguments), &arguments),
            "issue" => maybe_object(self.numbered(&arguments).and_then(|number| {
                let issue = repository.issues.get(&number)?;
                issue.pull.is_none().then_some(IssueObject {
                    view,
                    repository,
                    issue,
                })
            })),
            "pullRequests" => {
                Connection::resolve(pull::list(view, repository, &arguments), &arguments)
            }
            "pullRequest" => maybe_object(self.numbered(&arguments).and_then(|number| {
                PullObject::of(view, repository, repository.issues.get(&number)?)
            })),
            "releases" => Connection::resolve(self.releases(&arguments), &arguments),
            "discussions" => Connection::resolve(Vec::<DiscussionObject>::new(), &arguments),
            _ => Err(self.unknown_field_error(info)),
        }
    }

    #[expect(
        clippy::unused_self,
        reason = "reads as a question about this repository"
    )]
    fn numbered(&self, arguments: &Arguments<'_>) -> Option<u64> {
        arguments
            .number("number")
            .and_then(|number| u64::try_from(number).ok())
    }

    fn labels(&self, arguments: &Arguments<'_>) -> Vec<LabelObject<'w>> {
        let (view, repository) = (self.view, self.repository);
        let labels = repository.labels.iter();
        let mut labels = labels
            .map(|label| LabelObject {
                view,
                repository,
                label,
            })
            .collect::<Vec<_>>();
        LabelObject::sort(&mut labels, arguments);
        labels
    }

    fn milestones(&self, arguments: &Arguments<'_>) -> Vec<MilestoneObject<'w>> {
        let (view, repository) = (self.view, self.repository);
        let mut milestones = repository
            .milestones
            .iter()
            .filter(|milestone| arguments.wants_state(&milestone.state.word().to_uppercase()))
            .map(|milestone| MilestoneObject {
                view,
                repository,
                milestone,
            })
            .collect::<Vec<_>>();
        MilestoneObject::sort(&mut milestones, arguments);
        milestones
    }

    fn releases(&self, arguments: &Arguments<'_>) -> Vec<ReleaseObject<'w>> {
        let (view, repository) = (self.view, self.repository);
        let releases = repository.releases.iter();
        let mut releases = releases
            .map(|release| ReleaseObject {
                view,
                repository,
                release,
            })
            .collect::<Vec<_>>();
        ReleaseObject::sort(&mut releases, arguments);
        releases
    }
}
