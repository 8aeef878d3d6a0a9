use domain::Role;
use sqlx::PgPool;

use super::*;
use crate::samples::{credential, sample, tenant};
use crate::{NewCredential, TokenSource};

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn entry(name: &str, kind: SecretKind) -> NewEntry {
    NewEntry {
        name: label(name),
        description: "for the nightly run".parse().unwrap(),
        kind,
        secret: Secret::new("ghp_secret"),
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_entry_in_use_says_by_whom_and_is_not_deleted(pool: PgPool) {
    let acme = sample(&pool).await;
    let id = acme
        .scoped
        .add_entry(&acme.sealer, entry("bot PAT", SecretKind::Token))
        .await
        .unwrap();
    let bot = NewCredential {
        token: TokenSource::Entry(id),
        ..credential("bot", Role::Additional, 7)
    };
    let bot = acme
        .scoped
        .add_credential(&acme.sealer, acme.organization, bot)
        .await
        .unwrap();
    let used = acme.scoped.delete_entry(id).await.unwrap_err();
    assert_eq!(
        used.to_string(),
        "\"bot PAT\" is in use by the credential bot of octo: remove it there first."
    );
    let replaced = acme
        .scoped
        .replace_entry(&acme.sealer, id, &Secret::new("ghp_other"))
        .await;
    assert!(
        matches!(replaced, Err(Error::Stale)),
        "its users are asked first: {replaced:?}"
    );
    acme.scoped
        .remove_credential(bot, crate::Leftover::Keep)
        .await
        .unwrap();
    acme.scoped
        .replace_entry(&acme.sealer, id, &Secret::new("ghp_other"))
        .await
        .unwrap();
    acme.scoped.delete_entry(id).await.unwrap();
    let gone = acme.scoped.delete_entry(id).await;
    assert!(matches!(gone, Err(Error::Missing { .. })), "{gone:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_opens_a_storage_is_neither_changed_nor_deleted(pool: PgPool) {
    let acme = sample(&pool).await;
    let entries = acme.scoped.entries(None, 50).await.unwrap();
    let keys: Vec<_> = entries
        .iter()
        .filter(|one| {
            matches!(
                one.kind,
                SecretKind::StorageKey | SecretKind::StoragePassword
            )
        })
        .collect();
    assert_eq!(keys.len(), 2);
    for key in keys {
        assert_eq!(key.users[0].describe(), "the snapshots of octo in disk");
        let replaced = acme
            .scoped
            .replace_entry(&acme.sealer, key.id, &Secret::new("x"))
            .await;
        assert!(
            matches!(replaced, Err(Error::KeyOfStorage { .. })),
            "{replaced:?}"
        );
        let deleted = acme.scoped.delete_entry(key.id).await;
        assert!(matches!(deleted, Err(Error::InUse { .. })), "{deleted:?}");
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn entries_are_paged_by_name_and_belong_to_one_tenant(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    for name in ["0b", "0a", "0c"] {
        acme.scoped
            .add_entry(&acme.sealer, entry(name, SecretKind::AccessKey))
            .await
            .unwrap();
    }
    let names = |entries: Vec<Entry>| -> Vec<String> {
        entries
            .into_iter()
            .map(|one| one.name.to_string())
            .collect()
    };
    assert_eq!(
        names(acme.scoped.entries(None, 2).await.unwrap()),
        ["0a", "0b"]
    );
    let rest = acme.scoped.entries(Some(&label("0b")), 1).await.unwrap();
    assert_eq!(rest[0].description.as_str(), "for the nightly run");
    assert_eq!(rest[0].name, label("0c"));
    assert_eq!(other.scoped.entry(rest[0].id).await.unwrap(), None);
    let foreign = other.scoped.delete_entry(rest[0].id).await;
    assert!(matches!(foreign, Err(Error::Missing { .. })), "{foreign:?}");
    let taken = acme
        .scoped
        .describe_entry(rest[0].id, &label("0a"), &Remark::default())
        .await;
    assert!(matches!(taken, Err(Error::NameTaken { .. })), "{taken:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_last_use_is_noted_at_most_once_a_minute(pool: PgPool) {
    let acme = sample(&pool).await;
    let main = acme.scoped.credentials(acme.organization).await.unwrap()[0]
        .source
        .entry()
        .unwrap();
    let used = async || acme.scoped.entry(main).await.unwrap().unwrap().last_used_at;
    assert_eq!(used().await, None);
    acme.scoped.note_secrets_used(&[main]).await.unwrap();
    let first = used().await;
    assert_eq!(first, Some(acme.now()));
    acme.clock.advance(chrono::TimeDelta::seconds(59));
    acme.scoped.note_secrets_used(&[main]).await.unwrap();
    assert_eq!(used().await, first);
    acme.pass(1);
    acme.scoped.note_secrets_used(&[main]).await.unwrap();
    assert_eq!(used().await, Some(acme.now()));
}
