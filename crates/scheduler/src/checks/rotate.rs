//! Another value for a token, from its host: the old one ends with the request, so the new one is kept whatever happens here.

use std::sync::Arc;

use domain::check::Field;
use domain::{ForgeKind, Host, Secret, SecretId, Step, may_rotate};
use forge::Rotated;
use store::{Accepted, Seen};
use tracing::error;

use super::Good;
use super::errand::{Errands, UsersOf};
use crate::engine::Engine;
use crate::persist;
use crate::trial::{Stopped, Tried};

/// Asks everything that can be in the way before anything is lost, then rotates.
pub(super) async fn rotate(errands: &Errands<'_>, secret: SecretId) -> Result<Good, Stopped> {
    let UsersOf { tried, seen } = errands.users_of(secret).await?;
    let (host, tried) = only(tried)?;
    let trial = errands.trial(&host);
    // That a step is written down proves that the database takes what comes next.
    trial.begin(Step::Rotate).await?;
    let rotated = keep(errands, &host, secret, seen)
        .await?
        .map_err(|error| trial.refused(&error))?;
    let mut tried = tried;
    tried.owner.expires_at = rotated.expires_at;
    Ok(Good {
        findings: tried.findings(&[], None),
        accepted: Accepted::Done,
        tried: vec![tried],
    })
}

/// The one host and user of a token that may rotate itself.
fn only(mut all: Vec<(Host, Tried)>) -> Result<(Host, Tried), Stopped> {
    let refuse = |sentence: &str| Stopped::refused(Field::Token, sentence);
    let one = match (all.pop(), all.is_empty()) {
        (Some(one), true) => one,
        (None, _) => return Err(refuse("Nothing uses this password any more.")),
        (Some(_), false) => {
            return Err(refuse(
                "This password is used on several hosts: replace its value by hand.",
            ));
        }
    };
    if one.0.kind() != ForgeKind::GitLab {
        return Err(refuse(
            "Only a GitLab gives a token another value: create one there, then replace it here.",
        ));
    }
    let scopes = one.1.owner.scopes.as_deref().unwrap_or_default();
    if !may_rotate(scopes) {
        return Err(refuse(
            "The token may not rotate itself: it has neither the scope self_rotate nor api. Create another one on the host, then replace it here.",
        ));
    }
    Ok(one)
}

/// Rotates and writes the new value down, in a task of its own: neither a process that drains, nor a claim that is lost, nor the
/// patience of a check comes between the host's answer and the Password Manager.
async fn keep(
    errands: &Errands<'_>,
    host: &Host,
    secret: SecretId,
    seen: Vec<Seen>,
) -> Result<Result<Rotated, forge::Error>, Stopped> {
    let engine: Arc<Engine> = Arc::clone(errands.engine);
    let scoped = errands
        .scoped
        .clone()
        .acting(errands.claim.asked_by.clone());
    let (host, old): (Host, Secret) = (host.clone(), errands.token.clone());
    let task = tokio::spawn(async move {
        let rotated = match engine.forge.rotate(&host, &old).await {
            Ok(rotated) => rotated,
            Err(error) => return Some(Err(error)),
        };
        let seen: Vec<Seen> = seen
            .into_iter()
            .map(|one| Seen {
                expires_at: rotated.expires_at,
                ..one
            })
            .collect();
        persist::until_stored(&engine, "a rotated token", || {
            scoped.token_rotated(&engine.sealer, secret, &rotated.token, &seen)
        })
        .await
        .map(|()| Ok(rotated))
    });
    let refused = |sentence: &str| Stopped::refused(Field::Token, sentence);
    match task.await {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(refused(
            "The host has given the token another value, and it could not be written down: create a token on the host and replace it here.",
        )),
        Err(error) => {
            error!(%error, "A rotation ended in an unexpected way.");
            Err(refused(
                "The rotation was interrupted on our side: check the token again.",
            ))
        }
    }
}
