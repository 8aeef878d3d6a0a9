//! Pull requests and their reviews.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::absent::PullEventObject;
use super::account::AccountObject;
use super::connection::{Connection, Listed};
use super::field::{Arguments, Resolved, View, int, leaf, maybe_object, maybe_time, object, time};
use super::issue::{self, IssueObject};
use super::reference::CommitObject;
use crate::world::{Issue, IssueState, Pull, Repository, Review, node_id};

#[derive(Clone, Copy)]
pub(super) struct PullObject<'w> {
    view: View<'w>,
    repository: &'w Repository,
    issue: &'w Issue,
    pull: &'w Pull,
}

/// The pull requests that the arguments ask for, in their order.
pub(super) fn list<'w>(
    view: View<'w>,
    repository: &'w Repository,
    arguments: &Arguments<'_>,
) -> Vec<PullObject<'w>> {
    let mut issues = repository.pulls().collect::<Vec<_>>();
    issue::sort(&mut issues, arguments);
    issues
        .into_iter()
        .filter_map(|issue| PullObject::of(view, repository, issue))
        .filter(|object| arguments.wants_state(object.state()))
        .filter(|object| {
            let same = |name: &str, branch: &str| {
                arguments.text(name).is_none_or(|wanted| wanted == branch)
            };
            same("headRefName", &object.pull.head_ref) && same("baseRefName", &object.pull.base_ref)
        })
        .collect()
}

impl<'w> PullObject<'w> {
    /// None for an issue that is no pull request.
    pub(super) fn of(view: View<'w>, repository: &'w Repository, issue: &'w Issue) -> Option<Self> {
        let pull = issue.pull.as_ref()?;
        Some(Self {
            view,
            repository,
            issue,
            pull,
        })
    }

    fn state(&self) -> &'static str {
        match (self.pull.merged_at, self.issue.state) {
            (Some(_), _) => "MERGED",
            (None, IssueState::Closed) => "CLOSED",
            (None, IssueState::Open) => "OPEN",
        }
    }

    fn reviews(&self, arguments: &Arguments<'_>) -> Vec<ReviewObject<'w>> {
        let Self {
            view,
            repository,
            issue,
            pull,
        } = *self;
        pull.reviews
            .iter()
            .filter(|review| arguments.wants_state(review.state.word()))
            .filter(|review| {
                let login = view.show.world.login(review.author_id);
                arguments
                    .text("author")
                    .is_none_or(|wanted| wanted == login)
            })
            .map(|review| ReviewObject {
                view,
                repository,
                issue,
                review,
            })
            .collect()
    }
}

impl Listed for PullObject<'_> {
    const CONNECTION: &'static str = "PullRequestConnection";
    const EDGE: &'static str = "PullRequestEdge";

    fn key(&self) -> u64 {
        self.pull.id
    }
}

impl ObjectValue for PullObject<'_> {
    fn type_name(&self) -> &'static str {
        "PullRequest"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let Self {
            view,
            repository,
            issue,
            pull,
        } = *self;
        let arguments = Arguments::of(info);
        match info.field_name() {
            "id" => leaf(node_id::encode(node_id::PULL_REQUEST, pull.id)),
            "databaseId" => int(pull.id),
            "fullDatabaseId" => leaf(pull.id.to_string()),
            "state" => leaf(self.state()),
            "isDraft" => leaf(pull.draft),
            "merged" => leaf(pull.merged_at.is_some()),
            "mergedAt" => maybe_time(pull.merged_at),
            "headRefName" => leaf(pull.head_ref.as_str()),
            "headRefOid" => leaf(pull.head_sha.as_str()),
            "baseRefName" => leaf(pull.base_ref.as_str()),
            "baseRefOid" => leaf(pull.base_sha.as_str()),
            "reviews" => Connection::resolve(self.reviews(&arguments), &arguments),
            "timelineItems" => Connection::resolve(Vec::<PullEventObject>::new(), &arguments),
            _ => issue::shared(
                IssueObject {
                    view,
                    repository,
                    issue,
                },
                info,
            )
            .unwrap_or_else(|| Err(self.unknown_field_error(info))),
        }
    }
}

#[derive(Clone, Copy)]
struct ReviewObject<'w> {
    view: View<'w>,
    repository: &'w Repository,
    issue: &'w Issue,
    review: &'w Review,
}

impl Listed for ReviewObject<'_> {
    const CONNECTION: &'static str = "PullRequestReviewConnection";
    const EDGE: &'static str = "PullRequestReviewEdge";

    fn key(&self) -> u64 {
        self.review.id
    }
}

impl ObjectValue for ReviewObject<'_> {
    fn type_name(&self) -> &'static str {
        "PullRequestReview"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let Self {
            view,
            repository,
            issue,
            review,
        } = *self;
        match info.field_name() {
            "id" => leaf(node_id::encode(node_id::REVIEW, review.id)),
            "databaseId" => int(review.id),
            "fullDatabaseId" => leaf(review.id.to_string()),
            "author" => maybe_object(AccountObject::by_id(view, review.author_id)),
            "authorAssociation" => leaf(view.show.association(repository, review.author_id)),
            "body" => leaf(review.body.as_str()),
            "state" => leaf(review.state.word()),
            "submittedAt" | "createdAt" => time(review.submitted_at),
            "updatedAt" => time(review.updated_at),
            "commit" => object(CommitObject {
                view,
                repository,
                oid: review.commit_sha.clone(),
            }),
            "url" => {
                let page = view.show.issue_page(repository, issue);
                leaf(format!("{page}#pullrequestreview-{}", review.id))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
