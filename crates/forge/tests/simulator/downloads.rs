use std::time::Duration;

use domain::Kind;
use forge::Error;
use forge::{Client, Cursor, Download, LfsPointer, Repository};
use forge_sim::{Cut, Effect, Fault, RepositoryRecipe};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use crate::world::{World, acme, user};

async fn world() -> (World, Repository, Client) {
    let recipe = RepositoryRecipe {
        releases: 1,
        assets_per_release: 1,
        asset_bytes: 300_000,
        lfs_objects: 3,
        ..RepositoryRecipe::tiny("web")
    };
    let world = World::new(acme(vec![recipe]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    let client = world.about(&repository, Duration::ZERO);
    (world, repository, client)
}

async fn asset_id(client: &Client, repository: &Repository) -> i64 {
    let releases = client
        .page(Kind::Releases, repository, &Cursor::default())
        .await
        .unwrap();
    releases.items[0]["assets"][0]["id"].as_i64().unwrap()
}

async fn bytes(mut download: Download) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = download.body.next().await {
        bytes.extend(chunk?);
    }
    Ok(bytes)
}

#[tokio::test]
async fn an_asset_is_followed_to_its_storage_without_the_token() {
    let (world, repository, client) = world().await;
    let asset = asset_id(&client, &repository).await;
    let download = client.asset(&repository, asset).await.unwrap();
    assert_eq!(download.length, Some(300_000));
    let bytes = bytes(download).await.unwrap();
    let source = &world.control().world().organizations[0].repositories[0];
    let digest = source.assets.values().next().unwrap();
    assert_eq!(&hex::encode(Sha256::digest(&bytes)), digest);
    // The storage answers 400 to whoever brings a token.
    assert_eq!(world.control().statistics().downloads, 1);
}

#[tokio::test]
async fn a_storage_that_fails_for_a_moment_is_asked_again() {
    let (world, repository, client) = world().await;
    let asset = asset_id(&client, &repository).await;
    world
        .control()
        .fault(Fault::new("/assets/*", Effect::Status { status: 503 }).times(2));
    let download = client.asset(&repository, asset).await.unwrap();
    assert_eq!(bytes(download).await.unwrap().len(), 300_000);
}

#[tokio::test]
async fn an_asset_cut_in_half_ends_with_an_error() {
    let (world, repository, client) = world().await;
    let asset = asset_id(&client, &repository).await;
    for how in [Cut::Declared, Cut::Chunked] {
        world.control().clear_faults();
        world
            .control()
            .fault(Fault::new("/assets/*", Effect::Cut { how }).times(1));
        let download = client.asset(&repository, asset).await.unwrap();
        let cut = bytes(download).await.unwrap_err();
        assert!(matches!(cut, Error::Corrupt { .. }), "{how:?}: {cut}");
        assert!(!cut.to_string().contains("signature"), "{cut}");
    }
}

#[tokio::test]
async fn an_asset_that_is_not_there_is_missing() {
    let (_world, repository, client) = world().await;
    let missing = client.asset(&repository, 4_000_000_000).await.unwrap_err();
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
}

#[tokio::test]
async fn lfs_objects_are_found_and_fetched() {
    let (world, repository, client) = world().await;
    let source = world.control().world().organizations[0].repositories[0]
        .lfs_objects
        .clone();
    let mut pointers: Vec<_> = source
        .into_iter()
        .map(|(oid, size)| LfsPointer { oid, size })
        .collect();
    let unknown = LfsPointer {
        oid: "0".repeat(64),
        size: 5,
    };
    pointers.push(unknown.clone());
    let objects = client.lfs_batch(&repository, &pointers).await.unwrap();
    assert_eq!(objects.len(), 4);
    for object in objects {
        match object.action {
            Ok(action) => {
                let bytes = bytes(client.lfs_download(&action).await.unwrap())
                    .await
                    .unwrap();
                assert_eq!(hex::encode(Sha256::digest(&bytes)), object.oid);
                assert!(!format!("{action:?}").contains("signature"), "{action:?}");
            }
            Err(error) => {
                assert_eq!(object.oid, unknown.oid);
                assert!(matches!(error, Error::Missing { .. }), "{error}");
            }
        }
    }
    let spent = client.take_usage().credentials[&world.ids[0]];
    assert_eq!(
        (spent.requests, spent.points),
        (1, 0),
        "LFS spends no API quota"
    );
}
