use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use domain::Kind;
use forge::{Collection, Cursor, Page, Walk, collection};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::walk::{Pages, Reading};
use crate::Error;

/// A host with one list, which may refuse after some pages.
#[derive(Default)]
struct Host {
    /// Key to (change, text).
    items: BTreeMap<i64, (i64, &'static str)>,
    size: usize,
    /// Pages that are answered before the host is out of quota.
    patience: Mutex<Option<usize>>,
    asked: Mutex<Vec<Cursor>>,
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::seconds(second)
}

impl Host {
    fn new(items: &[(i64, i64, &'static str)]) -> Self {
        Self {
            items: items
                .iter()
                .map(|(key, change, text)| (*key, (*change, *text)))
                .collect(),
            size: 2,
            ..Self::default()
        }
    }

    fn impatient(self, pages: usize) -> Self {
        *self.patience.lock().unwrap() = Some(pages);
        self
    }

    fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn listed(&self, walk: Walk, since: Option<DateTime<Utc>>) -> Vec<Value> {
        let mut items: Vec<_> = self.items.iter().collect();
        match walk {
            Walk::Whole => {}
            Walk::Since => items.sort_by_key(|(_, (change, _))| *change),
            Walk::NewestFirst => items.sort_by_key(|(_, (change, _))| -change),
        }
        items
            .into_iter()
            .filter(|(_, (change, _))| since.is_none_or(|since| at(*change) >= since))
            .map(|(key, (change, text))| {
                let date = at(*change).to_rfc3339();
                json!({"number": key, "id": key, "updated_at": date, "updatedAt": date, "text": text})
            })
            .collect()
    }
}

impl Pages for Host {
    async fn page(
        &self,
        collection: &'static Collection,
        cursor: Cursor,
    ) -> Result<Page, forge::Error> {
        if let Some(left) = self.patience.lock().unwrap().as_mut() {
            if *left == 0 {
                return Err(forge::Error::Throttled { until: at(3600) });
            }
            *left -= 1;
        }
        self.asked.lock().unwrap().push(cursor.clone());
        let all = self.listed(collection.walk, cursor.since);
        let start: usize = cursor
            .next
            .as_deref()
            .map_or(0, |next| next.parse().unwrap());
        let next = start + self.size;
        Ok(Page {
            items: all.iter().skip(start).take(self.size).cloned().collect(),
            next: (next < all.len()).then(|| next.to_string()),
        })
    }
}

struct Desk {
    folder: TempDir,
    kind: Kind,
    expected: Option<u64>,
}

impl Desk {
    fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("journal")).unwrap();
        Self {
            folder,
            kind,
            expected: None,
        }
    }

    fn expecting(self, count: u64) -> Self {
        Self {
            expected: Some(count),
            ..self
        }
    }

    async fn read(&self, host: &Host) -> Result<(), Error> {
        self.read_as(host, "attempt", false).await
    }

    async fn read_as(&self, host: &Host, attempt: &str, whole: bool) -> Result<(), Error> {
        let reading = Reading {
            collection: collection(domain::ForgeKind::GitHub, self.kind).unwrap(),
            path: self.path(),
            journal: self.folder.path().join("journal"),
            attempt: attempt.into(),
            whole,
            expected: self.expected,
        };
        reading.run(host, &|_| {}).await.map(drop)
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder
            .path()
            .join(format!("metadata/{}.ndjson", self.kind))
    }

    /// What is stored: key and text of each line.
    fn stored(&self) -> Vec<(i64, String)> {
        let lines = fs::read_to_string(self.path()).unwrap_or_default();
        let item = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap();
            (
                value["id"].as_i64().unwrap(),
                value["text"].as_str().unwrap().to_owned(),
            )
        };
        lines.lines().map(item).collect()
    }

    fn journal_is_empty(&self) -> bool {
        let names = fs::read_dir(self.folder.path().join("journal")).unwrap();
        names
            .filter(|name| {
                !name
                    .as_ref()
                    .unwrap()
                    .path()
                    .display()
                    .to_string()
                    .ends_with("-count.json")
            })
            .count()
            == 0
    }
}

const KINDS: [Kind; 4] = [
    Kind::Labels,
    Kind::Issues,
    Kind::PullRequests,
    Kind::Reviews,
];

fn some() -> Vec<(i64, i64, &'static str)> {
    vec![
        (5, 1, "e"),
        (4, 2, "d"),
        (3, 30, "c"),
        (2, 40, "b"),
        (1, 50, "a"),
    ]
}

fn texts(stored: &[(i64, String)]) -> String {
    stored.iter().map(|(_, text)| text.as_str()).collect()
}

#[tokio::test]
async fn every_walk_reads_everything_once_and_sorts_it_by_key() {
    for kind in KINDS {
        let desk = Desk::new(kind);
        let host = Host::new(&some());
        desk.read(&host).await.unwrap();
        assert_eq!(texts(&desk.stored()), "abcde", "{kind}");
        assert_eq!(host.requests(), 3, "{kind}");
        assert!(desk.journal_is_empty(), "{kind}");
    }
}

