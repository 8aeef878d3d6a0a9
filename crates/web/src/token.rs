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

/// A code for a person to type: four groups of four letters and digits that cannot be mistaken for each other.
pub fn set_up_code() -> Option<Secret> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
    let code: Vec<String> = random::<16>()
        .ok()?
        .chunks(4)
        .map(|group| {
            group
                .iter()
                .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
                .map(|letter| char::from(*letter))
                .collect()
        })
        .collect();
    Some(Secret::new(code.join("-")))
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::internal("The system gives no random numbers."))?;
    Ok(bytes)
}
