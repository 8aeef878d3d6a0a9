//! Issues and their comments.

use serde_json::{Value, json};

use super::account::extend;
use super::{Show, maybe_time, reactions, time};
use crate::world::{Comment, Issue, Repository, StateReason, node_id};

impl Show<'_> {
    pub(crate) fn issue(&self, repository: &Repository, issue: &Issue) -> Value {
        let base = self.repository_url(repository);
        let url = format!("{base}/issues/{}", issue.number);
        let mut shown = json!({
            "url": url,
            "repository_url": base,
            "labels_url": format!("{url}/labels{{/name}}"),
            "comments_url": format!("{url}/comments"),
            "events_url": format!("{url}/events"),
            "timeline_url": format!("{url}/timeline"),
            "html_url": self.issue_page(repository, issue),
            "id": issue.id,
            "node_id": node_id_of(issue),
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.author_id),
            "labels": self.labels_of(repository, issue),
            "state": issue.state.word(),
            "locked": issue.locked,
            "assignee": issue.assignee_ids.first().map(|id| self.user(*id)),
            "assignees": issue.assignee_ids.iter().map(|id| self.user(*id)).collect::<Vec<_>>(),
            "milestone": self.milestone_of(repository, issue),
            "comments": issue.comments.len(),
            "created_at": time(issue.created_at),
            "updated_at": time(issue.updated_at),
            "closed_at": maybe_time(issue.closed_at),
            "author_association": self.association(repository, issue.author_id),
            "active_lock_reason": null,
            "body": issue.body,
            "reactions": reactions(&url),
            "performed_via_github_app": null,
            "state_reason": issue.state_reason.map(StateReason::word),
            "closed_by": issue.closed_at.map(|_| self.user(issue.author_id)),
        });
        if let Some(pull) = &issue.pull {
            let page = self.issue_page(repository, issue);
            extend(
                &mut shown,
                json!({
                    "draft": pull.draft,
                    "pull_request": {
                        "url": format!("{base}/pulls/{}", issue.number),
                        "html_url": page,
                        "diff_url": format!("{page}.diff"),
                        "patch_url": format!("{page}.patch"),
                        "merged_at": maybe_time(pull.merged_at),
                    },
                }),
            );
        }
        shown
    }

    pub(crate) fn comment(
        &self,
        repository: &Repository,
        issue: &Issue,
        comment: &Comment,
    ) -> Value {
        let base = self.repository_url(repository);
        let url = format!("{base}/issues/comments/{}", comment.id);
        json!({
            "url": url,
            "html_url": format!("{}#issuecomment-{}", self.issue_page(repository, issue), comment.id),
            "issue_url": format!("{base}/issues/{}", issue.number),
            "id": comment.id,
            "node_id": node_id::encode(node_id::ISSUE_COMMENT, comment.id),
            "user": self.user(comment.author_id),
            "created_at": time(comment.created_at),
            "updated_at": time(comment.updated_at),
            "author_association": self.association(repository, comment.author_id),
            "body": comment.body,
            "reactions": reactions(&url),
            "performed_via_github_app": null,
        })
    }

    pub(crate) fn labels_of(&self, repository: &Repository, issue: &Issue) -> Vec<Value> {
        repository
            .labels
            .iter()
            .filter(|label| issue.label_ids.contains(&label.id))
            .map(|label| self.label(repository, label))
            .collect()
    }

    pub(super) fn milestone_of(&self, repository: &Repository, issue: &Issue) -> Option<Value> {
        let number = issue.milestone?;
        let milestone = repository.milestones.iter().find(|m| m.number == number)?;
        Some(self.milestone(repository, milestone))
    }

    /// The page of an issue or a pull request.
    pub(crate) fn issue_page(&self, repository: &Repository, issue: &Issue) -> String {
        let kind = if issue.pull.is_some() {
            "pull"
        } else {
            "issues"
        };
        format!(
            "{}/{kind}/{}",
            self.repository_page(repository),
            issue.number
        )
    }
}

fn node_id_of(issue: &Issue) -> String {
    match &issue.pull {
        None => node_id::encode(node_id::ISSUE, issue.id),
        Some(pull) => node_id::encode(node_id::PULL_REQUEST, pull.id),
    }
}
