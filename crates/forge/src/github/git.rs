//! Git over HTTPS is outside the API's quota, but not outside the pool: a clone too needs a credential that sees the
//! repository.

use domain::{CredentialId, Secret};
use url::Url;

use super::client::Client;
use super::{Repository, address};
use crate::Error;

/// GitHub docs, authenticating as an App installation: any token is the password of this user.
const USER: &str = "x-access-token";

/// What a git process needs to read a repository.
#[derive(Debug, Clone)]
pub struct GitAccess {
    /// Where to clone from; holds no secret.
    pub url: Url,
    /// User name for basic authentication.
    pub username: String,
    /// Password for basic authentication.
    pub token: Secret,
    /// Whose token it is.
    pub credential: CredentialId,
    wiki: bool,
}

impl Client {
    /// What git needs to read the repository, or its wiki: the healthy credential that was used least for git, of
    /// those that see the repository and with which git was not refused in this session.
    pub fn git_access(&self, repository: &Repository, wiki: bool) -> Result<GitAccess, Error> {
        let suffix = if wiki { ".wiki.git" } else { ".git" };
        let url = address::git(self.host(), &repository.name, suffix)?;
        let (credential, token) = self.shared().pool.pick_for_git(self.session())?;
        Ok(GitAccess {
            url,
            username: USER.to_owned(),
            token,
            credential,
            wiki,
        })
    }

    /// Learns from an HTTP status with which the host refused git.
    ///
    /// 401 parks the credential. 403 and 404 put it aside for this session, and mark it as blind for the repository if
    /// the session has another one to try; of a wiki they say nothing, for most repositories have none.
    pub fn git_refused(&self, access: &GitAccess, status: u16) {
        let pool = &self.shared().pool;
        match status {
            401 => pool.kill(access.credential, "git over HTTPS answered 401"),
            403 | 404 if !access.wiki => {
                self.session().refuse_git(access.credential);
                if let Some(repository) = self.session().scope.repository
                    && pool.pick_for_git(self.session()).is_ok()
                {
                    pool.discover_access(access.credential, repository, false);
                }
            }
            _ => {}
        }
    }
}
