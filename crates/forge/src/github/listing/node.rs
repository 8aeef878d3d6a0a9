//! From a node of the list to a repository and its marks.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{Kind, RepositoryName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::{Mark, Marks, Repository};

/// Length of a settings fingerprint in hex digits.
const FINGERPRINT_LENGTH: usize = 16;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    id: String,
    database_id: i64,
    name_with_owner: RepositoryName,
    #[serde(flatten)]
    flags: Flags,
    #[serde(flatten)]
    settings: Settings,
    disk_usage: Option<u64>,
    pushed_at: Option<DateTime<Utc>>,
    default_branch_ref: Option<Branch>,
    heads: Option<Count>,
    tags: Option<Count>,
    labels: Option<Newest>,
    milestones: Option<Newest>,
    issues: Newest,
    pull_requests: Newest,
    releases: Newest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the host's own independent flags"
)]
struct Flags {
    is_private: bool,
    is_archived: bool,
    is_fork: bool,
    is_empty: bool,
    is_disabled: bool,
    is_locked: bool,
    has_issues_enabled: bool,
    has_wiki_enabled: bool,
}

/// What a change of the settings page would change. `updated_at` stands for everything that is not listed here; it moves
/// for more than settings, which costs a request where too little would cost a backup.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    updated_at: DateTime<Utc>,
    description: Option<String>,
    homepage_url: Option<String>,
    visibility: String,
    is_template: bool,
    has_projects_enabled: bool,
    has_discussions_enabled: bool,
    repository_topics: Value,
}

#[derive(Deserialize)]
struct Branch {
    name: String,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    oid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_count: u64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Newest {
    total_count: u64,
    nodes: Vec<Value>,
}

/// Reads one node.
pub(super) fn read(node: Value) -> Result<Repository, Error> {
    let node: Node = serde_json::from_value(node).map_err(|error| Error::Protocol {
        detail: format!("The host lists a repository in a form that is not understood: {error}."),
    })?;
    let marks = marks(&node)?;
    let topics = topics(&node.settings.repository_topics);
    Ok(Repository {
        id: node.database_id,
        node_id: node.id,
        name: node.name_with_owner,
        default_branch: node.default_branch_ref.map(|branch| branch.name),
        private: node.flags.is_private,
        archived: node.flags.is_archived,
        fork: node.flags.is_fork,
        empty: node.flags.is_empty,
        disabled: node.flags.is_disabled,
        locked: node.flags.is_locked,
        has_wiki: node.flags.has_wiki_enabled,
        has_issues: node.flags.has_issues_enabled,
        switched_off: BTreeSet::new(),
        topics,
        disk_kib: node.disk_usage.unwrap_or_default(),
        pushed_at: node.pushed_at,
        marks,
    })
}

fn marks(node: &Node) -> Result<Marks, Error> {
    let settings = Mark {
        fingerprint: settings_fingerprint(node)?,
        count: None,
    };
    let nothing = Newest::default();
    Ok(Marks(BTreeMap::from([
        (Kind::Git, git(node)),
        (Kind::Settings, settings),
        (
            Kind::Labels,
            newest(node.labels.as_ref().unwrap_or(&nothing)),
        ),
        (
            Kind::Milestones,
            newest(node.milestones.as_ref().unwrap_or(&nothing)),
        ),
        (Kind::Issues, newest(&node.issues)),
        (Kind::PullRequests, newest(&node.pull_requests)),
        (Kind::Releases, newest(&node.releases)),
    ])))
}

/// The names in a list of topics.
fn topics(list: &Value) -> Vec<String> {
    let nodes = list.get("nodes").and_then(Value::as_array);
    nodes
        .into_iter()
        .flatten()
        .filter_map(|node| node.pointer("/topic/name")?.as_str())
        .map(str::to_owned)
        .collect()
}

/// A push moves `pushedAt`; the numbers of branches and tags tell of what was deleted without one.
fn git(node: &Node) -> Mark {
    let oid = node
        .default_branch_ref
        .as_ref()
        .and_then(|branch| branch.target.as_ref());
    let count = |count: &Option<Count>| count.as_ref().map_or(0, |count| count.total_count);
    Mark {
        fingerprint: format!(
            "{} {} {}+{}",
            node.pushed_at
                .map_or_else(|| "never".to_owned(), |at| at.to_rfc3339()),
            oid.map_or("none", |target| target.oid.as_str()),
            count(&node.heads),
            count(&node.tags),
        ),
        count: None,
    }
}

/// How many there are, and what the list says of the newest.
fn newest(list: &Newest) -> Mark {
    let first = list.nodes.first().map(Value::to_string);
    Mark {
        fingerprint: format!("{} {}", list.total_count, first.unwrap_or_default()),
        count: Some(list.total_count),
    }
}

fn settings_fingerprint(node: &Node) -> Result<String, Error> {
    let text = serde_json::to_string(&node.settings).map_err(|error| Error::Protocol {
        detail: format!(
            "The settings of {} cannot be compared: {error}.",
            node.name_with_owner
        ),
    })?;
    let mut digest = Sha256::new();
    digest.update(text);
    digest.update(node.name_with_owner.to_string());
    digest.update(
        node.default_branch_ref
            .as_ref()
            .map_or("", |branch| branch.name.as_str()),
    );
    digest.update([
        u8::from(node.flags.is_archived),
        u8::from(node.flags.is_disabled),
        u8::from(node.flags.has_issues_enabled),
        u8::from(node.flags.has_wiki_enabled),
    ]);
    let mut hex = hex::encode(digest.finalize());
    hex.truncate(FINGERPRINT_LENGTH);
    Ok(hex)
}
