//! Pull requests: the host offers no since here, so the newest change comes first.

use domain::Kind;

use crate::content::{self, Collection, List, Source, Walk};

pub(super) static PULL_REQUESTS: Collection = Collection {
    kind: Kind::PullRequests,
    walk: Walk::NewestFirst,
    key: content::id,
    updated_at: content::updated_at,
    source: Source::Rest(List {
        path: "pulls",
        query: "state=all&sort=updated&direction=desc&",
    }),
};
