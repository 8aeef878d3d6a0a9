use domain::Clock;
use sqlx::PgPool;

use super::*;
use crate::samples::{name, noon, person, tenant};
use crate::{Db, SecretKind};

fn text(bytes: &[&str]) -> Secret {
    let keys: Vec<_> = bytes.iter().map(|byte| byte.repeat(32)).collect();
    Secret::new(keys.join("\n"))
}

fn sealer(bytes: &[&str]) -> Sealer {
    Sealer::from_text(&text(bytes)).unwrap()
}

#[test]
fn the_first_key_seals_and_all_of_them_open() {
    let tenant = TenantId::new();
    let (old, new) = (sealer(&["07"]), sealer(&["08"]));
    let both = sealer(&["08", "07"]);
    let by_old = old.new_tenant_key(tenant, 1).unwrap();
    let by_both = both.new_tenant_key(tenant, 1).unwrap();
    assert!(both.unwrap(tenant, 1, &by_old).is_ok());
    assert!(new.unwrap(tenant, 1, &by_both).is_ok());
    assert!(old.unwrap(tenant, 1, &by_both).is_err());
    assert_eq!((new.key_count(), both.key_count()), (1, 2));

    let comma = Secret::new(format!("{},{}", "08".repeat(32), "07".repeat(32)));
    let listed = Sealer::from_text(&comma).unwrap();
    assert!(listed.unwrap(tenant, 1, &by_old).is_ok());
    let one_bad = Secret::new(format!("{} password", "08".repeat(32)));
    assert!(Sealer::from_text(&one_bad).is_err());
}

#[test]
fn a_change_that_was_begun_goes_on_with_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let tenant = TenantId::new();
    let old = Sealer::open_or_create(&path).unwrap();
    let by_old = old.new_tenant_key(tenant, 1).unwrap();
    Sealer::begin_rotation(&path, None).unwrap();
    let begun = std::fs::read_to_string(&path).unwrap();
    Sealer::begin_rotation(&path, None).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), begun);
    Sealer::end_rotation(&path).unwrap();
    let ended = std::fs::read_to_string(&path).unwrap();
    assert_eq!(ended, format!("{}\n", begun.lines().next().unwrap()));
    let new = Sealer::open_or_create(&path).unwrap();
    assert!(new.unwrap(tenant, 1, &by_old).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let refused = Sealer::begin_rotation(&path, Some(&Secret::new("password")));
    assert!(
        matches!(refused, Err(Error::MasterKey { .. })),
        "{refused:?}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), ended);
}

#[test]
fn a_process_that_runs_keeps_its_keys_when_the_file_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let tenant = TenantId::new();
    let running = Sealer::open_or_create(&path).unwrap();
    std::fs::write(&path, "half a k").unwrap();
    let wrapped = running.new_tenant_key(tenant, 1).unwrap();
    assert!(running.unwrap(tenant, 1, &wrapped).is_ok());
}

/// The command, a server and a worker: three processes, of which two know nothing of the change.
#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn running_processes_go_on_while_the_key_changes(pool: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let db = Db::from_pool(pool.clone(), Clock::manual(noon()));
    let server = Sealer::open_or_create(&path).unwrap();
    let worker = Sealer::open_or_create(&path).unwrap();
    let acme = db.fleet().add_tenant(&name("acme"), &server).await.unwrap();
    let scoped = db.tenant(acme.id);
    let token = Secret::new("ghp_token");
    let secret = scoped
        .put_secret(&server, "token", SecretKind::Token, &token)
        .await
        .unwrap();
    let ada = person(&db, "ada").await;
    let seed = Secret::new("SEED");
    db.people().begin_totp(&server, ada, &seed).await.unwrap();

    Sealer::begin_rotation(&path, None).unwrap();
    // Between the two steps: sealed by a process that was started before the change, yet with the new key.
    let other = db
        .fleet()
        .add_tenant(&name("other"), &server)
        .await
        .unwrap();
    let command = Sealer::open_or_create(&path).unwrap();
    let done = db.fleet().reseal(&command).await.unwrap();
    assert_eq!((done.tenant_keys, done.totps), (1, 1));
    assert_eq!(
        db.fleet().reseal(&command).await.unwrap(),
        Resealed::default()
    );
    assert_eq!(scoped.open_secret(&worker, secret).await.unwrap(), token);
    Sealer::end_rotation(&path).unwrap();

    for process in [&server, &worker, &Sealer::open_or_create(&path).unwrap()] {
        assert_eq!(scoped.open_secret(process, secret).await.unwrap(), token);
        let totp = db.people().totp(process, ada).await.unwrap().unwrap();
        assert_eq!(totp.secret, seed);
        db.tenant(other.id)
            .put_secret(
                process,
                &Uuid::now_v7().to_string(),
                SecretKind::Token,
                &token,
            )
            .await
            .unwrap();
    }
    let entries: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audit WHERE action = 'master_key.rotate'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(entries, 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_change_with_a_key_missing_changes_nothing(pool: PgPool) {
    let db = Db::from_pool(pool.clone(), Clock::manual(noon()));
    let acme = tenant(&db, "acme").await;
    let strange = db
        .fleet()
        .add_tenant(&name("strange"), &sealer(&["09"]))
        .await;
    assert!(strange.is_ok());
    let wrapped = async || -> Vec<Vec<u8>> {
        sqlx::query_scalar("SELECT wrapped FROM tenant_keys ORDER BY tenant_id")
            .fetch_all(&pool)
            .await
            .unwrap()
    };
    let before = wrapped().await;
    let refused = acme.fleet.reseal(&sealer(&["08", "07"])).await;
    assert!(matches!(refused, Err(Error::WrongMasterKey)), "{refused:?}");
    assert_eq!(wrapped().await, before);
}

/// What was sealed just before the change is in the way of nobody: the change waits for it.
#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_change_waits_for_a_tenant_that_is_being_added(pool: PgPool) {
    let db = Db::from_pool(pool.clone(), Clock::manual(noon()));
    let (old, both) = (sealer(&["07"]), sealer(&["08", "07"]));
    let mut tx = pool.begin().await.unwrap();
    db.fleet()
        .add_tenant_in(&mut tx, &name("acme"), &old)
        .await
        .unwrap();
    let fleet = db.fleet();
    let change = tokio::spawn(async move { fleet.reseal(&both).await });
    crate::samples::until_somebody_waits(&pool).await;
    tx.commit().await.unwrap();
    assert_eq!(change.await.unwrap().unwrap().tenant_keys, 1);
    let opened = db.fleet().check_master_key(&sealer(&["08"])).await;
    assert!(opened.is_ok(), "{opened:?}");
}
