//! Issues with their comments.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Grower;
use crate::git::history::{self, Fate, PullEnds};
use crate::seed::words;
use crate::world::{Comment, Issue, IssueState, Label, Milestone, StateReason};

impl Grower<'_> {
    pub(super) fn issues(
        &mut self,
        pulls: &[PullEnds],
        commits: &[String],
        labels: &[Label],
        milestones: &[Milestone],
    ) -> BTreeMap<u64, Issue> {
        let mut pulls = pulls.iter().peekable();
        let mut issues = BTreeMap::new();
        for number in 1..=self.recipe.issues + self.recipe.pulls {
            let ends = pulls.next_if(|ends| ends.number == number);
            let issue = self.issue(number, ends, commits, labels, milestones);
            issues.insert(number, issue);
        }
        issues
    }

    fn issue(
        &mut self,
        number: u64,
        ends: Option<&PullEnds>,
        commits: &[String],
        labels: &[Label],
        milestones: &[Milestone],
    ) -> Issue {
        let created_at = self.moment(i64::try_from(number).unwrap_or(0));
        let fate = if ends.is_some() {
            history::fate(number)
        } else {
            self.issue_fate()
        };
        let comments = self.comments(created_at);
        let pull = ends.map(|ends| self.pull(ends, fate, commits, created_at));
        let last = comments
            .last()
            .map_or(created_at, |comment| comment.updated_at);
        let last_review = pull.as_ref().and_then(|pull| pull.comments.last());
        let updated_at = last_review.map_or(last, |comment| comment.updated_at.max(last));
        let closed = fate != Fate::Open;
        Issue {
            id: self.world.next_id(),
            number,
            title: words::title(&mut self.random),
            body: (self.random.u8(0..6) > 0).then(|| words::text(&mut self.random)),
            state: if closed {
                IssueState::Closed
            } else {
                IssueState::Open
            },
            state_reason: (closed && pull.is_none()).then_some(match fate {
                Fate::Merged => StateReason::Completed,
                Fate::Open | Fate::Closed => StateReason::NotPlanned,
            }),
            author_id: self.contributors.pick(&mut self.random),
            assignee_ids: if self.random.bool() {
                vec![self.contributors.pick(&mut self.random)]
            } else {
                Vec::new()
            },
            label_ids: labels
                .iter()
                .filter(|_| self.random.u8(0..4) == 0)
                .map(|l| l.id)
                .collect(),
            milestone: self
                .random
                .choice(milestones)
                .map(|milestone| milestone.number),
            locked: self.random.u8(0..20) == 0,
            created_at,
            updated_at,
            closed_at: closed.then_some(updated_at),
            comments,
            pull,
        }
    }

    fn issue_fate(&mut self) -> Fate {
        match self.random.u8(0..5) {
            0 | 1 => Fate::Open,
            2 => Fate::Closed,
            _ => Fate::Merged,
        }
    }

    fn comments(&mut self, after: DateTime<Utc>) -> Vec<Comment> {
        let mut at = after;
        (0..self.recipe.comments_per_issue)
            .map(|_| {
                at += TimeDelta::minutes(self.random.i64(1..600));
                Comment {
                    id: self.world.next_id(),
                    author_id: self.author(),
                    body: words::text(&mut self.random),
                    created_at: at,
                    updated_at: at,
                }
            })
            .collect()
    }
}
