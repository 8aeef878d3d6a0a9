//! Global node ids as GitHub writes them: a prefix for the kind, then the numeric id.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The prefix of each kind of node.
pub const REPOSITORY: &str = "R";
/// An App.
pub const APP: &str = "A";
/// A person.
pub const USER: &str = "U";
/// An organization.
pub const ORGANIZATION: &str = "O";
/// An issue.
pub const ISSUE: &str = "I";
/// A comment on an issue or pull request.
pub const ISSUE_COMMENT: &str = "IC";
/// A pull request.
pub const PULL_REQUEST: &str = "PR";
/// A review.
pub const REVIEW: &str = "PRR";
/// A comment on a line.
pub const REVIEW_COMMENT: &str = "PRRC";
/// A label.
pub const LABEL: &str = "LA";
/// A milestone.
pub const MILESTONE: &str = "MI";
/// A release.
pub const RELEASE: &str = "RE";
/// A release asset.
pub const ASSET: &str = "RA";
/// A licence.
pub const LICENSE: &str = "LI";
/// A git reference.
pub const REFERENCE: &str = "REF";

/// The node id of a thing.
pub fn encode(prefix: &str, id: u64) -> String {
    let mut bytes = vec![0x92, 0x00, 0xce];
    bytes.extend(id.to_be_bytes());
    format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The node id of a thing that has a name but no number.
pub fn named(prefix: &str, name: &str) -> String {
    encode(prefix, digest(name))
}

/// A number for a name.
pub(crate) fn digest(name: &str) -> u64 {
    name.bytes().fold(7, |digest: u64, byte| {
        digest.wrapping_mul(31).wrapping_add(u64::from(byte))
    })
}

/// The prefix and numeric id of a node id that [`encode`] made.
pub fn decode(node_id: &str) -> Option<(&str, u64)> {
    let (prefix, encoded) = node_id.split_once('_')?;
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let id: [u8; 8] = bytes.get(3..)?.try_into().ok()?;
    Some((prefix, u64::from_be_bytes(id)))
}
