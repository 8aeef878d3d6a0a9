//! Labels, milestones, comments.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::account::AccountObject;
use super::connection::Listed;
use super::field::{Arguments, Resolved, View, int, leaf, maybe, maybe_object, maybe_time, time};
use crate::world::{Comment, Issue, Label, Milestone, Repository, node_id};

#[derive(Clone, Copy)]
pub(super) struct LabelObject<'w> {
    pub(super) view: View<'w>,
    pub(super) repository: &'w Repository,
    pub(super) label: &'w Label,
}

impl LabelObject<'_> {
    pub(super) fn sort(labels: &mut [Self], arguments: &Arguments<'_>) {
        let (field, descending) = arguments.order().unwrap_or(("CREATED_AT", false));
        match field {
            "NAME" => labels.sort_by_key(|object| object.label.name.to_lowercase()),
            _ => labels.sort_by_key(|object| (object.label.created_at, object.label.id)),
        }
        if descending {
            labels.reverse();
        }
    }
}

impl Listed for LabelObject<'_> {
    const CONNECTION: &'static str = "LabelConnection";
    const EDGE: &'static str = "LabelEdge";

    fn key(&self) -> u64 {
        self.label.id
    }
}

impl ObjectValue for LabelObject<'_> {
    fn type_name(&self) -> &'static str {
        "Label"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let label = self.label;
        match info.field_name() {
            "id" => leaf(node_id::encode(node_id::LABEL, label.id)),
            "name" => leaf(label.name.as_str()),
            "color" => leaf(label.color.as_str()),
            "description" => maybe(label.description.clone()),
            "isDefault" => leaf(label.default),
            "createdAt" => time(label.created_at),
            "updatedAt" => time(label.updated_at),
            "url" => {
                let page = self.view.show.repository_page(self.repository);
                leaf(format!("{page}/labels/{}", label.name.replace(' ', "%20")))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct MilestoneObject<'w> {
    pub(super) view: View<'w>,
    pub(super) repository: &'w Repository,
    pub(super) milestone: &'w Milestone,
}

impl MilestoneObject<'_> {
    pub(super) fn sort(milestones: &mut [Self], arguments: &Arguments<'_>) {
        let (field, descending) = arguments.order().unwrap_or(("NUMBER", false));
        match field {
            "CREATED_AT" => milestones.sort_by_key(|m| (m.milestone.created_at, m.milestone.id)),
            "UPDATED_AT" => milestones.sort_by_key(|m| (m.milestone.updated_at, m.milestone.id)),
            "DUE_DATE" => milestones.sort_by_key(|m| (m.milestone.due_on, m.milestone.id)),
            _ => milestones.sort_by_key(|m| m.milestone.number),
        }
        if descending {
            milestones.reverse();
        }
    }
}

impl Listed for MilestoneObject<'_> {
    const CONNECTION: &'static str = "MilestoneConnection";
    const EDGE: &'static str = "MilestoneEdge";

    fn key(&self) -> u64 {
        self.milestone.id
    }
}

impl ObjectValue for MilestoneObject<'_> {
    fn type_name(&self) -> &'static str {
        "Milestone"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let milestone = self.milestone;
        match info.field_name() {
            "id" => leaf(node_id::encode(node_id::MILESTONE, milestone.id)),
            "number" => int(milestone.number),
            "title" => leaf(milestone.title.as_str()),
            "description" => maybe(milestone.description.clone()),
            "state" => leaf(milestone.state.word().to_uppercase()),
            "creator" => maybe_object(AccountObject::by_id(self.view, milestone.creator_id)),
            "createdAt" => time(milestone.created_at),
            "updatedAt" => time(milestone.updated_at),
            "closedAt" => maybe_time(milestone.closed_at),
            "dueOn" => maybe_time(milestone.due_on),
            "url" => {
                let page = self.view.show.repository_page(self.repository);
                leaf(format!("{page}/milestone/{}", milestone.number))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct CommentObject<'w> {
    pub(super) view: View<'w>,
    pub(super) repository: &'w Repository,
    pub(super) issue: &'w Issue,
    pub(super) comment: &'w Comment,
}

impl Listed for CommentObject<'_> {
    const CONNECTION: &'static str = "IssueCommentConnection";
    const EDGE: &'static str = "IssueCommentEdge";

    fn key(&self) -> u64 {
        self.comment.id
    }
}

impl ObjectValue for CommentObject<'_> {
    fn type_name(&self) -> &'static str {
        "IssueComment"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let (comment, show) = (self.comment, self.view.show);
        match info.field_name() {
            "id" => leaf(node_id::encode(node_id::ISSUE_COMMENT, comment.id)),
            "databaseId" => int(comment.id),
            "fullDatabaseId" => leaf(comment.id.to_string()),
            "author" => maybe_object(AccountObject::by_id(self.view, comment.author_id)),
            "authorAssociation" => leaf(show.association(self.repository, comment.author_id)),
            "body" => leaf(comment.body.as_str()),
            "createdAt" => time(comment.created_at),
            "updatedAt" => time(comment.updated_at),
            "url" => {
                let page = show.issue_page(self.repository, self.issue);
                leaf(format!("{page}#issuecomment-{}", comment.id))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
