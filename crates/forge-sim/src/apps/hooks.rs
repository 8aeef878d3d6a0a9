//! Messages to the hooks of Apps: written down when something happens, carried out afterwards, each once.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::{life, payload};
use crate::lock::{read, write};
use crate::state::Simulator;
use crate::world::{Delivery, Hook, World};

/// How long a hook may take (GitHub docs, best practices for using webhooks).
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that an App is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notice {
    pub(crate) event: String,
    pub(crate) action: Option<String>,
    pub(crate) app_id: u64,
    pub(crate) installation_id: Option<u64>,
    pub(crate) repository_id: Option<u64>,
    pub(crate) sender_id: u64,
    /// Who had asked for an installation.
    pub(crate) requester_id: Option<u64>,
    /// Whether the repositories of the installation are listed.
    pub(crate) lists_repositories: bool,
    /// Repositories that were added to an installation or taken from it.
    pub(crate) repositories: Vec<u64>,
    /// What an account or a repository was called before.
    pub(crate) renamed_from: Option<String>,
    /// The branch that was pushed to, and its new commit.
    pub(crate) pushed: Option<(String, String)>,
}

/// Writes a message down, if the App has a hook.
pub(crate) fn queue(world: &mut World, notice: &Notice, now: DateTime<Utc>) {
    let has_hook = world
        .apps
        .all
        .get(&notice.app_id)
        .is_some_and(|app| app.hook.is_some());
    if !has_hook {
        return;
    }
    let payload = payload::of(world, notice, now).to_string();
    let id = world.next_id();
    let guid = guid(&life::random(world, 32));
    let lossy = world.apps.lossy;
    world.apps.deliveries.push(Delivery {
        id,
        guid,
        app_id: notice.app_id,
        event: notice.event.clone(),
        action: notice.action.clone(),
        installation_id: notice.installation_id,
        repository_id: notice.repository_id,
        payload,
        delivered_at: now,
        redelivery: false,
        pending: !lossy,
        status_code: if lossy { 502 } else { 0 },
    });
}

/// Sends a message again.
pub(crate) fn repeat(world: &mut World, app_id: u64, delivery: u64, now: DateTime<Utc>) -> bool {
    let found = world
        .apps
        .deliveries
        .iter()
        .find(|one| one.id == delivery && one.app_id == app_id)
        .cloned();
    let Some(first) = found else { return false };
    let id = world.next_id();
    world.apps.deliveries.push(Delivery {
        id,
        delivered_at: now,
        redelivery: true,
        pending: true,
        status_code: 0,
        ..first
    });
    true
}

/// A GUID's shape for digits that somebody made up.
fn guid(random: &str) -> String {
    let digits: String = random
        .bytes()
        .map(|byte| char::from_digit(u32::from(byte) % 16, 16).unwrap_or('0'))
        .collect();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

/// `X-Hub-Signature-256` of a body.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body).as_ref()))
}

/// Carries messages to their hooks until the simulator stops.
pub(crate) async fn carry(simulator: Arc<Simulator>, stop: CancellationToken) {
    let client = reqwest::Client::builder()
        .user_agent("GitHub-Hookshot/c0ffee0")
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .no_proxy()
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "messages to hooks cannot be sent");
            return;
        }
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = simulator.mail.notified() => {}
        }
        while let Some((delivery, hook)) = next(&simulator) {
            let status_code = send(&client, &delivery, &hook).await;
            let mut world = write(&simulator.world);
            if let Some(sent) = world
                .apps
                .deliveries
                .iter_mut()
                .find(|one| one.id == delivery.id)
            {
                sent.pending = false;
                sent.status_code = status_code;
            }
        }
    }
}

fn next(simulator: &Simulator) -> Option<(Delivery, Hook)> {
    let world = read(&simulator.world);
    let delivery = world.apps.deliveries.iter().find(|one| one.pending)?;
    let hook = world.apps.all.get(&delivery.app_id)?.hook.clone()?;
    Some((delivery.clone(), hook))
}

async fn send(client: &reqwest::Client, delivery: &Delivery, hook: &Hook) -> u16 {
    let sent = client
        .post(&hook.url)
        .header("content-type", "application/json")
        .header("x-github-event", &delivery.event)
        .header("x-github-delivery", &delivery.guid)
        .header("x-github-hook-installation-target-type", "integration")
        .header(
            "x-github-hook-installation-target-id",
            delivery.app_id.to_string(),
        )
        .header(
            "x-hub-signature-256",
            signature(hook.secret.reveal(), delivery.payload.as_bytes()),
        )
        .body(delivery.payload.clone())
        .send()
        .await;
    match sent {
        Ok(response) => response.status().as_u16(),
        Err(error) => {
            tracing::debug!(%error, event = delivery.event, "a hook did not answer");
            0
        }
    }
}
