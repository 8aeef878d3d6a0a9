//! Issues that are not pull requests.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};
use chrono::DateTime;

use super::absent::IssueEventObject;
use super::account::AccountObject;
use super::connection::{Connection, Listed};
use super::conversation::{CommentObject, LabelObject, MilestoneObject};
use super::field::{Arguments, Resolved, View, int, leaf, maybe, maybe_object, maybe_time, time};
use crate::world::{Issue, Repository, node_id};

#[derive(Clone, Copy)]
pub(super) struct IssueObject<'w> {
    pub(super) view: View<'w>,
    pub(super) repository: &'w Repository,
    pub(super) issue: &'w Issue,
}

/// The issues that the arguments ask for, in their order.
pub(super) fn list<'w>(
    view: View<'w>,
    repository: &'w Repository,
    arguments: &Arguments<'_>,
) -> Vec<IssueObject<'w>> {
    let since = arguments
        .member("filterBy", "since")
        .and_then(|since| since.as_str())
        .and_then(|since| DateTime::parse_from_rfc3339(since).ok());
    let mut issues = repository
        .plain_issues()
        .filter(|issue| arguments.wants_state(&issue.state.word().to_uppercase()))
        .filter(|issue| since.is_none_or(|since| issue.updated_at >= since))
        .collect::<Vec<_>>();
    sort(&mut issues, arguments);
    issues
        .into_iter()
        .map(|issue| IssueObject {
            view,
            repository,
            issue,
        })
        .collect()
}

/// Sorts issues and pull requests by `orderBy`; by number when it is absent.
pub(super) fn sort(issues: &mut [&Issue], arguments: &Arguments<'_>) {
    let Some((field, descending)) = arguments.order() else {
        return;
    };
    match field {
        "UPDATED_AT" => issues.sort_by_key(|issue| (issue.updated_at, issue.number)),
        "COMMENTS" => issues.sort_by_key(|issue| (issue.comments.len(), issue.number)),
        _ => issues.sort_by_key(|issue| (issue.created_at, issue.number)),
    }
    if descending {
        issues.reverse();
    }
}

/// Fields that issues and pull requests have in common; none for others.
pub(super) fn shared<'a>(
    object: IssueObject<'a>,
    info: &'a ResolveInfo<'a>,
) -> Option<Resolved<'a>> {
    let IssueObject {
        view,
        repository,
        issue,
    } = object;
    let arguments = Arguments::of(info);
    let resolved = match info.field_name() {
        "number" => int(issue.number),
        "title" => leaf(issue.title.as_str()),
        "body" => leaf(issue.body.as_deref().unwrap_or_default()),
        "locked" => leaf(issue.locked),
        "author" => maybe_object(AccountObject::by_id(view, issue.author_id)),
        "authorAssociation" => leaf(view.show.association(repository, issue.author_id)),
        "createdAt" => time(issue.created_at),
        "updatedAt" => time(issue.updated_at),
        "closedAt" => maybe_time(issue.closed_at),
        "url" => leaf(view.show.issue_page(repository, issue)),
        "comments" => {
            let comments = issue.comments.iter();
            let objects = comments.map(|comment| CommentObject {
                view,
                repository,
                issue,
                comment,
            });
            Connection::resolve(objects.collect(), &arguments)
        }
        "labels" => {
            let own = repository
                .labels
                .iter()
                .filter(|label| issue.label_ids.contains(&label.id));
            let mut labels = own
                .map(|label| LabelObject {
                    view,
                    repository,
                    label,
                })
                .collect::<Vec<_>>();
            LabelObject::sort(&mut labels, &arguments);
            Connection::resolve(labels, &arguments)
        }
        "milestone" => {
            let milestone = repository
                .milestones
                .iter()
                .find(|m| Some(m.number) == issue.milestone);
            maybe_object(milestone.map(|milestone| MilestoneObject {
                view,
                repository,
                milestone,
            }))
        }
        _ => return None,
    };
    Some(resolved)
}

impl Listed for IssueObject<'_> {
    const CONNECTION: &'static str = "IssueConnection";
    const EDGE: &'static str = "IssueEdge";

    fn key(&self) -> u64 {
        self.issue.id
    }
}

impl ObjectValue for IssueObject<'_> {
    fn type_name(&self) -> &'static str {
        "Issue"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let issue = self.issue;
        match info.field_name() {
            "id" => leaf(node_id::encode(node_id::ISSUE, issue.id)),
            "databaseId" => int(issue.id),
            "fullDatabaseId" => leaf(issue.id.to_string()),
            "state" => leaf(issue.state.word().to_uppercase()),
            "stateReason" => maybe(
                issue
                    .state_reason
                    .map(|reason| reason.word().to_uppercase()),
            ),
            "timelineItems" => {
                Connection::resolve(Vec::<IssueEventObject>::new(), &Arguments::of(info))
            }
            _ => shared(*self, info).unwrap_or_else(|| Err(self.unknown_field_error(info))),
        }
    }
}
