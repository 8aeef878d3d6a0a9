//! Tokens for installations: narrowed, ended after an hour, in either shape.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

use super::{life, unprocessable};
use crate::reply::Refusal;
use crate::world::{InstallationToken, Permissions, TokenFormat, TokenValue, World};

/// How long a token works.
const LIFETIME: TimeDelta = TimeDelta::hours(1);

/// What a client asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    repositories: Option<Vec<String>>,
    repository_ids: Option<Vec<u64>>,
    permissions: Option<Permissions>,
}

/// How much a permission allows.
fn rank(level: &str) -> u8 {
    match level {
        "read" => 1,
        "write" => 2,
        "admin" => 3,
        _ => 0,
    }
}

/// Issues a token for an installation of an App.
pub(crate) fn mint(
    world: &mut World,
    app_id: u64,
    installation_id: u64,
    wanted: &Wanted,
    now: DateTime<Utc>,
) -> Result<InstallationToken, Refusal> {
    let installation = world
        .apps
        .installations
        .get(&installation_id)
        .filter(|one| one.app_id == app_id)
        .cloned()
        .ok_or_else(Refusal::not_found)?;
    if installation.suspended.is_some() {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "This installation has been suspended",
        ));
    }
    let permissions = match &wanted.permissions {
        None => installation.permissions.clone(),
        Some(wanted) => {
            let is_granted = wanted.iter().all(|(name, level)| {
                let granted = installation.permissions.get(name);
                granted.is_some_and(|granted| rank(granted) >= rank(level))
            });
            if !is_granted {
                return Err(unprocessable(
                    "The permissions requested are not granted to this installation.",
                ));
            }
            wanted.clone()
        }
    };
    let repositories = narrowed(world, installation.account_id, wanted);
    if let Some(repositories) = &repositories {
        let is_covered = !repositories.is_empty()
            && repositories.len() <= 500
            && repositories.iter().all(|id| installation.covers(*id));
        if !is_covered {
            return Err(unprocessable(
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            ));
        }
    }
    let token = InstallationToken {
        value: TokenValue::new(value(world, app_id, installation_id, now)),
        installation_id,
        permissions,
        repositories,
        expires_at: now + LIFETIME,
        revoked: false,
    };
    world.apps.tokens.push(token.clone());
    Ok(token)
}

fn narrowed(world: &World, account_id: u64, wanted: &Wanted) -> Option<BTreeSet<u64>> {
    if wanted.repositories.is_none() && wanted.repository_ids.is_none() {
        return None;
    }
    let owner = world.login(account_id);
    let named = wanted.repositories.iter().flatten().map(|name| {
        // An id that nothing has stands for a name that nothing has.
        world.repository(owner, name).map_or(0, |one| one.id)
    });
    Some(
        named
            .chain(wanted.repository_ids.iter().flatten().copied())
            .collect(),
    )
}

fn value(world: &mut World, app_id: u64, installation_id: u64, now: DateTime<Utc>) -> String {
    match world.apps.token_format {
        TokenFormat::Opaque => format!("ghs_{}", life::random(world, 36)),
        TokenFormat::Stateless => {
            let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let header = part(json!({ "alg": "RS256", "typ": "JWT" }));
            let claims = part(json!({
                "iss": "https://token.actions.githubusercontent.com",
                "sub": format!("installation:{installation_id}"),
                "iat": now.timestamp(),
                "exp": (now + LIFETIME).timestamp(),
                "jti": life::random(world, 22),
            }));
            format!(
                "ghs_{app_id}_{header}.{claims}.{}",
                life::random(world, 342)
            )
        }
    }
}
