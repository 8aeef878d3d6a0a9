//! Looking around, and taking parts out.

use std::collections::BTreeMap;
use std::io::Read as _;

use domain::tree::{Found, Names, Part};
use futures_util::TryStreamExt;

use super::*;

fn path(text: &str) -> Vec<String> {
    text.split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

async fn whole(taken: Option<(Flow, Option<u64>)>) -> Vec<u8> {
    let (flow, _) = taken.unwrap();
    let parts: Vec<_> = flow.try_collect().await.unwrap();
    parts.concat()
}

#[tokio::test]
async fn folders_show_what_they_hold_and_paths_lead_nowhere_else() {
    for bench in Bench::all().await {
        let source = Source::new();
        let id = new(bench.snapshot(&source, None).await).id;
        let shelf = bench.storage.shelf().await.unwrap();
        let Some(Found::Folder(items)) = shelf.find(&id, &[]).await.unwrap() else {
            panic!("{}: no folder", bench.name)
        };
        let names: Vec<_> = items
            .iter()
            .map(|item| (item.name.as_str(), item.is_folder))
            .collect();
        assert!(names.contains(&("metadata", true)), "{names:?}");
        assert!(names.contains(&(FILE, false)), "{names:?}");
        let metadata = items.iter().find(|item| item.name == "metadata").unwrap();
        assert!(metadata.bytes.unwrap() > 3_000_000, "{metadata:?}");

        let labels = path("metadata/labels.ndjson");
        let head = shelf.head(&id, &labels, 5).await.unwrap().unwrap();
        assert_eq!(&head[..], b"{\"id\"");
        assert!(matches!(
            shelf.find(&id, &labels).await.unwrap(),
            Some(Found::File(_))
        ));
        for elsewhere in [
            vec!["..".to_owned()],
            vec!["metadata".to_owned(), "..".to_owned(), FILE.to_owned()],
            vec!["metadata/labels.ndjson".to_owned()],
            vec![FILE.to_owned(), "x".to_owned()],
            vec![String::new()],
        ] {
            assert_eq!(shelf.find(&id, &elsewhere).await.unwrap(), None);
            assert_eq!(shelf.head(&id, &elsewhere, 5).await.unwrap(), None);
        }
        let unknown = "0".repeat(64);
        assert!(shelf.find(&unknown, &[]).await.is_err());
    }
}

#[tokio::test]
async fn an_archive_holds_every_file_as_it_is() {
    let bench = Bench::local().await;
    let source = Source::new();
    let id = new(bench.snapshot(&source, None).await).id;
    let shelf = bench.storage.shelf().await.unwrap();
    let scratch = bench.folder.path().join("scratch");
    let archive = whole(shelf.take(&id, &Part::Archive, &scratch).await.unwrap()).await;
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(&archive[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if entry.header().entry_type().is_file() {
            found.insert(entry.path().unwrap().into_owned(), content);
        }
    }
    let target = bench.folder.path().join("restored");
    bench.storage.extract(&id, &target, |_| true).await.unwrap();
    assert!(found.len() >= 3, "{:?}", found.keys());
    for (path, content) in found {
        assert_eq!(fs::read(target.join(&path)).unwrap(), content, "{path:?}");
    }
    let labels = Part::File(Names::parse("metadata/labels.ndjson").unwrap());
    let one = whole(shelf.take(&id, &labels, &scratch).await.unwrap()).await;
    assert_eq!(one, b"{\"id\":1}\n");
    assert!(
        shelf
            .take(&id, &Part::Wiki, &scratch)
            .await
            .unwrap()
            .is_none()
    );
    assert!(!scratch.exists(), "neither needs a temporary file");
}

#[tokio::test]
async fn what_is_damaged_breaks_off() {
    let bench = Bench::local().await;
    let source = Source::new();
    let id = new(bench.snapshot(&source, None).await).id;
    let shelf = bench.storage.shelf().await.unwrap();
    let data = bench.repository().join("data");
    for folder in fs::read_dir(&data).unwrap() {
        for pack in fs::read_dir(folder.unwrap().path()).unwrap() {
            let pack = pack.unwrap().path();
            if fs::metadata(&pack).unwrap().len() > 1_000_000 {
                fs::write(&pack, b"rubbish").unwrap();
            }
        }
    }
    let scratch = bench.folder.path().join("scratch");
    let taken = shelf.take(&id, &Part::Archive, &scratch).await;
    if let Ok(taken) = taken {
        let parts: Result<Vec<_>, _> = taken.unwrap().0.try_collect().await;
        assert!(parts.is_err(), "a damaged archive came whole");
    }
}
