//! Seals secrets at rest: AES-256-GCM under a key of the tenant, which is wrapped by the installation's master key.
//!
//! What is sealed is bound to its place (tenant, secret, version), so that a value moved to another row does not open.
//! Stored form: nonce, ciphertext, tag.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use domain::{ApplicationId, PersonId, Secret, SecretId, TenantId};
use zeroize::Zeroizing;

use crate::Error;

mod file;
mod ring;
mod rotate;

use ring::Ring;
pub use rotate::Resealed;
pub(crate) use rotate::hold_off;

/// Bytes of a key of AES-256.
const KEY_LEN: usize = 32;

/// A key in memory, wiped when dropped.
type KeyBytes = Zeroizing<[u8; KEY_LEN]>;

/// The installation's master key, which wraps the keys of the tenants. It cannot be shown.
///
/// While the master key is being changed there are two: see [`Sealer::begin_rotation`].
pub struct Sealer(Ring);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    /// Reads a master key from text: 32 bytes in hexadecimal or base64. Several keys may stand there, with spaces or
    /// commas between them: the first one seals, all of them open.
    pub fn from_text(text: &Secret) -> Result<Self, Error> {
        Ring::from_text(text).map(Self)
    }

    /// Makes a key for a tenant and answers it wrapped.
    pub(crate) fn new_tenant_key(&self, tenant: TenantId, version: i32) -> Result<Vec<u8>, Error> {
        let key = random_key()?;
        self.0.seal(&key_place(tenant, version), key.as_slice())
    }

    /// Unwraps a tenant's key.
    pub(crate) fn unwrap(
        &self,
        tenant: TenantId,
        version: i32,
        wrapped: &[u8],
    ) -> Result<TenantKey, Error> {
        let bytes = self
            .0
            .open(&key_place(tenant, version), wrapped)
            .ok_or(Error::WrongMasterKey)?;
        let bytes = <&[u8; KEY_LEN]>::try_from(bytes.as_slice())
            .map_err(|_error: std::array::TryFromSliceError| Error::BrokenSeal)?;
        Ok(TenantKey(cipher(bytes)?))
    }

    /// Seals the seed of a person's one-time codes. A person belongs to no tenant, so the master key does it itself.
    pub(crate) fn seal_totp(&self, person: PersonId, secret: &Secret) -> Result<Vec<u8>, Error> {
        self.0.seal(&totp_place(person), secret.expose().as_bytes())
    }

    /// Opens the seed of a person's one-time codes.
    pub(crate) fn open_totp(&self, person: PersonId, sealed: &[u8]) -> Result<Secret, Error> {
        let bytes = self
            .0
            .open(&totp_place(person), sealed)
            .ok_or(Error::BrokenSeal)?;
        text(&bytes)
    }
}

impl Sealer {
    /// Seals the keys of an application. It belongs to no tenant, so the master key does it itself.
    pub(crate) fn seal_application(
        &self,
        application: ApplicationId,
        keys: &Secret,
    ) -> Result<Vec<u8>, Error> {
        self.0
            .seal(&application_place(application), keys.expose().as_bytes())
    }

    /// Opens the keys of an application.
    pub(crate) fn open_application(
        &self,
        application: ApplicationId,
        sealed: &[u8],
    ) -> Result<Secret, Error> {
        let bytes = self
            .0
            .open(&application_place(application), sealed)
            .ok_or(Error::BrokenSeal)?;
        text(&bytes)
    }
}

/// A tenant's key, unwrapped for one use.
pub(crate) struct TenantKey(RandomizedNonceKey);

impl TenantKey {
    pub(crate) fn seal(&self, place: Place, secret: &Secret) -> Result<Vec<u8>, Error> {
        seal(&self.0, &place.bytes(), secret.expose().as_bytes())
    }

    pub(crate) fn open(&self, place: Place, sealed: &[u8]) -> Result<Secret, Error> {
        let bytes = open(&self.0, &place.bytes(), sealed).ok_or(Error::BrokenSeal)?;
        text(&bytes)
    }
}

fn text(bytes: &[u8]) -> Result<Secret, Error> {
    std::str::from_utf8(bytes)
        .map(Secret::new)
        .map_err(|_error: std::str::Utf8Error| Error::BrokenSeal)
}

/// Where a sealed value belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) tenant: TenantId,
    pub(crate) secret: SecretId,
    pub(crate) version: i32,
}

impl Place {
    fn bytes(self) -> Vec<u8> {
        let mut bytes = b"holdfast secret\0".to_vec();
        bytes.extend_from_slice(self.tenant.0.as_bytes());
        bytes.extend_from_slice(self.secret.0.as_bytes());
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes
    }
}

fn key_place(tenant: TenantId, version: i32) -> Vec<u8> {
    let mut bytes = b"holdfast tenant key\0".to_vec();
    bytes.extend_from_slice(tenant.0.as_bytes());
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes
}

fn totp_place(person: PersonId) -> Vec<u8> {
    let mut bytes = b"holdfast totp\0".to_vec();
    bytes.extend_from_slice(person.0.as_bytes());
    bytes
}

fn application_place(application: ApplicationId) -> Vec<u8> {
    let mut bytes = b"holdfast application\0".to_vec();
    bytes.extend_from_slice(application.0.as_bytes());
    bytes
}

fn random_key() -> Result<KeyBytes, Error> {
    let mut key = KeyBytes::default();
    rand::fill(key.as_mut_slice()).map_err(unusable)?;
    Ok(key)
}

fn cipher(key: &[u8; KEY_LEN]) -> Result<RandomizedNonceKey, Error> {
    RandomizedNonceKey::new(&AES_256_GCM, key).map_err(unusable)
}

fn seal(key: &RandomizedNonceKey, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
    // Encrypted in place, so that no copy of the plain text is left behind by a growing buffer.
    let mut buffer = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
    buffer.extend_from_slice(plain);
    let nonce = key
        .seal_in_place_append_tag(Aad::from(place), &mut buffer)
        .map_err(unusable)?;
    let mut sealed = nonce.as_ref().to_vec();
    sealed.append(&mut buffer);
    Ok(sealed)
}

fn open(key: &RandomizedNonceKey, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = Zeroizing::new(body.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(place), &mut buffer)
        .ok()?
        .len();
    buffer.truncate(length);
    Some(buffer)
}

fn unusable(_: aws_lc_rs::error::Unspecified) -> Error {
    Error::MasterKey {
        detail: "the cryptographic library refused to work with it.".to_owned(),
    }
}

#[cfg(test)]
mod tests;
