//! A token is tried before it is kept.

use std::path::Path;

use domain::{ForgeKind, Host, Login, Secret, missing_rights};
use forge::{Forge, Owner};
use scheduler::{Stopped, Trial, Tried};

use crate::context::Context;
use crate::error::Error;
use crate::secret_file;

/// A token from a file, and the way to the host that knows it.
pub(crate) struct Candidate<'a> {
    forge: Forge,
    host: &'a Host,
    pub(crate) token: Secret,
    file: &'a Path,
}

impl<'a> Candidate<'a> {
    /// Reads the token; nothing is asked yet.
    pub(crate) async fn read(
        context: &Context,
        host: &'a Host,
        file: &'a Path,
    ) -> Result<Self, Error> {
        let token = secret_file::token(host.kind(), file)?;
        Ok(Self {
            forge: context.forge().await?,
            host,
            token,
            file,
        })
    }

    pub(crate) fn trial(&self) -> Trial<'_> {
        Trial::new(&self.forge, self.host, &self.token)
    }

    /// Asks the host whose the token is: it must be the user's who was named.
    pub(crate) async fn ask(&self, user: &str) -> Result<Tried, Error> {
        let user: Login = user.parse()?;
        let asked = self.trial().ask(&user).await;
        asked.map_err(|stopped| self.refused(stopped))
    }

    /// Why a trial ended early, with the file that it was about.
    pub(crate) fn refused(&self, stopped: Stopped) -> Error {
        match stopped {
            Stopped::Refused { refusal, .. } => Error::Input(format!(
                "{} The token is the one in {}.",
                refusal.sentence,
                self.file.display()
            )),
            Stopped::Lost => Error::Failed("The check was taken over by somebody else.".to_owned()),
        }
    }
}

/// Keeps what a trial has said of the host itself, for the pages.
pub(crate) async fn note_host(context: &Context, tried: &Tried) -> Result<(), Error> {
    let host = &tried.owner.bucket.host;
    let counts = !tried.budgets.unlimited;
    Ok(context
        .db()
        .await?
        .fleet()
        .note_counting(host, counts)
        .await?)
}

/// Sentences about a token that the person should know.
pub(crate) fn remarks(context: &Context, forge: ForgeKind, owner: &Owner) -> Vec<String> {
    let mut remarks = Vec::new();
    for missing in owner
        .scopes
        .as_deref()
        .map(|scopes| missing_rights(forge, scopes))
        .unwrap_or_default()
    {
        remarks.push(format!(
            "The token lacks the scope {}, so {}.",
            missing.scope, missing.without_it
        ));
    }
    if let Some(expires_at) = owner.expires_at {
        let days = (expires_at - context.clock.now()).num_days();
        remarks.push(format!(
            "The token expires on {} (in {days} days).",
            expires_at.format("%Y-%m-%d")
        ));
    }
    remarks
}
