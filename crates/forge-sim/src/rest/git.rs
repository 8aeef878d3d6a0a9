//! Branches and tags, read from the git repository itself.

use serde_json::json;

use super::{Call, Outcome, show};
use crate::git::refs;

pub(super) fn branches(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let base = call.show().repository_url(repository);
    let branches = refs::branches(&repository.git)
        .into_iter()
        .collect::<Vec<_>>();
    call.page(&branches, |(name, sha)| {
        json!({
            "name": name,
            "commit": { "sha": sha, "url": format!("{base}/commits/{sha}") },
            "protected": false,
        })
    })
}

pub(super) fn tags(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let base = call.show().repository_url(repository);
    let mut tags = refs::tags(&repository.git).into_iter().collect::<Vec<_>>();
    tags.reverse();
    call.page(&tags, |(name, sha)| {
        json!({
            "name": name,
            "commit": { "sha": sha, "url": format!("{base}/commits/{sha}") },
            "zipball_url": format!("{base}/zipball/refs/tags/{name}"),
            "tarball_url": format!("{base}/tarball/refs/tags/{name}"),
            "node_id": show::reference_node_id(repository, &format!("refs/tags/{name}")),
        })
    })
}
