//! Pull requests: the host offers no since here, so the newest change comes first.

use domain::Kind;

use super::{Collection, List, Source, Walk};

pub(super) static PULL_REQUESTS: Collection = Collection {
    kind: Kind::PullRequests,
    walk: Walk::NewestFirst,
    key: super::id,
    updated_at: super::updated_at,
    source: Source::Rest(List {
        path: "pulls",
        query: "state=all&sort=updated&direction=desc&",
    }),
};
