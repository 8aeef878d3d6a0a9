//! From an entry of the list to a repository and its marks.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::{Kind, RepositoryName};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Error, Mark, Marks, Repository};

/// Length of a settings fingerprint in hex digits.
const FINGERPRINT_LENGTH: usize = 16;

/// `last_activity_at` moves at most once an hour (gitlab-org/gitlab-foss!6391): what happened within this time of it may
/// have left no mark, and is looked at again.
const UNSETTLED: TimeDelta = TimeDelta::hours(2);

/// What moves without a change of settings, or differs with who asks.
const VOLATILE: [&str; 9] = [
    "last_activity_at",
    "star_count",
    "forks_count",
    "open_issues_count",
    "permissions",
    "statistics",
    "_links",
    "import_status",
    "description_html",
];

/// The kinds that an activity in the project may change.
const ACTIVE: [Kind; 9] = [
    Kind::Git,
    Kind::Wiki,
    Kind::Labels,
    Kind::Milestones,
    Kind::Issues,
    Kind::PullRequests,
    Kind::Releases,
    Kind::Boards,
    Kind::Uploads,
];

/// The kinds that belong to the settings. Some of them move no mark at all: the regular sweep finds those.
const SETTLED: [Kind; 9] = [
    Kind::Settings,
    Kind::Snippets,
    Kind::Members,
    Kind::ProtectedBranches,
    Kind::ProtectedTags,
    Kind::Hooks,
    Kind::Variables,
    Kind::PipelineSchedules,
    Kind::DeployKeys,
];

/// A feature's switch, and the kinds that the host refuses while it is off.
const FEATURES: [(&str, &[Kind]); 7] = [
    (
        "issues_access_level",
        &[Kind::Issues, Kind::IssueComments, Kind::Boards],
    ),
    (
        "merge_requests_access_level",
        &[Kind::PullRequests, Kind::ReviewComments],
    ),
    ("snippets_access_level", &[Kind::Snippets]),
    ("wiki_access_level", &[Kind::Wiki]),
    ("builds_access_level", &[Kind::PipelineSchedules]),
    ("releases_access_level", &[Kind::Releases]),
    (
        "repository_access_level",
        &[Kind::ProtectedBranches, Kind::ProtectedTags],
    ),
];

#[derive(Deserialize)]
struct Project {
    id: i64,
    path_with_namespace: RepositoryName,
    default_branch: Option<String>,
    visibility: String,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    empty_repo: bool,
    #[serde(rename = "forked_from_project")]
    forked_from: Option<Value>,
    #[serde(default)]
    topics: Vec<String>,
    last_activity_at: DateTime<Utc>,
}

/// Reads one entry, as it stands at `now`.
pub(in crate::gitlab) fn read(entry: Value, now: DateTime<Utc>) -> Result<Repository, Error> {
    let switched_off = switched_off(&entry);
    let settings = settings_fingerprint(&entry);
    let project: Project = serde_json::from_value(entry).map_err(|error| Error::Protocol {
        detail: format!("The host lists a project in a form that is not understood: {error}."),
    })?;
    Ok(Repository {
        id: project.id,
        node_id: format!("gid://gitlab/Project/{}", project.id),
        marks: marks(&project, &settings, now),
        name: project.path_with_namespace,
        default_branch: project.default_branch,
        private: project.visibility != "public",
        archived: project.archived,
        fork: project.forked_from.is_some(),
        empty: project.empty_repo,
        disabled: false,
        locked: false,
        has_wiki: !switched_off.contains(&Kind::Wiki),
        has_issues: !switched_off.contains(&Kind::Issues),
        switched_off,
        topics: project.topics,
        disk_kib: 0,
        pushed_at: Some(project.last_activity_at),
    })
}

fn switched_off(entry: &Value) -> BTreeSet<Kind> {
    let is_off = |switch: &str| entry.get(switch).and_then(Value::as_str) == Some("disabled");
    FEATURES
        .iter()
        .filter(|(switch, _)| is_off(switch))
        .flat_map(|(_, kinds)| kinds.iter().copied())
        .collect()
}

fn marks(project: &Project, settings: &str, now: DateTime<Utc>) -> Marks {
    let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut activity = moment(project.last_activity_at);
    if now - project.last_activity_at < UNSETTLED {
        activity = format!("{activity}, not settled at {}", moment(now));
    }
    let mark = |fingerprint: &str| Mark {
        fingerprint: fingerprint.to_owned(),
        count: None,
    };
    let active = ACTIVE.iter().map(|kind| (*kind, mark(&activity)));
    let settled = SETTLED.iter().map(|kind| (*kind, mark(settings)));
    Marks(active.chain(settled).collect::<BTreeMap<_, _>>())
}

fn settings_fingerprint(entry: &Value) -> String {
    let mut digest = Sha256::new();
    for (name, value) in entry.as_object().into_iter().flatten() {
        if !VOLATILE.contains(&name.as_str()) {
            digest.update(name);
            digest.update(value.to_string());
        }
    }
    let mut hex = hex::encode(digest.finalize());
    hex.truncate(FINGERPRINT_LENGTH);
    hex
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + minutes * 60, 0).unwrap()
    }

    fn entry(active: i64) -> Value {
        json!({
            "id": 7,
            "path_with_namespace": "group/sub/tool",
            "default_branch": "main",
            "visibility": "private",
            "issues_access_level": "disabled",
            "last_activity_at": at(active),
        })
    }

    #[test]
    fn a_project_is_known_by_its_whole_path_and_what_is_off_is_noted() {
        let project = read(entry(0), at(500)).unwrap();
        assert_eq!(project.name.to_string(), "group/sub/tool");
        assert!(project.private && !project.has_issues && project.has_wiki);
        assert!(project.switched_off.contains(&Kind::Boards));
        assert!(read(json!({ "id": 7 }), at(0)).is_err());
    }

    #[test]
    fn a_quiet_project_has_the_same_marks_and_one_of_late_activity_is_looked_at_again() {
        let listed = |active, now| read(entry(active), at(now)).unwrap().marks;
        let quiet = listed(0, 200);
        assert_eq!(quiet, listed(0, 300));
        // The second push of an hour does not move the date: only another look tells.
        let fresh = listed(0, 10);
        let changed = listed(0, 20).changed(&fresh);
        assert!(changed.contains(&Kind::Git) && !changed.contains(&Kind::Settings));
        assert!(listed(0, 300).changed(&fresh).contains(&Kind::Issues));
    }

    #[test]
    fn stars_are_no_settings_and_a_description_is_one() {
        let with = |name: &str, value: Value| {
            let mut entry = entry(0);
            entry[name] = value;
            read(entry, at(500)).unwrap().marks
        };
        let plain = read(entry(0), at(500)).unwrap().marks;
        assert_eq!(with("star_count", json!(5)), plain);
        let changed = with("description", json!("new")).changed(&plain);
        assert!(changed.contains(&Kind::Settings) && changed.contains(&Kind::Hooks));
        assert!(!changed.contains(&Kind::Git));
    }
}