#[tokio::test]
async fn a_throttled_walk_goes_on_at_its_page() {
    for kind in KINDS {
        let desk = Desk::new(kind);
        let first = Host::new(&some()).impatient(2);
        let refused = desk.read(&first).await.unwrap_err();
        assert!(
            matches!(refused, Error::Forge(forge::Error::Throttled { .. })),
            "{refused:?}"
        );
        assert_eq!(desk.stored(), [], "{kind}: nothing half-read is shown");
        let second = Host::new(&some());
        desk.read(&second).await.unwrap();
        assert_eq!(second.requests(), 1, "{kind}: no page is read twice");
        assert_eq!(texts(&desk.stored()), "abcde", "{kind}");
    }
}

#[tokio::test]
async fn a_page_that_was_cut_on_disk_is_not_trusted() {
    let desk = Desk::new(Kind::Labels);
    desk.read(&Host::new(&some()).impatient(2))
        .await
        .unwrap_err();
    let pages = desk.folder.path().join("journal/labels.ndjson");
    let content = fs::read(&pages).unwrap();
    fs::write(&pages, &content[..content.len() - 9]).unwrap();
    let host = Host::new(&some());
    desk.read(&host).await.unwrap();
    assert_eq!(
        (host.requests(), texts(&desk.stored()).as_str()),
        (3, "abcde")
    );
}

#[tokio::test]
async fn pages_that_may_have_shifted_are_read_again() {
    let desk = Desk::new(Kind::Labels);
    desk.read_as(&Host::new(&some()).impatient(2), "one", false)
        .await
        .unwrap_err();
    let host = Host::new(&some());
    desk.read_as(&host, "another", false).await.unwrap();
    assert_eq!(host.requests(), 3);
}

#[tokio::test]
async fn later_readings_ask_for_what_is_new() {
    for kind in [Kind::Issues, Kind::PullRequests, Kind::Reviews] {
        let desk = Desk::new(kind);
        desk.read(&Host::new(&some())).await.unwrap();
        let mut host = Host::new(&some());
        host.items.insert(4, (60, "D"));
        host.items.insert(9, (61, "n"));
        desk.read(&host).await.unwrap();
        assert_eq!(texts(&desk.stored()), "abcDen", "{kind}");
        assert_eq!(host.requests(), 2, "{kind}: two new ones and the overlap");
    }
}

#[tokio::test]
async fn a_change_within_the_overlap_is_not_missed() {
    let desk = Desk::new(Kind::Issues);
    desk.read(&Host::new(&some())).await.unwrap();
    let mut host = Host::new(&some());
    host.items.insert(2, (49, "B"));
    desk.read(&host).await.unwrap();
    assert_eq!(texts(&desk.stored()), "aBcde");
}

#[tokio::test]
async fn a_count_that_disagrees_has_everything_read_again_once() {
    for kind in [Kind::Issues, Kind::PullRequests] {
        let desk = Desk::new(kind).expecting(5);
        desk.read(&Host::new(&some())).await.unwrap();
        let mut host = Host::new(&some());
        host.items.remove(&3);
        let desk = desk.expecting(4);
        desk.read(&host).await.unwrap();
        assert_eq!(texts(&desk.stored()), "abde", "{kind}");
        // The host counts one that it does not list: known from now on.
        let desk = desk.expecting(5);
        desk.read(&host).await.unwrap();
        let requests = host.requests();
        desk.read(&host).await.unwrap();
        assert_eq!(
            host.requests() - requests,
            1,
            "{kind}: the same disagreement is not asked about again"
        );
    }
}

#[tokio::test]
async fn a_sweep_notices_deletions() {
    let desk = Desk::new(Kind::IssueComments);
    desk.read(&Host::new(&some())).await.unwrap();
    let mut host = Host::new(&some());
    host.items.remove(&1);
    desk.read(&host).await.unwrap();
    assert_eq!(texts(&desk.stored()), "abcde");
    desk.read_as(&host, "sweep", true).await.unwrap();
    assert_eq!(texts(&desk.stored()), "bcde");
}

#[tokio::test]
async fn an_empty_list_has_no_file() {
    let desk = Desk::new(Kind::Labels);
    desk.read(&Host::new(&some())).await.unwrap();
    assert!(desk.path().is_file());
    desk.read(&Host::new(&[])).await.unwrap();
    assert!(!desk.path().exists());
}

#[tokio::test]
async fn the_same_list_keeps_its_file() {
    let desk = Desk::new(Kind::Issues);
    desk.read(&Host::new(&some())).await.unwrap();
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let before = time(&desk.path());
    desk.read_as(&Host::new(&some()), "sweep", true)
        .await
        .unwrap();
    desk.read(&Host::new(&some())).await.unwrap();
    assert_eq!(time(&desk.path()), before);
}

#[tokio::test]
async fn settings_lose_what_tells_of_the_credential() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metadata/settings.json");
    let settings = json!({"name": "tools", "permissions": {"admin": true}, "temp_clone_token": "secret", "a": 1});
    super::write_settings(&path, settings).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "{\"a\":1,\"name\":\"tools\"}\n"
    );
}
