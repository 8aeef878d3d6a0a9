//! Passwords: stored as argon2id hashes, compared away from the threads that serve.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use domain::{Invalid, Secret};

use crate::error::Error;
use crate::token;

/// Fewest characters of a new password.
pub(crate) const MIN: usize = 12;

/// Most bytes that are hashed, so that nobody keeps the machine busy with a book.
pub(crate) const MAX: usize = 1024;

/// What is compared when there is no such person, so that the answer takes as long.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this one").ok());

/// Why a new password is not taken.
pub(crate) fn fault(password: &str) -> Option<String> {
    if password.chars().count() < MIN {
        Some(format!("Use at least {MIN} characters."))
    } else if password.len() > MAX {
        Some(format!("Use at most {MAX} characters."))
    } else {
        None
    }
}

/// The hash of a new password that is not entered in the console, or why it is not taken.
pub async fn accept(password: Secret) -> Result<String, Invalid> {
    match fault(password.expose()) {
        Some(fault) => Err(Invalid::new(format!("The password is not taken: {fault}"))),
        None => hash(password)
            .await
            .map_err(|error| Invalid::new(error.to_string())),
    }
}

/// A password that nobody has had, to be shown once. Nothing, if the system gives no random numbers.
pub fn make() -> Option<Secret> {
    token::code().ok()
}

/// The hash of a password.
pub(crate) async fn hash(password: Secret) -> Result<String, Error> {
    tokio::task::spawn_blocking(move || hash_now(password.expose()))
        .await
        .map_err(|error| Error::Internal(Box::new(error)))?
}

/// Whether a password belongs to a hash; without a hash the answer is no, after the same work.
pub(crate) async fn matches(password: Secret, hash: Option<String>) -> Result<bool, Error> {
    tokio::task::spawn_blocking(move || {
        let somebodys = hash.is_some();
        let hash = hash.or_else(|| NOBODYS.clone()).unwrap_or_default();
        let is_right = password.expose().len() <= MAX
            && PasswordHash::new(&hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.expose().as_bytes(), &hash)
                    .is_ok()
            });
        is_right && somebodys
    })
    .await
    .map_err(|error| Error::Internal(Box::new(error)))
}

fn hash_now(password: &str) -> Result<String, Error> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::internal(format!("The password cannot be hashed: {error}.")))
}
