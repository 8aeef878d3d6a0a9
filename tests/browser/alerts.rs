//! Alerts, from a channel that is added to somebody who has heard and seen.

use serde_json::json;

use super::drive;
use crate::world::World;

#[tokio::test]
async fn a_refused_credential_is_heard_on_a_channel_and_acknowledged_in_the_console() {
    let world = World::start(json!({
        "repositories": [{"name": "one", "commits": 2}],
    }))
    .await;
    world.serve().await;
    drive("alerts", &world, json!({})).await;
    world.finish().await;
}
