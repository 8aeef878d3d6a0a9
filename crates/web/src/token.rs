//! Things that cannot be guessed.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Secret;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// 256 random bits. The database knows its hash alone.
pub(crate) struct Token(Secret);

impl Token {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self(Secret::new(URL_SAFE_NO_PAD.encode(random::<32>()?))))
    }

    pub(crate) fn text(&self) -> &str {
        self.0.expose()
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(self.text())
    }
}

/// What is stored in the place of a token.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// A short word to tell one thing from another, such as a form or an incident.
pub(crate) fn mark() -> Result<String, Error> {
    Ok(hex::encode(random::<6>()?))
}

/// Letters and digits that cannot be mistaken for each other: neither i, l, o nor 0 and 1.
const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// A code for a person to type: four groups of four, some 79 bits.
pub(crate) fn code() -> Result<Secret, Error> {
    let mut text = String::with_capacity(19);
    let mut written = 0;
    while written < 16 {
        for byte in random::<16>()? {
            // A byte beyond the last whole round would make the first letters likelier than the others.
            let letter = (byte < 248).then(|| LETTERS.get(usize::from(byte % 31)));
            if let Some(Some(letter)) = letter
                && written < 16
            {
                if written > 0 && written % 4 == 0 {
                    text.push('-');
                }
                text.push(char::from(*letter));
                written += 1;
            }
        }
    }
    Ok(Secret::new(text))
}

/// The code that lets the first person in. Nothing, if the system gives no random numbers.
pub fn set_up_code() -> Option<Secret> {
    code().ok()
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_error: aws_lc_rs::error::Unspecified| {
        Error::internal("The system gives no random numbers.")
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
