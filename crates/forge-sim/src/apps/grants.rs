//! What people grant to apps: codes for their browsers, and the tokens that codes and refresh tokens are exchanged for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::life;
use crate::query::Query;
use crate::world::{App, Code, RefreshToken, Token, TokenKind, TokenValue, Voucher, World};

/// How long a code counts (GitHub docs, authorizing OAuth apps).
const CODE: TimeDelta = TimeDelta::minutes(10);
/// The same of a manifest's code (GitHub docs, registering a GitHub App from a manifest).
const MANIFEST: TimeDelta = TimeDelta::hours(1);
/// How long a user token that expires works (GitHub docs, refreshing user access tokens).
const USER_TOKEN: TimeDelta = TimeDelta::hours(8);
/// How long its refresh token works.
const REFRESH: TimeDelta = TimeDelta::days(184);

/// Hands out a code.
pub(crate) fn code(world: &mut World, voucher: Voucher, now: DateTime<Utc>) -> String {
    let value = life::random(world, 20).to_lowercase();
    let lifetime = match voucher {
        Voucher::Authorization { .. } => CODE,
        Voucher::Manifest { .. } => MANIFEST,
    };
    world.apps.codes.push(Code {
        value: TokenValue::new(value.clone()),
        voucher,
        expires_at: now + lifetime,
    });
    value
}

/// Takes a code back, for the one time that it counts.
pub(crate) fn redeem(world: &mut World, value: &str, now: DateTime<Utc>) -> Option<Voucher> {
    let at = world
        .apps
        .codes
        .iter()
        .position(|code| code.value.reveal() == value)?;
    let code = world.apps.codes.swap_remove(at);
    (now < code.expires_at).then_some(code.voucher)
}

/// What the address of tokens answers, refusals included: all of it is status 200.
pub(crate) fn exchange(world: &mut World, form: &Query, now: DateTime<Utc>) -> Value {
    let text = |key: &str| form.text(key).unwrap_or_default();
    let app = world
        .apps
        .by_client_id(text("client_id"))
        .filter(|app| app.client_secret.reveal() == text("client_secret"))
        .cloned();
    let Some(app) = app else {
        return refusal(
            "incorrect_client_credentials",
            "The client_id and/or client_secret passed are incorrect.",
        );
    };
    if text("grant_type") == "refresh_token" {
        return refresh(world, &app, text("refresh_token"), now);
    }
    let Some(Voucher::Authorization {
        app_id,
        user_id,
        scopes,
        redirect_uri,
        challenge,
    }) = redeem(world, text("code"), now)
    else {
        return bad_code();
    };
    let is_verified = challenge.is_none_or(|challenge| {
        URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier"))) == challenge
    });
    let is_sent_there = form
        .text("redirect_uri")
        .is_none_or(|given| given == redirect_uri);
    if app_id != app.id || !is_verified {
        return bad_code();
    }
    if !is_sent_there {
        return refusal(
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
        );
    }
    issue(world, &app, user_id, &scopes, now)
}

fn refresh(world: &mut World, app: &App, value: &str, now: DateTime<Utc>) -> Value {
    let at = world
        .apps
        .refresh_tokens
        .iter()
        .position(|token| token.value.reveal() == value && now < token.expires_at);
    let Some(at) = at else {
        return refusal(
            "bad_refresh_token",
            "The refresh token passed is incorrect or expired.",
        );
    };
    let used = world.apps.refresh_tokens.swap_remove(at);
    let Some(old) = world
        .tokens
        .iter_mut()
        .find(|token| token.value == used.renews)
    else {
        return refusal(
            "bad_refresh_token",
            "The refresh token passed is incorrect or expired.",
        );
    };
    let was_revoked = std::mem::replace(&mut old.revoked, true);
    let (user_id, scopes) = (old.user_id, old.scopes.clone());
    if was_revoked {
        return refusal(
            "bad_refresh_token",
            "The refresh token passed is incorrect or expired.",
        );
    }
    issue(world, app, user_id, &scopes, now)
}

fn issue(
    world: &mut World,
    app: &App,
    user_id: u64,
    scopes: &[String],
    now: DateTime<Utc>,
) -> Value {
    let kind = if app.installable {
        TokenKind::AppUser
    } else {
        TokenKind::Oauth
    };
    let value = TokenValue::new(format!("{}{}", kind.prefix(), life::random(world, 36)));
    world.tokens.push(Token {
        value: value.clone(),
        user_id,
        kind,
        scopes: scopes.to_vec(),
        expires_at: app.expiring_user_tokens.then(|| now + USER_TOKEN),
        revoked: false,
        app_id: Some(app.id),
    });
    let mut answer = json!({
        "access_token": value.reveal(),
        "scope": scopes.join(","),
        "token_type": "bearer",
    });
    if app.expiring_user_tokens {
        let refresh = TokenValue::new(format!("ghr_{}", life::random(world, 76)));
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("expires_in".to_owned(), json!(USER_TOKEN.num_seconds()));
            answer.insert("refresh_token".to_owned(), json!(refresh.reveal()));
            answer.insert(
                "refresh_token_expires_in".to_owned(),
                json!(REFRESH.num_seconds()),
            );
        }
        world.apps.refresh_tokens.push(RefreshToken {
            value: refresh,
            renews: value,
            expires_at: now + REFRESH,
        });
    }
    answer
}

fn bad_code() -> Value {
    refusal(
        "bad_verification_code",
        "The code passed is incorrect or expired.",
    )
}

fn refusal(error: &str, description: &str) -> Value {
    json!({
        "error": error,
        "error_description": description,
        "error_uri": "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors",
    })
}
