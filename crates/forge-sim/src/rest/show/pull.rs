//! Pull requests, reviews and comments on lines.

use serde_json::{Value, json};

use super::account::extend;
use super::{Show, maybe_time, reactions, time};
use crate::world::{Issue, Pull, Repository, Review, ReviewComment, node_id};

impl Show<'_> {
    /// The shape of lists; null for an issue that is no pull request.
    pub(crate) fn pull(&self, repository: &Repository, issue: &Issue) -> Value {
        let Some(pull) = &issue.pull else {
            return Value::Null;
        };
        let base = self.repository_url(repository);
        let url = format!("{base}/pulls/{}", issue.number);
        let issue_url = format!("{base}/issues/{}", issue.number);
        let page = self.issue_page(repository, issue);
        let statuses_url = format!("{base}/statuses/{}", pull.head_sha);
        json!({
            "url": url,
            "id": pull.id,
            "node_id": node_id::encode(node_id::PULL_REQUEST, pull.id),
            "html_url": page,
            "diff_url": format!("{page}.diff"),
            "patch_url": format!("{page}.patch"),
            "issue_url": issue_url,
            "commits_url": format!("{url}/commits"),
            "review_comments_url": format!("{url}/comments"),
            "review_comment_url": format!("{base}/pulls/comments{{/number}}"),
            "comments_url": format!("{issue_url}/comments"),
            "statuses_url": statuses_url,
            "number": issue.number,
            "state": issue.state.word(),
            "locked": issue.locked,
            "title": issue.title,
            "user": self.user(issue.author_id),
            "body": issue.body,
            "labels": self.labels_of(repository, issue),
            "milestone": self.milestone_of(repository, issue),
            "active_lock_reason": null,
            "created_at": time(issue.created_at),
            "updated_at": time(issue.updated_at),
            "closed_at": maybe_time(issue.closed_at),
            "merged_at": maybe_time(pull.merged_at),
            "merge_commit_sha": pull.merge_commit_sha,
            "assignee": issue.assignee_ids.first().map(|id| self.user(*id)),
            "assignees": issue.assignee_ids.iter().map(|id| self.user(*id)).collect::<Vec<_>>(),
            "requested_reviewers": [],
            "requested_teams": [],
            "head": self.head(repository, pull),
            "base": self.end(repository, &pull.base_ref, &pull.base_sha),
            "author_association": self.association(repository, issue.author_id),
            "auto_merge": null,
            "draft": pull.draft,
            "_links": {
                "self": { "href": url },
                "html": { "href": page },
                "issue": { "href": issue_url },
                "comments": { "href": format!("{issue_url}/comments") },
                "review_comments": { "href": format!("{url}/comments") },
                "review_comment": { "href": format!("{base}/pulls/comments{{/number}}") },
                "commits": { "href": format!("{url}/commits") },
                "statuses": { "href": statuses_url },
            },
        })
    }

    /// The shape of a pull request asked for alone.
    pub(crate) fn full_pull(&self, repository: &Repository, issue: &Issue) -> Value {
        let mut shown = self.pull(repository, issue);
        if let Some(pull) = &issue.pull {
            extend(
                &mut shown,
                json!({
                    "merged": pull.merged_at.is_some(),
                    "mergeable": null,
                    "rebaseable": null,
                    "mergeable_state": "unknown",
                    "merged_by": pull.merged_by_id.map(|id| self.user(id)),
                    "comments": issue.comments.len(),
                    "review_comments": pull.comments.len(),
                    "maintainer_can_modify": false,
                    "commits": pull.commits,
                    "additions": 10,
                    "deletions": 0,
                    "changed_files": 1,
                }),
            );
        }
        shown
    }

    pub(crate) fn review(&self, repository: &Repository, issue: &Issue, review: &Review) -> Value {
        let page = format!(
            "{}#pullrequestreview-{}",
            self.issue_page(repository, issue),
            review.id
        );
        let pull_url = format!("{}/pulls/{}", self.repository_url(repository), issue.number);
        json!({
            "id": review.id,
            "node_id": node_id::encode(node_id::REVIEW, review.id),
            "user": self.user(review.author_id),
            "body": review.body,
            "state": review.state.word(),
            "html_url": page,
            "pull_request_url": pull_url,
            "author_association": self.association(repository, review.author_id),
            "_links": { "html": { "href": page }, "pull_request": { "href": pull_url } },
            "submitted_at": time(review.submitted_at),
            "commit_id": review.commit_sha,
        })
    }

    pub(crate) fn review_comment(
        &self,
        repository: &Repository,
        issue: &Issue,
        comment: &ReviewComment,
    ) -> Value {
        let base = self.repository_url(repository);
        let url = format!("{base}/pulls/comments/{}", comment.id);
        let page = format!(
            "{}#discussion_r{}",
            self.issue_page(repository, issue),
            comment.id
        );
        let pull_url = format!("{base}/pulls/{}", issue.number);
        let mut shown = json!({
            "url": url,
            "pull_request_review_id": comment.review_id,
            "id": comment.id,
            "node_id": node_id::encode(node_id::REVIEW_COMMENT, comment.id),
            "diff_hunk": comment.diff_hunk,
            "path": comment.path,
            "commit_id": comment.commit_sha,
            "original_commit_id": comment.commit_sha,
            "user": self.user(comment.author_id),
            "body": comment.body,
            "created_at": time(comment.created_at),
            "updated_at": time(comment.updated_at),
            "html_url": page,
            "pull_request_url": pull_url,
            "author_association": self.association(repository, comment.author_id),
            "_links": {
                "self": { "href": url },
                "html": { "href": page },
                "pull_request": { "href": pull_url },
            },
            "reactions": reactions(&url),
            "start_line": null,
            "original_start_line": null,
            "start_side": null,
            "line": comment.line,
            "original_line": comment.line,
            "side": "RIGHT",
            "original_position": comment.line,
            "position": comment.line,
            "subject_type": "line",
        });
        if let Some(id) = comment.in_reply_to_id {
            extend(&mut shown, json!({ "in_reply_to_id": id }));
        }
        shown
    }

    /// The end with the change; of a fork that is gone only the commit is left.
    fn head(&self, repository: &Repository, pull: &Pull) -> Value {
        let mut head = self.end(repository, &pull.head_ref, &pull.head_sha);
        if pull.head_is_gone {
            extend(
                &mut head,
                json!({ "user": null, "repo": null, "label": format!("unknown:{}", pull.head_ref) }),
            );
        }
        head
    }

    fn end(&self, repository: &Repository, name: &str, sha: &str) -> Value {
        json!({
            "label": format!("{}:{name}", self.world.login(repository.owner_id)),
            "ref": name,
            "sha": sha,
            "user": self.user(repository.owner_id),
            "repo": self.repository(repository),
        })
    }
}
