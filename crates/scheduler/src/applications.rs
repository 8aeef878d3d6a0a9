//! Looks after the applications that the installation has on hosts: fetches the keys of those that were just made, asks how they
//! stand, finds messages that got lost, and acts upon those that have come.

use std::time::Duration;

use chrono::TimeDelta;
use domain::ApplicationId;
use forge::github::app::Sent;
use store::{Application, ApplicationKeys, Conversion, Looked};
use tracing::{debug, info, warn};

use crate::Error;
use crate::engine::Engine;
use crate::task::sentence;
use crate::tokens::{self, Trouble};

/// Messages that are acted upon in one round; the rest waits for the next.
const AT_ONCE: usize = 1_000;

/// A host's clock may be so far from ours, and counts whole seconds.
const APART: TimeDelta = TimeDelta::minutes(1);

/// A host that does not answer for this long is asked again in the next round.
const PATIENCE: Duration = Duration::from_secs(30);

/// One round. Two workers may do the same, which does no harm.
pub(crate) async fn round(engine: &Engine) -> Result<(), Error> {
    for conversion in engine.fleet.conversions(&engine.sealer).await? {
        convert(engine, &conversion).await?;
    }
    for id in engine.fleet.applications_to_look_at().await? {
        look(engine, id).await?;
    }
    let asked = engine.fleet.applications_to_ask_for_messages().await?;
    for id in &asked {
        if let Err(error) = find_lost(engine, *id).await {
            warn!(application = %id, error = sentence(&error), "Messages that may have got lost could not be looked for.");
        }
    }
    for _ in 0..AT_ONCE {
        if !engine.fleet.act_on_message().await? {
            break;
        }
    }
    // What the host tells by itself says who had asked, and counts first.
    for id in asked {
        if let Err(error) = find_approvals(engine, id).await {
            warn!(application = %id, error = sentence(&error), "Whether owners have answered requests could not be asked.");
        }
    }
    engine.fleet.sweep_messages().await?;
    Ok(())
}

/// Exchanges the code of an application that was just made for its keys.
async fn convert(engine: &Engine, conversion: &Conversion) -> Result<(), Error> {
    let oauth = engine.forge.oauth(&conversion.host);
    let converted = match tokio::time::timeout(PATIENCE, oauth.convert(&conversion.code)).await {
        Ok(Ok(made)) => {
            info!(slug = made.slug, "An application was made from a manifest.");
            Ok(ApplicationKeys {
                app_id: Some(made.id),
                client_id: made.client_id,
                slug: Some(made.slug),
                client_secret: made.client_secret,
                private_key: Some(made.private_key),
                webhook_secret: made.webhook_secret,
            })
        }
        Ok(Err(error)) => Err(format!(
            "{error} The keys were not handed over: delete the application on {}, and register it again.",
            conversion.host.authority()
        )),
        Err(_elapsed) => Err(format!(
            "{} did not answer in time: delete the application there, and register it again.",
            conversion.host.authority()
        )),
    };
    let keys = converted.as_ref().map_err(String::as_str);
    Ok(engine
        .fleet
        .application_converted(&engine.sealer, conversion, keys)
        .await?)
}

async fn find(engine: &Engine, id: ApplicationId) -> Result<Option<Application>, Error> {
    Ok(engine.fleet.application(id).await?)
}

/// Asks a host how an application stands.
async fn look(engine: &Engine, id: ApplicationId) -> Result<(), Error> {
    let Some(application) = find(engine, id).await? else {
        return Ok(());
    };
    let answer = match tokens::identify(engine, id).await {
        Err(Trouble::Dead(words) | Trouble::Key(words)) => Err(words),
        Err(Trouble::Later(words)) => {
            debug!(words, "An application cannot be looked at now.");
            return Ok(());
        }
        Ok((identity, _)) => {
            let app = engine.forge.app(&application.host, &identity);
            match tokio::time::timeout(PATIENCE, app.description()).await {
                Ok(Ok(description)) => Ok(Looked {
                    slug: description.slug,
                    permissions: description.permissions,
                    installations: description.installations_count.unwrap_or_default(),
                }),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_elapsed) => Err("The host did not answer in time.".to_owned()),
            }
        }
    };
    Ok(engine.fleet.application_answered(id, answer).await?)
}

/// Takes in what a host has tried to tell an application and could not.
async fn find_lost(engine: &Engine, id: ApplicationId) -> Result<(), Error> {
    let Some(application) = find(engine, id).await? else {
        return Ok(());
    };
    let Ok((identity, _)) = tokens::identify(engine, id).await else {
        return Ok(());
    };
    let app = engine.forge.app(&application.host, &identity);
    let sent = app.messages().await?;
    let guids: Vec<String> = sent.iter().map(|one| one.guid.clone()).collect();
    let known = engine.fleet.known_messages(id, &guids).await?;
    let mut lost: Vec<&Sent> = sent
        .iter()
        .filter(|one| !known.contains(&one.guid))
        .collect();
    // What was told last must be acted upon last.
    lost.sort_by_key(|one| (one.delivered_at, one.id));
    for one in lost {
        let message = app.message(one.id).await?;
        let notice = message.notice();
        if engine
            .fleet
            .receive_message(id, &one.guid, notice.as_ref())
            .await?
        {
            info!(
                event = message.event,
                guid = one.guid,
                "A message that had got lost was found."
            );
        }
    }
    Ok(())
}

/// Finds the requests that an owner has answered without the host telling of it: one that was listed as open until now, is not any
/// more, and has an installation that was made since.
async fn find_approvals(engine: &Engine, id: ApplicationId) -> Result<(), Error> {
    let open = engine.fleet.open_installation_requests(id).await?;
    if open.is_empty() {
        return Ok(());
    }
    let Some(application) = find(engine, id).await? else {
        return Ok(());
    };
    let Ok((identity, _)) = tokens::identify(engine, id).await else {
        return Ok(());
    };
    let app = engine.forge.app(&application.host, &identity);
    let pending = app.requests().await?;
    for request in &open {
        let is_pending = pending
            .iter()
            .any(|one| one.account.id == request.account_id && one.requester == request.requester);
        if is_pending {
            engine.fleet.note_request_pending(request).await?;
            continue;
        }
        let Some(made) = app.installation_on(&request.account).await? else {
            continue;
        };
        if made.account.id == request.account_id
            && made.created_at >= request.open_at - APART
            && engine
                .fleet
                .offer_installation(id, request, made.id)
                .await?
        {
            info!(
                installation = made.id,
                "An installation that somebody had asked for was found."
            );
        }
    }
    Ok(())
}
