//! A token is tried before it is kept.

use std::path::Path;

use domain::{ForgeKind, Host, Secret};
use forge::github::Identity;

use crate::context::Context;
use crate::error::Error;
use crate::secret_file;

/// A token and whoever is behind it.
pub(crate) struct Tried {
    pub(crate) token: Secret,
    pub(crate) identity: Identity,
}

/// Reads a token and asks the host whose it is: it must be the user's who was named.
pub(crate) async fn identify(
    context: &Context,
    host: &Host,
    user: &str,
    token_file: &Path,
) -> Result<Tried, Error> {
    let token = match host.kind() {
        ForgeKind::GitHub => secret_file::github_token(token_file)?,
    };
    let identity = context
        .forge()?
        .identify(host, &token)
        .await
        .map_err(|error| refused(&error, host, token_file))?;
    if !identity.login.eq_ignore_ascii_case(user) {
        return Err(Error::input(format!(
            "The token in {} belongs to {}, not to {user}: name that user, or give the token of {user}.",
            token_file.display(),
            identity.login
        )));
    }
    Ok(Tried { token, identity })
}

/// Why the host did not say whose the token is, and what to do about it.
pub(super) fn refused(error: &forge::Error, host: &Host, token_file: &Path) -> Error {
    let advice = match error {
        forge::Error::Transient { .. } => {
            "Check the address, the network, name resolution and firewalls, then try again."
                .to_owned()
        }
        forge::Error::Protocol { .. }
        | forge::Error::Missing { .. }
        | forge::Error::Moved { .. }
        | forge::Error::Corrupt { .. }
        | forge::Error::Disabled { .. } => format!(
            "Check that {host} is github.com or a GitHub Enterprise Server, and write its address as a browser shows it."
        ),
        forge::Error::Denied { .. }
        | forge::Error::NoCredential { .. }
        | forge::Error::Blocked { .. } => format!(
            "Check that the token in {} is whole, has not expired, and is allowed by the organization's policies; else create another.",
            token_file.display()
        ),
        forge::Error::Throttled { .. } | forge::Error::Cancelled => "Try again later.".to_owned(),
    };
    Error::Input(format!("{error} {advice}"))
}

/// Sentences about a token that the person should know.
pub(crate) fn remarks(context: &Context, identity: &Identity) -> Vec<String> {
    let mut remarks = Vec::new();
    let lacks_repo = identity
        .scopes
        .as_ref()
        .is_some_and(|scopes| !scopes.iter().any(|scope| scope == "repo"));
    if lacks_repo {
        remarks.push(
            "The token lacks the scope repo, so it sees public repositories only.".to_owned(),
        );
    }
    if let Some(expires_at) = identity.expires_at {
        let days = (expires_at - context.clock.now()).num_days();
        remarks.push(format!(
            "The token expires on {} (in {days} days).",
            expires_at.format("%Y-%m-%d")
        ));
    }
    remarks
}
