//! The kinds of data that GitLab gives as lists. All of them hang below `projects/ID`.
//!
//! <https://docs.gitlab.com/api/api_resources/>

use chrono::{DateTime, Utc};
use domain::Kind;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::composed::{Composed, OF_MERGE_REQUESTS};
use crate::content::{Collection, List, Source, Walk, id, undated, updated_at};

/// Every collection.
pub(crate) static COLLECTIONS: [&Collection; 17] = [
    &LABELS,
    &MILESTONES,
    &ISSUES,
    &ISSUE_DISCUSSIONS,
    &MERGE_REQUESTS,
    &MERGE_REQUEST_DISCUSSIONS,
    &RELEASES,
    &BOARDS,
    &SNIPPETS,
    &UPLOADS,
    &MEMBERS,
    &PROTECTED_BRANCHES,
    &PROTECTED_TAGS,
    &HOOKS,
    &VARIABLES,
    &PIPELINE_SCHEDULES,
    &DEPLOY_KEYS,
];

static LABELS: Collection = whole(Kind::Labels, "labels", "include_ancestor_groups=false&", id);
static MILESTONES: Collection = whole(Kind::Milestones, "milestones", "", id);
static ISSUES: Collection = since(
    Kind::Issues,
    "issues",
    "scope=all&state=all&with_labels_details=true&order_by=updated_at&sort=asc&",
);
static MERGE_REQUESTS: Collection = since(
    Kind::PullRequests,
    "merge_requests",
    "scope=all&state=all&with_labels_details=true&order_by=updated_at&sort=asc&",
);
/// Releases have no number of their own: the tag is unique.
static RELEASES: Collection = whole(Kind::Releases, "releases", "", |item| {
    key(item, &["tag_name"])
});
static BOARDS: Collection = whole(Kind::Boards, "boards", "", id);
static UPLOADS: Collection = whole(Kind::Uploads, "uploads", "", id);
static MEMBERS: Collection = whole(Kind::Members, "members", "", id);
static PROTECTED_BRANCHES: Collection =
    whole(Kind::ProtectedBranches, "protected_branches", "", id);
static PROTECTED_TAGS: Collection = whole(Kind::ProtectedTags, "protected_tags", "", |item| {
    key(item, &["name"])
});
static HOOKS: Collection = whole(Kind::Hooks, "hooks", "", id);
static DEPLOY_KEYS: Collection = whole(Kind::DeployKeys, "deploy_keys", "", id);
static ISSUE_DISCUSSIONS: Collection = Collection {
    kind: Kind::IssueComments,
    walk: Walk::NewestFirst,
    key: id,
    updated_at,
    source: Source::Composed(Composed::Discussions("issues")),
};
static MERGE_REQUEST_DISCUSSIONS: Collection = Collection {
    kind: Kind::ReviewComments,
    walk: Walk::NewestFirst,
    key: id,
    updated_at,
    source: Source::Composed(Composed::Discussions(OF_MERGE_REQUESTS)),
};
static SNIPPETS: Collection = composed(Kind::Snippets, Composed::Snippets, id);
static PIPELINE_SCHEDULES: Collection =
    composed(Kind::PipelineSchedules, Composed::PipelineSchedules, id);
static VARIABLES: Collection = composed(Kind::Variables, Composed::Variables, |item| {
    key(item, &["key", "environment_scope"])
});

type Key = fn(&Value) -> Option<i64>;

/// A list that is short or has no dates.
const fn whole(kind: Kind, path: &'static str, query: &'static str, key: Key) -> Collection {
    Collection {
        kind,
        walk: Walk::Whole,
        key,
        updated_at: undated,
        source: Source::Rest(List { path, query }),
    }
}

/// A list that can begin at an instant.
const fn since(kind: Kind, path: &'static str, query: &'static str) -> Collection {
    Collection {
        kind,
        walk: Walk::Since,
        key: id,
        updated_at: updated_at as fn(&Value) -> Option<DateTime<Utc>>,
        source: Source::Rest(List { path, query }),
    }
}

const fn composed(kind: Kind, composed: Composed, key: Key) -> Collection {
    Collection {
        kind,
        walk: Walk::Whole,
        key,
        updated_at: undated,
        source: Source::Composed(composed),
    }
}

/// A number for what is named and not numbered: the beginning of the names' hash.
fn key(item: &Value, names: &[&str]) -> Option<i64> {
    let mut digest = Sha256::new();
    for name in names {
        digest.update(item.get(name)?.as_str()?);
        digest.update([0]);
    }
    digest
        .finalize()
        .first_chunk::<8>()
        .map(|first| i64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use domain::ForgeKind;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_gitlab_that_is_a_list_is_read() {
        for kind in Kind::ALL {
            let is_list = kind.is_of(ForgeKind::GitLab)
                && !matches!(
                    kind,
                    Kind::Git | Kind::Wiki | Kind::Lfs | Kind::Settings | Kind::Assets
                );
            let found = crate::collection(ForgeKind::GitLab, kind).is_some();
            assert_eq!(found, is_list, "{kind}");
        }
    }

    #[test]
    fn what_has_a_name_and_no_number_is_told_apart_by_it() {
        let variable = |key: &str, scope: &str| json!({ "key": key, "environment_scope": scope });
        let key = |item: &Value| (VARIABLES.key)(item).unwrap();
        assert_eq!(key(&variable("A", "*")), key(&variable("A", "*")));
        assert_ne!(key(&variable("A", "*")), key(&variable("A", "production")));
        assert_eq!((RELEASES.key)(&json!({ "name": "no tag" })), None);
    }
}
