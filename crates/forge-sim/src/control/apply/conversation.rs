//! Changes to what people write: issues, comments, reviews.

use super::Workshop;
use crate::control::{Mutated, Mutation};
use crate::error::Error;
use crate::world::{Comment, Issue, IssueState, Review, ReviewComment, ReviewState, StateReason};

impl Workshop<'_> {
    pub(super) fn converse(&mut self, mutation: &Mutation) -> Result<Mutated, Error> {
        match mutation {
            Mutation::AddIssue {
                repository,
                title,
                body,
            } => self.add_issue(repository, title, body.as_deref()),
            Mutation::EditIssue {
                repository,
                number,
                title,
                body,
                closed,
            } => self.edit_issue(repository, *number, |issue, now| {
                if let Some(title) = title {
                    issue.title.clone_from(title);
                }
                if let Some(body) = body {
                    issue.body = Some(body.clone());
                }
                if let Some(closed) = closed {
                    let (state, reason) = if *closed {
                        (IssueState::Closed, StateReason::Completed)
                    } else {
                        (IssueState::Open, StateReason::Reopened)
                    };
                    issue.state = state;
                    issue.state_reason = Some(reason);
                    issue.closed_at = closed.then_some(now);
                }
            }),
            Mutation::DeleteIssue { repository, number } => self.delete_issue(repository, *number),
            Mutation::AddComment {
                repository,
                number,
                body,
            } => self.add_comment(repository, *number, body),
            Mutation::EditComment {
                repository,
                id,
                body,
            } => self.edit_comment(repository, *id, body),
            Mutation::DeleteComment { repository, id } => self.delete_comment(repository, *id),
            Mutation::AddReview {
                repository,
                number,
                body,
                state,
            } => self.add_review(repository, *number, body, *state),
            Mutation::AddReviewComment {
                repository,
                number,
                body,
            } => self.add_review_comment(repository, *number, body),
            Mutation::AddLabel { repository, name } => self.add_label(repository, name),
            Mutation::EditLabel {
                repository,
                name,
                new_name,
                color,
            } => self.edit_label(repository, name, new_name.as_deref(), color.as_deref()),
            Mutation::DeleteLabel { repository, name } => self.delete_label(repository, name),
            other => Err(Error::Invalid(format!(
                "{other:?} is no part of a conversation"
            ))),
        }
    }

    fn add_issue(
        &mut self,
        repository: &str,
        title: &str,
        body: Option<&str>,
    ) -> Result<Mutated, Error> {
        let (now, author_id) = (self.now, self.author_id);
        let id = self.world.next_id();
        let repository = self.repository(repository)?;
        let number = repository.next_number();
        let issue = Issue {
            title: title.to_owned(),
            body: body.map(str::to_owned),
            ..Issue::opened(id, number, author_id, now)
        };
        repository.issues.insert(number, issue);
        Ok(Mutated {
            id: Some(id),
            number: Some(number),
            sha: None,
        })
    }

    fn edit_issue(
        &mut self,
        repository: &str,
        number: u64,
        edit: impl FnOnce(&mut Issue, chrono::DateTime<chrono::Utc>),
    ) -> Result<Mutated, Error> {
        let now = self.now;
        let issue = self
            .repository(repository)?
            .issues
            .get_mut(&number)
            .ok_or_else(|| Error::Unknown(format!("issue {number} of {repository}")))?;
        edit(issue, now);
        issue.updated_at = now;
        Ok(Mutated {
            id: Some(issue.id),
            number: Some(number),
            sha: None,
        })
    }

    fn delete_issue(&mut self, repository: &str, number: u64) -> Result<Mutated, Error> {
        let issue = self.repository(repository)?.issues.remove(&number);
        issue
            .map(|issue| Mutated::id(issue.id))
            .ok_or_else(|| Error::Unknown(format!("issue {number} of {repository}")))
    }

    fn add_comment(&mut self, repository: &str, number: u64, body: &str) -> Result<Mutated, Error> {
        let id = self.world.next_id();
        let author_id = self.author_id;
        self.edit_issue(repository, number, |issue, now| {
            issue.comments.push(Comment {
                id,
                author_id,
                body: body.to_owned(),
                created_at: now,
                updated_at: now,
            });
        })?;
        Ok(Mutated::id(id))
    }

    fn edit_comment(&mut self, repository: &str, id: u64, body: &str) -> Result<Mutated, Error> {
        let number = self.issue_of_comment(repository, id)?;
        self.edit_issue(repository, number, |issue, now| {
            for comment in issue.comments.iter_mut().filter(|comment| comment.id == id) {
                body.clone_into(&mut comment.body);
                comment.updated_at = now;
            }
        })?;
        Ok(Mutated::id(id))
    }

    fn delete_comment(&mut self, repository: &str, id: u64) -> Result<Mutated, Error> {
        let number = self.issue_of_comment(repository, id)?;
        self.edit_issue(repository, number, |issue, _| {
            issue.comments.retain(|comment| comment.id != id);
        })?;
        Ok(Mutated::id(id))
    }

    fn issue_of_comment(&mut self, repository: &str, id: u64) -> Result<u64, Error> {
        self.repository(repository)?
            .issues
            .values()
            .find(|issue| issue.comments.iter().any(|comment| comment.id == id))
            .map(|issue| issue.number)
            .ok_or_else(|| Error::Unknown(format!("comment {id} of {repository}")))
    }

    fn add_review(
        &mut self,
        repository: &str,
        number: u64,
        body: &str,
        state: ReviewState,
    ) -> Result<Mutated, Error> {
        let id = self.world.next_id();
        let author_id = self.author_id;
        self.edit_issue(repository, number, |issue, now| {
            if let Some(pull) = &mut issue.pull {
                pull.reviews.push(Review {
                    id,
                    author_id,
                    body: body.to_owned(),
                    state,
                    commit_sha: pull.head_sha.clone(),
                    submitted_at: now,
                    updated_at: now,
                });
            }
        })?;
        Ok(Mutated::id(id))
    }

    fn add_review_comment(
        &mut self,
        repository: &str,
        number: u64,
        body: &str,
    ) -> Result<Mutated, Error> {
        let id = self.world.next_id();
        let author_id = self.author_id;
        self.edit_issue(repository, number, |issue, now| {
            if let Some(pull) = &mut issue.pull {
                pull.comments.push(ReviewComment {
                    id,
                    review_id: None,
                    in_reply_to_id: None,
                    author_id,
                    body: body.to_owned(),
                    path: "README.md".to_owned(),
                    line: 1,
                    diff_hunk: "@@ -1 +1 @@".to_owned(),
                    commit_sha: pull.head_sha.clone(),
                    created_at: now,
                    updated_at: now,
                });
            }
        })?;
        Ok(Mutated::id(id))
    }
}
