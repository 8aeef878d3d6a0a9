use domain::Name;
use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, name, sample, tenant};

fn settings(acme: &Sample, text: &str) -> PlanSettings {
    PlanSettings {
        name: text.to_owned(),
        organization: Some(acme.organization),
        selection: Selection::All,
        content: Content::default(),
        storage: Some(acme.storage),
        schedule: None,
        paused: false,
        retention: Retention::default(),
        additional_credentials: true,
        use_credentials: Vec::new(),
        pool_part: PoolPart::ALL,
        weight: Weight::USUAL,
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_person_has_one_draft_of_each_plan_and_nobody_elses(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    let (ann, ben) = (PersonId::new(), PersonId::new());
    let first = acme
        .scoped
        .put_draft(ann, DraftId::new(), None, &settings(&acme, "half a na"))
        .await
        .unwrap();
    let again = acme
        .scoped
        .put_draft(ann, DraftId::new(), None, &settings(&acme, "half a name"))
        .await
        .unwrap();
    assert_eq!(first, again);
    let edited = Some((acme.plan, 1));
    acme.scoped
        .put_draft(ann, DraftId::new(), edited, &settings(&acme, "nightly"))
        .await
        .unwrap();

    let found = acme.scoped.draft(ann, None).await.unwrap().unwrap();
    assert_eq!(found.settings.name, "half a name");
    assert_eq!(acme.scoped.drafts(ann).await.unwrap().len(), 2);
    assert_eq!(acme.scoped.draft(ben, None).await.unwrap(), None);
    assert_eq!(other.scoped.drafts(ann).await.unwrap(), []);

    acme.scoped.drop_draft(ann, None).await.unwrap();
    let left = acme.scoped.drafts(ann).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].plan, edited);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_plan_takes_over_its_drafts_id_and_the_draft_is_gone(pool: PgPool) {
    let acme = sample(&pool).await;
    let ann = PersonId::new();
    let draft = acme
        .scoped
        .put_draft(ann, DraftId::new(), None, &settings(&acme, "weekly"))
        .await
        .unwrap();
    let added = acme
        .scoped
        .add_drafted_plan(ann, draft, acme.new_plan("weekly"))
        .await
        .unwrap();
    assert_eq!(added.0, draft.0);
    let again = acme
        .scoped
        .add_drafted_plan(ann, draft, acme.new_plan("weekly"))
        .await
        .unwrap();
    assert_eq!(again, added);
    assert_eq!(acme.scoped.draft(ann, None).await.unwrap(), None);
    let plan = acme.scoped.plan(added).await.unwrap().unwrap();
    assert_eq!(plan.name, name("weekly"));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_draft_outlives_a_save_that_is_refused(pool: PgPool) {
    let acme = sample(&pool).await;
    let ann = PersonId::new();
    let mine = Some((acme.plan, 1));
    acme.scoped
        .put_draft(ann, DraftId::new(), mine, &settings(&acme, "mine"))
        .await
        .unwrap();
    let rename = |text: &str, version| PlanChange {
        name: Some(text.parse::<Name>().unwrap()),
        version,
        ..PlanChange::default()
    };
    acme.scoped
        .edit_plan(acme.plan, rename("theirs", None))
        .await
        .unwrap();
    let refused = acme
        .scoped
        .edit_drafted_plan(ann, acme.plan, rename("mine", Some(1)))
        .await;
    assert!(matches!(refused, Err(Error::Changed { .. })), "{refused:?}");
    assert!(
        acme.scoped
            .draft(ann, Some(acme.plan))
            .await
            .unwrap()
            .is_some()
    );

    acme.scoped
        .edit_drafted_plan(ann, acme.plan, rename("mine", Some(2)))
        .await
        .unwrap();
    let plan = acme.scoped.plan(acme.plan).await.unwrap().unwrap();
    assert_eq!((plan.name, plan.version), (name("mine"), 3));
    assert_eq!(acme.scoped.draft(ann, Some(acme.plan)).await.unwrap(), None);
}
