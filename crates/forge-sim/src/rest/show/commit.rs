//! Commits.

use serde_json::{Value, json};

use super::{Show, reference_node_id};
use crate::git::log::Commit;
use crate::world::Repository;

impl Show<'_> {
    pub(crate) fn commit(&self, repository: &Repository, commit: &Commit) -> Value {
        let base = self.repository_url(repository);
        let page = self.repository_page(repository);
        let url = format!("{base}/commits/{}", commit.sha);
        let signature = json!({ "name": commit.author, "email": commit.email, "date": commit.at });
        let user = self
            .world
            .account(&commit.author)
            .map_or(Value::Null, |account| self.simple_user(account));
        json!({
            "url": url,
            "sha": commit.sha,
            "node_id": reference_node_id(repository, &commit.sha),
            "html_url": format!("{page}/commit/{}", commit.sha),
            "comments_url": format!("{url}/comments"),
            "commit": {
                "url": format!("{base}/git/commits/{}", commit.sha),
                "author": signature,
                "committer": signature,
                "message": commit.message,
                "comment_count": 0,
                "tree": { "sha": commit.tree, "url": format!("{base}/git/trees/{}", commit.tree) },
                "verification": {
                    "verified": false,
                    "reason": "unsigned",
                    "payload": null,
                    "signature": null,
                    "verified_at": null,
                },
            },
            "author": user,
            "committer": user,
            "parents": commit
                .parents
                .iter()
                .map(|sha| {
                    json!({
                        "sha": sha,
                        "url": format!("{base}/commits/{sha}"),
                        "html_url": format!("{page}/commit/{sha}"),
                    })
                })
                .collect::<Vec<_>>(),
        })
    }
}
