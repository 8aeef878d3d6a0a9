use super::*;

#[test]
fn a_folder_has_one_holder() {
    let folder = tempfile::tempdir().unwrap();
    let first = Staging::open(folder.path()).unwrap();
    let refused = Staging::open(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("Another fetch"), "{refused}");
    drop(first);
    Staging::open(folder.path()).unwrap();
}

#[test]
fn the_same_content_keeps_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metadata/labels.ndjson");
    assert!(replace(&path, b"one").unwrap());
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    assert!(!replace(&path, b"one").unwrap());
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
    assert!(replace(&path, b"two").unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"two");
}

#[test]
fn a_finished_kind_counts_only_if_its_file_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::open(folder.path()).unwrap();
    let path = staging.path("metadata/labels.ndjson");
    replace(&path, b"whole").unwrap();
    let whole = Some(digest::of_bytes(b"whole"));
    staging
        .note_done("one", Kind::Labels, whole.clone())
        .unwrap();
    staging.note_done("one", Kind::Milestones, None).unwrap();
    let done = Done::from([(Kind::Labels, whole), (Kind::Milestones, None)]);
    assert_eq!(staging.done("one").unwrap(), done);
    assert!(staging.done("two").unwrap().is_empty());
    fs::write(&path, b"who").unwrap();
    let left = staging.done("one").unwrap();
    assert_eq!(left.into_keys().collect::<Vec<_>>(), [Kind::Milestones]);
}

#[test]
fn a_note_that_was_cut_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::open(folder.path()).unwrap();
    staging.note_done("one", Kind::Labels, None).unwrap();
    let notes = staging.path(DONE);
    let mut content = fs::read(&notes).unwrap();
    content.extend(b"\n{\"attempt\":\"on");
    fs::write(&notes, content).unwrap();
    staging.note_done("one", Kind::Issues, None).unwrap();
    let done = staging.done("one").unwrap();
    assert_eq!(
        done.into_keys().collect::<Vec<_>>(),
        [Kind::Labels, Kind::Issues]
    );
}

#[test]
fn a_base_counts_only_with_its_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::open(folder.path()).unwrap();
    let base = Base {
        snapshot: "ab".into(),
        marks: Marks::default(),
        manifest_sha256: digest::of_bytes(b"{}").sha256,
    };
    staging.set_base(&base).unwrap();
    assert_eq!(staging.base().unwrap(), None);
    replace(&staging.path(manifest::FILE), b"{}").unwrap();
    assert_eq!(staging.base().unwrap(), Some(base));
    staging.clear().unwrap();
    assert_eq!(staging.base().unwrap(), None);
}
