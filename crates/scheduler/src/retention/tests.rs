use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::{PlanId, RunId, SnapshotId};

use super::*;

fn now() -> DateTime<Utc> {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

struct Shelf {
    organization: OrganizationId,
    storage: StorageId,
    repository: RepositoryId,
    plan: PlanId,
}

fn shelf() -> Shelf {
    Shelf {
        organization: OrganizationId::new(),
        storage: StorageId::new(),
        repository: RepositoryId::new(),
        plan: PlanId::new(),
    }
}

fn snapshot(shelf: &Shelf, id: &str, days_ago: i64, gone: bool) -> Snapshot {
    Snapshot {
        key: SnapshotId::new(),
        bytes_added: 0,
        id: id.to_owned(),
        restic_id: id.to_owned(),
        repository: shelf.repository,
        forge_id: 1,
        repository_name: "acme/tool".parse().unwrap(),
        repository_gone: gone,
        organization: shelf.organization,
        organization_name: "acme".parse().unwrap(),
        plan: shelf.plan,
        plan_name: "nightly".parse().unwrap(),
        storage: shelf.storage,
        storage_name: "disk".parse().unwrap(),
        run: RunId::new(),
        taken_at: now() - TimeDelta::days(days_ago),
        bytes: 0,
        counts: BTreeMap::new(),
        omissions: Vec::new(),
        manifest_sha256: String::new(),
        verified_at: None,
    }
}

fn rule(text: &str) -> Retention {
    Retention::parse(text).unwrap()
}

#[test]
fn each_repository_is_judged_by_itself() {
    let (one, other) = (shelf(), shelf());
    let snapshots = [
        snapshot(&one, "a", 3, false),
        snapshot(&one, "b", 2, false),
        snapshot(&other, "c", 9, false),
    ];
    let dropped = dropped(rule("last=1"), &snapshots, now());
    assert_eq!(
        dropped,
        BTreeMap::from([((one.organization, one.storage), vec!["a".to_owned()])])
    );
}

#[test]
fn a_repository_that_is_gone_keeps_everything() {
    let shelf = shelf();
    let snapshots = [
        snapshot(&shelf, "a", 300, true),
        snapshot(&shelf, "b", 200, true),
    ];
    assert!(dropped(rule("last=1"), &snapshots, now()).is_empty());
}

#[test]
fn the_newest_stays_however_old_it_is() {
    let shelf = shelf();
    let snapshots = [snapshot(&shelf, "a", 3000, false)];
    assert!(dropped(rule("days=1"), &snapshots, now()).is_empty());
}
