//! Signed statements by which an App proves that it is one (GitHub docs, generating a JSON web token for a GitHub App).

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::caller::BadCredentials;
use crate::world::Apps;

/// A statement counts for this many seconds at most.
const LONGEST: i64 = 600;

const UNREADABLE: BadCredentials = BadCredentials("A JSON web token could not be decoded");

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: Value,
    iat: Value,
    exp: Value,
}

/// The statement in an `Authorization` value, if it looks like one: only `Bearer` may carry it.
pub(crate) fn of(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer")
        && token.starts_with("ey")
        && token.matches('.').count() == 2)
        .then_some(token.trim())
}

/// The App that speaks, or why it is not believed.
pub(crate) fn verify(token: &str, apps: &Apps, now: DateTime<Utc>) -> Result<u64, BadCredentials> {
    let (signed, signature) = token.rsplit_once('.').ok_or(UNREADABLE)?;
    let (header, claims) = signed.split_once('.').ok_or(UNREADABLE)?;
    let header: Header = part(header)?;
    let claims: Claims = part(claims)?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_not_base64| UNREADABLE)?;
    let issuer = match &claims.iss {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let app = apps
        .by_client_id(&issuer)
        .or_else(|| apps.all.get(&issuer.parse().ok()?))
        .filter(|app| app.installable)
        .ok_or(BadCredentials("Integration not found"))?;
    if app.keys.is_empty() {
        return Err(BadCredentials("Integration must generate a public key"));
    }
    let is_signed = header.alg == "RS256"
        && app.keys.iter().any(|key| {
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                .verify(signed.as_bytes(), &signature)
                .is_ok()
        });
    if !is_signed {
        return Err(UNREADABLE);
    }
    let now = now.timestamp();
    if claims.iat.as_i64().is_none_or(|at| at > now) {
        return Err(BadCredentials(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        ));
    }
    match claims.exp.as_i64() {
        Some(at) if at > now + LONGEST => Err(BadCredentials(
            "'Expiration time' claim ('exp') is too far in the future",
        )),
        Some(at) if at > now => Ok(app.id),
        _ => Err(BadCredentials(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion \
             expires",
        )),
    }
}

fn part<T: DeserializeOwned>(encoded: &str) -> Result<T, BadCredentials> {
    let bytes = URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|_not_base64| UNREADABLE)?;
    serde_json::from_slice(&bytes).map_err(|_not_json| UNREADABLE)
}
