//! The kinds of data that GitHub gives as lists: one file a kind, one line here.

mod issue_comments;
mod issues;
mod labels;
mod milestones;
mod pull_requests;
mod releases;
mod review_comments;
pub(crate) mod reviews;

use crate::content::Collection;

/// Every collection.
pub(crate) static COLLECTIONS: [&Collection; 8] = [
    &labels::LABELS,
    &milestones::MILESTONES,
    &issues::ISSUES,
    &issue_comments::ISSUE_COMMENTS,
    &pull_requests::PULL_REQUESTS,
    &reviews::REVIEWS,
    &review_comments::REVIEW_COMMENTS,
    &releases::RELEASES,
];
