//! The organizations that are backed up.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::simulator::Simulator;
use crate::workspace::Workspace;

/// The organization's login on the simulated host.
pub(super) const ORGANIZATION: &str = "acme";

/// The user whose token everybody uses.
pub(super) const USER: &str = "backup";

/// Enough for everybody in one window: here requests are counted, not refused.
const QUOTA: u64 = 1_000_000;

/// An organization, and a slight change of it.
pub(super) struct Scene {
    pub(super) name: &'static str,
    organization: Value,
    changes: Vec<Value>,
}

/// One repository with much in it.
pub(super) fn large() -> Scene {
    let repository = format!("{ORGANIZATION}/large");
    Scene {
        name: "1-large-repository",
        organization: json!({
            "login": ORGANIZATION,
            "named": [{
                "name": "large",
                "commits": 50,
                "files": 30,
                "issues": 300,
                "pulls": 150,
                "comments_per_issue": 2,
                "reviews_per_pull": 1,
                "review_comments_per_pull": 1,
                "labels": 10,
                "milestones": 3,
                "releases": 20,
                "assets_per_release": 2,
                "asset_bytes": 20_000,
            }],
        }),
        changes: vec![
            json!({ "kind": "add_issue", "repository": repository, "title": "One more" }),
            json!({ "kind": "push", "repository": repository }),
        ],
    }
}

/// A hundred small repositories.
pub(super) fn small() -> Scene {
    let changed = format!("{ORGANIZATION}/small-007");
    Scene {
        name: "100-small-repositories",
        organization: small_repositories(100),
        changes: vec![
            json!({ "kind": "add_comment", "repository": changed, "number": 1, "body": "One more." }),
            json!({ "kind": "push", "repository": changed }),
        ],
    }
}

/// Three hundred of them, for a first run against the clock.
pub(super) fn many() -> Scene {
    Scene {
        name: "300-small-repositories",
        organization: small_repositories(300),
        changes: Vec::new(),
    }
}

fn small_repositories(count: u32) -> Value {
    let repository = |number: u32| {
        json!({
            "name": format!("small-{number:03}"),
            "commits": 12,
            "files": 8,
            "issues": 6,
            "pulls": 3,
            "comments_per_issue": 2,
            "reviews_per_pull": 1,
            "review_comments_per_pull": 2,
            "labels": 5,
            "milestones": 1,
            "releases": 1,
            "assets_per_release": 1,
            "asset_bytes": 10_000,
        })
    };
    json!({
        "login": ORGANIZATION,
        "named": (0..count).map(repository).collect::<Vec<_>>(),
    })
}

impl Scene {
    /// Starts a host that has this organization, and one user with a generous quota.
    pub(super) fn start(&self, workspace: &Workspace, folder: &Path) -> Result<Simulator> {
        let recipe = folder.join("recipe.json");
        let content = json!({
            "seed": 1,
            "organizations": [self.organization],
            "users": [{ "login": USER, "quota": QUOTA }],
        });
        std::fs::write(&recipe, content.to_string())?;
        Simulator::start(
            workspace,
            folder,
            &["--recipe".into(), recipe.into(), "--tls".into()],
        )
    }

    /// Changes a little of it.
    pub(super) fn change(&self, simulator: &Simulator) -> Result<()> {
        self.changes
            .iter()
            .try_for_each(|change| simulator.mutate(change))
    }
}
