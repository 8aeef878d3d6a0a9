//! Releases and the files attached to them.

use chrono::{DateTime, Utc};

use super::Content;

/// A release of a repository.
#[derive(Debug, Clone)]
pub struct Release {
    /// The id.
    pub id: u64,
    /// The tag it belongs to.
    pub tag_name: String,
    /// The branch or commit of the tag.
    pub target: String,
    /// The title.
    pub name: Option<String>,
    /// The notes.
    pub body: Option<String>,
    /// Not yet published.
    pub draft: bool,
    /// Not for everybody.
    pub prerelease: bool,
    /// Who made it.
    pub author_id: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// Its files.
    pub assets: Vec<Asset>,
}

/// A file attached to a release.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The id.
    pub id: u64,
    /// The file name.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// The bytes.
    pub content: Content,
    /// Their SHA-256.
    pub sha256: String,
    /// Who uploaded it.
    pub uploader_id: u64,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}
