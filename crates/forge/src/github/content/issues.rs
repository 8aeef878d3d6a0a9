//! Issues, and every pull request once more in its issue form, as the host lists them.

use domain::Kind;

use crate::content::{self, Collection, List, Source, Walk};

pub(super) static ISSUES: Collection = Collection {
    kind: Kind::Issues,
    walk: Walk::Since,
    key: content::id,
    updated_at: content::updated_at,
    source: Source::Rest(List {
        path: "issues",
        query: "state=all&sort=updated&direction=asc&",
    }),
};
