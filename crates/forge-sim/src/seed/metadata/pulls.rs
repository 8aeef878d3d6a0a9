//! Pull requests with reviews and comments on lines.

use chrono::{DateTime, TimeDelta, Utc};

use super::Grower;
use crate::git::history::{self, Fate, PullEnds};
use crate::seed::words;
use crate::world::{Pull, Review, ReviewComment, ReviewState};

impl Grower<'_> {
    pub(super) fn pull(
        &mut self,
        ends: &PullEnds,
        fate: Fate,
        commits: &[String],
        created_at: DateTime<Utc>,
    ) -> Pull {
        let merged = fate == Fate::Merged;
        let reviews = self.reviews(ends, created_at);
        let comments = self.review_comments(ends, &reviews, created_at);
        Pull {
            id: self.world.next_id(),
            head_ref: history::head_ref(ends.number),
            head_sha: ends.head_sha.clone(),
            head_is_gone: ends.number.is_multiple_of(8),
            base_ref: "main".to_owned(),
            base_sha: ends.base_sha.clone(),
            draft: fate == Fate::Open && self.random.u8(0..4) == 0,
            merged_at: merged.then(|| created_at + TimeDelta::days(2)),
            merged_by_id: merged.then(|| self.contributors.pick(&mut self.random)),
            merge_commit_sha: commits.last().filter(|_| merged).cloned(),
            commits: 1,
            reviews,
            comments,
        }
    }

    fn reviews(&mut self, ends: &PullEnds, after: DateTime<Utc>) -> Vec<Review> {
        const STATES: [ReviewState; 3] = [
            ReviewState::Commented,
            ReviewState::ChangesRequested,
            ReviewState::Approved,
        ];
        let mut at = after;
        (0..self.recipe.reviews_per_pull)
            .map(|_| {
                at += TimeDelta::minutes(self.random.i64(1..300));
                Review {
                    id: self.world.next_id(),
                    author_id: self.contributors.pick(&mut self.random),
                    body: words::text(&mut self.random),
                    state: *self
                        .random
                        .choice(&STATES)
                        .unwrap_or(&ReviewState::Commented),
                    commit_sha: ends.head_sha.clone(),
                    submitted_at: at,
                    updated_at: at,
                }
            })
            .collect()
    }

    fn review_comments(
        &mut self,
        ends: &PullEnds,
        reviews: &[Review],
        after: DateTime<Utc>,
    ) -> Vec<ReviewComment> {
        let mut at = after + TimeDelta::hours(6);
        let mut comments: Vec<ReviewComment> = Vec::new();
        for index in 0..self.recipe.review_comments_per_pull {
            at += TimeDelta::minutes(self.random.i64(1..60));
            let answers = index % 3 == 2;
            comments.push(ReviewComment {
                id: self.world.next_id(),
                review_id: self.random.choice(reviews).map(|review| review.id),
                in_reply_to_id: comments
                    .last()
                    .filter(|_| answers)
                    .map(|comment| comment.id),
                author_id: self.contributors.pick(&mut self.random),
                body: words::text(&mut self.random),
                path: format!("topics/{}.txt", ends.number),
                line: index + 1,
                diff_hunk: format!("@@ -0,0 +1,9 @@\n+{}", words::title(&mut self.random)),
                commit_sha: ends.head_sha.clone(),
                created_at: at,
                updated_at: at,
            });
        }
        comments
    }
}
