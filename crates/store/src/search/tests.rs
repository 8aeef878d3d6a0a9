use sqlx::PgPool;

use super::*;
use crate::samples::sample;

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn names_are_found_by_a_part_whatever_its_case_and_only_ones_own(pool: PgPool) {
    let acme = sample(&pool).await;
    let known = acme.scoped.organizations().await.unwrap();
    let organization = known.first().unwrap().name.to_string();
    let part: String = organization.to_uppercase().chars().take(3).collect();
    let hits = acme.scoped.search(&part, 20).await.unwrap();
    assert!(
        hits.iter()
            .any(|hit| hit.found == Found::Organization(acme.organization)
                && hit.name == organization),
        "{hits:?}"
    );
    let plan = hits_of(&acme.scoped, "", |found| found == Found::Plan(acme.plan)).await;
    assert_eq!(plan, 1, "an empty text is part of every name");
    let credentials = hits_of(&acme.scoped, "", |found| {
        matches!(found, Found::Credential(_))
    })
    .await;
    assert!(credentials > 0);
    assert!(
        acme.scoped.search("% _\\", 20).await.unwrap().is_empty(),
        "no character is special"
    );
    assert!(acme.scoped.search("", 0).await.unwrap().is_empty());
    let other = acme.db.tenant(domain::TenantId::new());
    assert!(other.search("", 20).await.unwrap().is_empty());
}

async fn hits_of(scoped: &Scoped, text: &str, is: impl Fn(Found) -> bool) -> usize {
    let hits = scoped.search(text, 20).await.unwrap();
    hits.iter().filter(|hit| is(hit.found)).count()
}
