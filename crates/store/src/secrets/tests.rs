use sqlx::PgPool;

use super::*;
use crate::samples::{name, sample, tenant};

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_secret_comes_back_as_it_was_put_and_is_not_in_the_database(pool: PgPool) {
    let acme = sample(&pool).await;
    let secret = Secret::new("correct horse battery staple");
    let id = acme
        .scoped
        .put_secret(&acme.sealer, "note", SecretKind::Token, &secret)
        .await
        .unwrap();
    assert_eq!(
        acme.scoped.open_secret(&acme.sealer, id).await.unwrap(),
        secret
    );

    let newer = Secret::new("another");
    acme.scoped
        .replace_secret(&acme.sealer, id, &newer)
        .await
        .unwrap();
    assert_eq!(
        acme.scoped.open_secret(&acme.sealer, id).await.unwrap(),
        newer
    );

    let sealed: Vec<Vec<u8>> = sqlx::query_scalar("SELECT sealed FROM secrets")
        .fetch_all(&pool)
        .await
        .unwrap();
    for bytes in sealed {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("ghp_") && !text.contains("another") && !text.contains("horse"));
    }
    let taken = acme
        .scoped
        .put_secret(&acme.sealer, "note", SecretKind::Token, &newer)
        .await
        .unwrap_err();
    assert!(
        matches!(
            taken,
            Error::NameTaken {
                what: "a secret",
                ..
            }
        ),
        "{taken:?}"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_secret_moved_within_the_database_does_not_open(pool: PgPool) {
    let acme = sample(&pool).await;
    let put = |name: &'static str| {
        let (scoped, sealer) = (acme.scoped.clone(), &acme.sealer);
        async move {
            scoped
                .put_secret(sealer, name, SecretKind::Token, &Secret::new(name))
                .await
                .unwrap()
        }
    };
    let (a, b) = (put("a").await, put("b").await);
    sqlx::query(
        "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE id = $1) WHERE id = $2",
    )
    .bind(a.0)
    .bind(b.0)
    .execute(&pool)
    .await
    .unwrap();
    let broken = acme.scoped.open_secret(&acme.sealer, b).await.unwrap_err();
    assert!(matches!(broken, Error::BrokenSeal), "{broken:?}");

    let other = tenant(&acme.db, "other").await;
    let foreign = other.scoped.open_secret(&acme.sealer, a).await.unwrap_err();
    assert!(
        matches!(foreign, Error::Missing { what: "secret" }),
        "{foreign:?}"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn another_master_key_is_refused_before_anything_is_done_with_it(pool: PgPool) {
    let acme = sample(&pool).await;
    let wrong = Sealer::from_text(&Secret::new("09".repeat(32))).unwrap();
    acme.fleet.check_master_key(&acme.sealer).await.unwrap();
    let refused = acme.fleet.check_master_key(&wrong).await.unwrap_err();
    assert!(matches!(refused, Error::WrongMasterKey), "{refused:?}");
    let refused = acme
        .scoped
        .put_secret(&wrong, "x", SecretKind::Token, &Secret::new("x"))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::WrongMasterKey), "{refused:?}");
    acme.fleet
        .add_tenant(&name("third"), &acme.sealer)
        .await
        .unwrap();
}
