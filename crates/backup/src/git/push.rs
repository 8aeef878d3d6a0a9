//! Bringing a mirror's branches and tags to a host.

use std::path::Path;

use forge::GitAccess;
use tokio_util::sync::CancellationToken;

use super::command::Git;
use super::failure::Failure;

/// What a host lets one write: hosts refuse their own references, such as those of merge requests. Without force: what the host has
/// and the mirror has otherwise is refused, never overwritten.
const REFERENCES: [&str; 2] = ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"];

/// Pushes branches and tags. Asked twice, the second time changes nothing.
pub(crate) async fn push(
    mirror: &Path,
    access: &GitAccess,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let mut arguments = vec!["push", "--porcelain", "--progress", access.url.as_str()];
    arguments.extend(REFERENCES);
    let git = Git::to_host(mirror, access, &arguments).await?;
    git.run(cancel).await.map(drop)
}
