use domain::Health;
use sqlx::PgPool;

use super::*;
use crate::samples::{credential, name, sample};
use crate::{Account, NewOrganization, PlanChange};

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_taken_name_stores_nothing(pool: PgPool) {
    let acme = sample(&pool).await;
    let add = |new| {
        acme.scoped
            .add_credential(&acme.sealer, acme.organization, new)
    };
    add(credential("spare", Role::Additional, 2)).await.unwrap();
    let taken = add(credential("spare", Role::Additional, 3))
        .await
        .unwrap_err();
    assert!(
        matches!(
            taken,
            Error::NameTaken {
                what: "a credential",
                ..
            }
        ),
        "{taken:?}"
    );
    let second = add(credential("chief", Role::Main, 3)).await.unwrap_err();
    assert!(matches!(second, Error::SecondMainCredential), "{second:?}");

    let organization = NewOrganization {
        name: name("octo"),
        host: acme
            .scoped
            .organization(acme.organization)
            .await
            .unwrap()
            .unwrap()
            .host,
        accounts: Vec::<Account>::new(),
    };
    let taken = acme
        .scoped
        .add_organization(&acme.sealer, organization, credential("m", Role::Main, 1))
        .await
        .unwrap_err();
    assert!(
        matches!(
            taken,
            Error::NameTaken {
                what: "an organization",
                ..
            }
        ),
        "{taken:?}"
    );

    let secrets: i64 = sqlx::query_scalar("SELECT count(*) FROM secrets WHERE kind = 'token'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(secrets, 2);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_removed_credential_leaves_its_plans_and_loses_its_secret(pool: PgPool) {
    let acme = sample(&pool).await;
    let spare = acme
        .scoped
        .add_credential(
            &acme.sealer,
            acme.organization,
            credential("spare", Role::Additional, 2),
        )
        .await
        .unwrap();
    let change = PlanChange {
        additional_credentials: Some(true),
        use_credentials: Some(vec![spare]),
        ..PlanChange::default()
    };
    acme.scoped.edit_plan(acme.plan, change).await.unwrap();
    acme.scoped.set_access(spare, 7, false).await.unwrap();
    acme.scoped.set_access(spare, 7, true).await.unwrap();
    assert_eq!(
        acme.scoped.access(acme.organization).await.unwrap(),
        [(spare, 7, true)]
    );

    let dead = Health::Dead {
        reason: "401".to_owned(),
    };
    acme.scoped.set_health(spare, &dead).await.unwrap();
    let listed = acme.scoped.credentials(acme.organization).await.unwrap();
    assert_eq!(listed[0].role, Role::Main);
    assert_eq!(listed[0].used_by, [name("nightly")]);
    assert_eq!(
        (&listed[1].health, &listed[1].used_by),
        (&dead, &vec![name("nightly")])
    );
    let secret = listed[1].source.entry().unwrap();

    let main = acme
        .scoped
        .remove_credential(listed[0].id, Leftover::Keep)
        .await
        .unwrap_err();
    assert!(matches!(main, Error::MainCredential { .. }), "{main:?}");
    assert_eq!(
        acme.scoped
            .remove_credential(spare, Leftover::DeleteIfUnused)
            .await
            .unwrap(),
        [name("nightly")]
    );
    let gone = acme
        .scoped
        .open_secret(&acme.sealer, secret)
        .await
        .unwrap_err();
    assert!(
        matches!(gone, Error::Missing { what: "secret" }),
        "{gone:?}"
    );
    assert_eq!(acme.scoped.access(acme.organization).await.unwrap(), []);
    assert_eq!(
        acme.scoped.pool_of(acme.plan).await.unwrap(),
        [listed[0].id]
    );
    let again = acme
        .scoped
        .set_health(spare, &Health::Healthy)
        .await
        .unwrap_err();
    assert!(
        matches!(again, Error::Missing { what: "credential" }),
        "{again:?}"
    );

    acme.scoped
        .add_credential(
            &acme.sealer,
            acme.organization,
            credential("spare", Role::Additional, 2),
        )
        .await
        .unwrap();
}
