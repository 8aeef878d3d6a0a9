//! A credential in the pool.

use domain::{BucketKey, CredentialId, Health, Secret};

/// A credential as it is put into the pool.
#[derive(Debug, Clone)]
pub struct Member {
    /// Which one.
    pub id: CredentialId,
    /// Its name, for sentences.
    pub name: String,
    /// Who is charged for its requests.
    pub bucket: BucketKey,
    /// What authorizes it.
    pub token: Secret,
    /// Share of the bucket's limit that is never touched.
    pub reserve_percent: u8,
    /// Whether it may be used.
    pub health: Health,
    /// Whether another token can be had when this one is refused: requests wait for it meanwhile.
    pub renewable: bool,
}

/// A credential as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Which one.
    pub id: CredentialId,
    /// Its name.
    pub name: String,
    /// Who is charged for its requests.
    pub bucket: BucketKey,
    /// Share of the bucket's limit that is never touched.
    pub reserve_percent: u8,
    /// Whether it may be used.
    pub health: Health,
}

impl Member {
    /// The member without its token.
    pub fn view(&self) -> MemberView {
        MemberView {
            id: self.id,
            name: self.name.clone(),
            bucket: self.bucket.clone(),
            reserve_percent: self.reserve_percent,
            health: self.health.clone(),
        }
    }
}
