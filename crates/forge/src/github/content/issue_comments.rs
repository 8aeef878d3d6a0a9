//! The conversation below issues and pull requests, from the repository-wide list.

use domain::Kind;

use crate::content::{self, Collection, List, Source, Walk};

pub(super) static ISSUE_COMMENTS: Collection = Collection {
    kind: Kind::IssueComments,
    walk: Walk::Since,
    key: content::id,
    updated_at: content::updated_at,
    source: Source::Rest(List {
        path: "issues/comments",
        query: "sort=updated&direction=asc&",
    }),
};
