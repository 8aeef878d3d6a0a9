use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::AuditFilter;
use crate::samples::{name, sample, tenant};

fn new(text: &str) -> NewStorage {
    NewStorage {
        name: name(text),
        location: json!({ "kind": "local", "path": "/srv/backups" }),
        secret: Some(Secret::new("access key")),
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_form_that_is_sent_twice_adds_one_storage(pool: PgPool) {
    let acme = sample(&pool).await;
    let id = StorageId::new();
    let add = || {
        acme.scoped
            .add_storage_once(&acme.sealer, id, new("cellar"))
    };
    let first = add().await.unwrap();
    assert_eq!(add().await.unwrap(), first);
    let other = acme
        .scoped
        .add_storage_once(&acme.sealer, StorageId::new(), new("cellar"))
        .await;
    assert!(matches!(other, Err(Error::NameTaken { .. })), "{other:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_storage_waits_for_its_trial_and_keeps_what_it_found(pool: PgPool) {
    let acme = sample(&pool).await;
    let added = acme
        .scoped
        .add_storage(&acme.sealer, new("cellar"))
        .await
        .unwrap();
    assert_eq!(added.check, StorageCheck::Waiting);
    let place = (acme.scoped.tenant_id(), added.id);
    assert!(
        acme.fleet
            .storages_to_check()
            .await
            .unwrap()
            .contains(&place)
    );

    let check = async |cause: Option<&str>| {
        acme.fleet
            .storage_checked(place.0, place.1, cause)
            .await
            .unwrap();
        acme.scoped.storage(added.id).await.unwrap().unwrap().check
    };
    let at = acme.now();
    let cause = "The storage is not there.".to_owned();
    assert_eq!(
        check(Some(&cause)).await,
        StorageCheck::Failed { at, cause }
    );
    assert_eq!(check(None).await, StorageCheck::Sound { at });
    assert!(
        !acme
            .fleet
            .storages_to_check()
            .await
            .unwrap()
            .contains(&place)
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn handing_out_a_password_is_noted_and_no_stranger_gets_it(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    let emergency = acme
        .scoped
        .reveal_storage_password(&acme.sealer, acme.organization, acme.storage)
        .await
        .unwrap();
    assert_eq!(emergency.password.expose(), "password");
    assert_eq!(emergency.prefix, "octo");
    let log = acme
        .scoped
        .audit(&AuditFilter::default(), None, 1)
        .await
        .unwrap();
    let entry = &log[0];
    assert_eq!(entry.action, "storage.reveal_password");
    assert!(!format!("{entry:?}").contains("\"password\""), "{entry:?}");

    let stolen = other
        .scoped
        .reveal_storage_password(&other.sealer, acme.organization, acme.storage)
        .await;
    assert!(matches!(stolen, Err(Error::Missing { .. })), "{stolen:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_storage_that_was_changed_is_at_another_revision_and_is_tried(pool: PgPool) {
    let acme = sample(&pool).await;
    let revision = async |storage| acme.scoped.storage_revision(storage).await.unwrap();
    assert_eq!(
        revision(acme.storage).await,
        Some((1, None)),
        "a folder needs no key"
    );
    let cellar = acme
        .scoped
        .add_storage(&acme.sealer, new("cellar"))
        .await
        .unwrap();
    let key = cellar.secret.unwrap();
    assert_eq!(revision(cellar.id).await, Some((1, Some(1))));
    acme.scoped
        .replace_entry(&acme.sealer, key, &Secret::new("another"))
        .await
        .unwrap();
    assert_eq!(revision(cellar.id).await, Some((1, Some(2))));
    acme.fleet
        .storage_checked(acme.scoped.tenant_id(), cellar.id, None)
        .await
        .unwrap();

    let edit = StorageEdit {
        name: name("attic"),
        location: json!({ "kind": "local", "path": "/srv/attic" }),
        secret: Some(Secret::new("third")),
    };
    acme.scoped
        .edit_storage(&acme.sealer, cellar.id, edit.clone())
        .await
        .unwrap();
    assert_eq!(revision(cellar.id).await, Some((2, Some(3))));
    let attic = acme.scoped.storage(cellar.id).await.unwrap().unwrap();
    assert_eq!(attic.name, edit.name);
    assert_eq!(attic.location, edit.location);
    assert_eq!(attic.check, StorageCheck::Waiting);
    let opened = acme.scoped.open_secret(&acme.sealer, key).await.unwrap();
    assert_eq!(opened.expose(), "third");

    let other = tenant(&acme.db, "other").await;
    let stranger = other
        .scoped
        .edit_storage(&acme.sealer, cellar.id, edit.clone())
        .await;
    assert!(
        matches!(stranger, Err(Error::Missing { .. })),
        "{stranger:?}"
    );
    let taken = acme
        .scoped
        .edit_storage(&acme.sealer, acme.storage, edit)
        .await;
    assert!(matches!(taken, Err(Error::NameTaken { .. })), "{taken:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_storage_is_removed_once_nothing_uses_it_and_leaves_its_name_free(pool: PgPool) {
    let acme = sample(&pool).await;
    let used = acme.scoped.remove_storage(acme.storage).await;
    let Err(Error::InUse { users, .. }) = used else {
        panic!("{used:?}")
    };
    assert!(users.iter().any(|user| user.starts_with("the plan ")));
    let cellar = acme
        .scoped
        .add_storage(&acme.sealer, new("cellar"))
        .await
        .unwrap();
    let other = tenant(&acme.db, "other").await;
    let stranger = other.scoped.remove_storage(cellar.id).await;
    assert!(
        matches!(stranger, Err(Error::Missing { .. })),
        "{stranger:?}"
    );
    acme.scoped.remove_storage(cellar.id).await.unwrap();
    assert_eq!(acme.scoped.storage(cellar.id).await.unwrap(), None);
    let key = acme.scoped.entry(cellar.secret.unwrap()).await.unwrap();
    assert_eq!(key, None, "its access key goes with it");
    acme.scoped
        .add_storage(&acme.sealer, new("cellar"))
        .await
        .unwrap();
}
