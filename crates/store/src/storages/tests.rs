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
