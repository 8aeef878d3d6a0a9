//! Issues, and every pull request once more in its issue form, as the host lists them.

use domain::Kind;

use super::{Collection, List, Source, Walk};

pub(super) static ISSUES: Collection = Collection {
    kind: Kind::Issues,
    walk: Walk::Since,
    key: super::id,
    updated_at: super::updated_at,
    source: Source::Rest(List {
        path: "issues",
        query: "state=all&sort=updated&direction=asc&",
    }),
};
