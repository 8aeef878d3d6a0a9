//! What the gate must know of a request, riding in the request's extensions.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::{CredentialId, ForgeKind, Secret};
use http::HeaderValue;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::limits::Dialect;
use crate::pool::Session;
use budget::Demand;

/// A request's purpose.
#[derive(Debug)]
pub(crate) struct Errand {
    /// Whose software is asked.
    pub(crate) forge: ForgeKind,
    pub(crate) authority: Authority,
    pub(crate) demand: Demand,
    pub(crate) dialect: Dialect,
    pub(crate) delivery: Delivery,
}

/// Who answers for a request.
#[derive(Debug, Clone)]
pub(crate) enum Authority {
    /// A member of the pool, leased for it.
    Pool {
        session: Arc<Session>,
        /// Those that have already failed at this request.
        tried: BTreeSet<CredentialId>,
    },
    /// A token that is in no pool yet.
    Token(Secret),
    /// An application, by what it calls itself in OAuth and what proves that.
    Client { id: String, secret: Secret },
    /// Nobody: the address itself is the permission, and a token must not go there.
    Nobody,
}

impl Authority {
    /// The members of a session's scope, none of which has failed yet.
    pub(crate) fn of(session: Arc<Session>) -> Self {
        Self::Pool {
            session,
            tried: BTreeSet::new(),
        }
    }
}

/// How the body of the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// All at once.
    Whole,
    /// As it comes, if the answer is a success.
    Stream,
}

impl Errand {
    /// What ends the request early.
    pub(crate) fn cancel(&self) -> Option<CancellationToken> {
        match &self.authority {
            Authority::Pool { session, .. } => Some(session.scope.cancel.clone()),
            Authority::Token(_) | Authority::Client { .. } | Authority::Nobody => None,
        }
    }
}

/// The user name that stands beside a token in basic authentication.
///
/// GitHub docs, authenticating as an App installation: `x-access-token` with any token. GitLab docs, OAuth: `oauth2`, and any
/// name that is not blank with other tokens.
pub(crate) fn user(forge: ForgeKind) -> &'static str {
    match forge {
        ForgeKind::GitHub => "x-access-token",
        ForgeKind::GitLab => "oauth2",
    }
}

/// The value of the Authorization header, marked so that nothing prints it.
pub(crate) fn authorization(
    forge: ForgeKind,
    dialect: Dialect,
    token: &Secret,
) -> Result<HeaderValue, Error> {
    let text = match dialect {
        Dialect::Lfs | Dialect::Git => format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{}:{}", user(forge), token.expose()))
        ),
        Dialect::Rest | Dialect::GraphQl | Dialect::Storage => format!("Bearer {}", token.expose()),
    };
    sealed(text)
}

/// The same for an application that speaks for itself.
pub(crate) fn client_authorization(id: &str, secret: &Secret) -> Result<HeaderValue, Error> {
    let pair = BASE64_STANDARD.encode(format!("{id}:{}", secret.expose()));
    sealed(format!("Basic {pair}"))
}

fn sealed(text: String) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(text)
        .ok()
        .ok_or_else(|| Error::NoCredential {
            detail:
                "The token holds characters that no token has, such as a line break: enter it anew."
                    .to_owned(),
        })?;
    value.set_sensitive(true);
    Ok(value)
}
