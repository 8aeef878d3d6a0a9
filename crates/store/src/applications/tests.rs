use domain::{ForgeKind, SessionId};
use sqlx::PgPool;

use super::*;
use crate::samples::{sample, sealer};

fn new(slot: Slot) -> NewApplication {
    NewApplication {
        host: Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
        slot,
        owner: None,
    }
}

fn keys(text: &str) -> ApplicationKeys {
    ApplicationKeys {
        app_id: Some(7),
        client_id: "Iv23".to_owned(),
        slug: Some("backup".to_owned()),
        client_secret: Secret::new(format!("secret-{text}")),
        private_key: Some(Secret::new(format!("key-{text}"))),
        webhook_secret: Some(Secret::new(format!("hook-{text}"))),
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn keys_are_sealed_replaced_and_shown_to_nobody(pool: PgPool) {
    let acme = sample(&pool).await;
    let fleet = &acme.fleet;
    let first = keys("first");
    let id = fleet
        .add_application(&acme.sealer, &new(Slot::Main), &first)
        .await
        .unwrap();
    let opened = fleet.application_keys(&acme.sealer, id).await.unwrap();
    assert_eq!(opened.as_ref(), Some(&first));
    assert!(!format!("{opened:?}").contains("first"));
    let stored: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM applications")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains("first"));

    let second = keys("second");
    fleet
        .replace_application_keys(&acme.sealer, id, &second)
        .await
        .unwrap();
    let opened = fleet.application_keys(&acme.sealer, id).await.unwrap();
    assert_eq!(opened, Some(second));
    let shown = fleet.application(id).await.unwrap().unwrap();
    assert_eq!((shown.key_version, shown.slot), (2, Slot::Main));
    let taken = fleet
        .add_application(&acme.sealer, &new(Slot::Main), &first)
        .await;
    assert!(matches!(taken, Err(Error::SlotTaken { .. })), "{taken:?}");
    fleet.remove_application(id).await.unwrap();
    assert_eq!(fleet.applications().await.unwrap(), []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn keys_are_sealed_anew_with_the_master_key(pool: PgPool) {
    let acme = sample(&pool).await;
    let kept = keys("kept");
    let id = acme
        .fleet
        .add_application(&acme.sealer, &new(Slot::OAuth), &kept)
        .await
        .unwrap();
    let both = Sealer::from_text(&Secret::new(format!(
        "{} {}",
        "08".repeat(32),
        "07".repeat(32)
    )));
    let done = acme.fleet.reseal(&both.unwrap()).await.unwrap();
    assert_eq!(done.applications, 1);
    let after = Sealer::from_text(&Secret::new("08".repeat(32))).unwrap();
    let opened = acme.fleet.application_keys(&after, id).await.unwrap();
    assert_eq!(opened, Some(kept));
    let refused = acme.fleet.application_keys(&sealer(), id).await;
    assert!(matches!(refused, Err(Error::BrokenSeal)), "{refused:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_manifest_comes_back_once_in_the_session_that_sent_it(pool: PgPool) {
    let acme = sample(&pool).await;
    let fleet = &acme.fleet;
    let session = SessionId::new();
    let id = fleet
        .begin_application(&new(Slot::Additional(3)), [1; 32], session)
        .await
        .unwrap();
    let back = async |state: u8, session| {
        let code = Secret::new("code");
        fleet
            .application_came_back(&acme.sealer, [state; 32], session, &code)
            .await
            .unwrap()
    };
    assert_eq!(back(1, SessionId::new()).await, None);
    assert_eq!(back(2, session).await, None);
    assert_eq!(back(1, session).await, Some(id));
    assert_eq!(back(1, session).await, None);
    let conversions = fleet.conversions(&acme.sealer).await.unwrap();
    assert_eq!(conversions[0].code.expose(), "code");
    fleet
        .application_converted(&acme.sealer, &conversions[0], Err("It said no."))
        .await
        .unwrap();
    let refused = fleet.application(id).await.unwrap().unwrap();
    assert_eq!(
        refused.state,
        ApplicationState::Refused("It said no.".to_owned())
    );
    // What came to nothing is in nobody's way.
    fleet
        .begin_application(&new(Slot::Additional(3)), [3; 32], session)
        .await
        .unwrap();
    assert_eq!(fleet.applications().await.unwrap().len(), 1);
}
