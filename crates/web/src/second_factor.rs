//! The second factor: codes that an app on the person's device makes, and recovery codes for the day that it is lost.

use chrono::{DateTime, Utc};
use domain::{Email, PersonId, Secret};
use totp_rs::{Algorithm, Builder, Totp};

use crate::console::Console;
use crate::error::Error;
use crate::token;

/// Recovery codes that a person gets at a time.
const RECOVERY_CODES: usize = 10;

/// What the app shows beside its codes.
const ISSUER: &str = "Holdfast";

/// A seed that nobody has, in base32.
pub(crate) fn new_seed() -> Result<Secret, Error> {
    let bytes: [u8; 20] = token::random()?;
    Ok(Secret::new(totp_rs::Secret::from(bytes).to_base32()))
}

/// The time step that a code belongs to, if it is one of this seed from now or one step around it.
pub(crate) fn step_of(seed: &Secret, code: &str, now: DateTime<Utc>) -> Option<u64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let codes = codes(seed).build().ok()?;
    codes.check(&code, u64::try_from(now.timestamp()).ok()?)
}

/// What the app reads from the picture, or takes over when it is opened.
pub(crate) fn address(seed: &Secret, email: &Email) -> Result<String, Error> {
    codes(seed)
        .with_account_name(email.as_str())
        .with_issuer(Some(ISSUER))
        .build()
        .and_then(|codes: Totp| codes.to_url())
        .map_err(|error| Error::internal(format!("The one-time codes have no address: {error}.")))
}

/// What all apps agree on: SHA-1, six digits, thirty seconds.
fn codes(seed: &Secret) -> Builder {
    let seed = totp_rs::Secret::try_from_base32(seed.expose());
    let builder = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30);
    match seed {
        Ok(seed) => builder.with_secret(seed),
        // Refused when it is built, because it is too short.
        Err(_) => builder.with_secret(Vec::new()),
    }
}

/// New recovery codes, to be shown once and stored as their [`recovery_hash`].
pub(crate) fn recovery_codes() -> Result<Vec<Secret>, Error> {
    (0..RECOVERY_CODES).map(|_| token::code()).collect()
}

/// What is stored in the place of a recovery code, however it is typed.
pub(crate) fn recovery_hash(code: &str) -> [u8; 32] {
    let plain: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    token::hash(&plain)
}

/// Accepts a code of the app or a recovery code, each once.
pub(crate) async fn accept(
    console: &Console,
    person: PersonId,
    typed: &str,
) -> Result<bool, Error> {
    let people = console.db.people();
    let Some(totp) = people.totp(&console.sealer, person).await? else {
        return Ok(false);
    };
    if let Some(step) = step_of(&totp.secret, typed, console.clock.now()) {
        return Ok(people.spend_totp(person, step).await?);
    }
    Ok(people
        .spend_recovery_code(person, &recovery_hash(typed))
        .await?)
}

#[cfg(test)]
mod tests;
