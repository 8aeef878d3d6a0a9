//! Private keys of Apps, as GitHub hands them out: RSA with 2048 bits, in PEM as PKCS#1 has it.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::world::TokenValue;

/// What PKCS#8 puts before a key of RSA: two headers of four bytes each with what stands between them (RFC 5208, RFC 8017).
const ENVELOPE: usize = 26;

/// A line of PEM.
const LINE: usize = 64;

/// A new key: the private half in PEM, the public one in DER.
pub(crate) fn generate() -> Result<(TokenValue, Vec<u8>), Error> {
    let failed = |_unspecified| Error::Invalid("a key could not be made".to_owned());
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let envelope: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
    let key = envelope.as_ref().get(ENVELOPE..).unwrap_or_default();
    let mut pem = "-----BEGIN RSA PRIVATE KEY-----\n".to_owned();
    for line in STANDARD.encode(key).as_bytes().chunks(LINE) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END RSA PRIVATE KEY-----\n");
    Ok((TokenValue::new(pem), pair.public_key().as_ref().to_vec()))
}
