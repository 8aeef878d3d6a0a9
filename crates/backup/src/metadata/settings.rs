//! The repository's own settings: one object.

use std::path::Path;

use serde_json::Value;

use super::canonical;
use crate::{Error, staging};

/// What tells of the credential that asked and not of the repository: it would differ from fetch to fetch, and one of them is a
/// secret (GitHub docs, "Get a repository": `temp_clone_token`). GitLab docs,
/// "Projects API": `runners_token` is another, which maintainers see.
const OF_THE_CREDENTIAL: [&str; 4] = [
    "permissions",
    "role_name",
    "temp_clone_token",
    "runners_token",
];

/// Writes the settings in the host's words, less what tells of the credential.
pub(crate) fn write(path: &Path, mut settings: Value) -> Result<(), Error> {
    if let Value::Object(object) = &mut settings {
        object.retain(|key, _| !OF_THE_CREDENTIAL.contains(&key.as_str()));
    }
    let line = canonical::line(&settings).map_err(|error| Error::staging(path, &error.into()))?;
    staging::replace(path, &line).map(|_replaced| ())
}
