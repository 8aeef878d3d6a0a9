//! Git over HTTPS is outside the API's quota, but not outside the pool: a clone too needs a credential that sees the
//! repository.

mod advertisement;

use domain::{CredentialId, Secret};
use http::{HeaderValue, Method, header};
use http_body_util::{BodyExt, Limited};
use url::Url;

use super::client::Client;
use super::request::{self, Ask, Payload};
use super::{Repository, address};
use crate::Error;
use crate::budget::Demand;
use crate::gate::{Authority, Delivery};
use crate::limits::github::Dialect;

/// GitHub docs, authenticating as an App installation: any token is the password of this user.
const USER: &str = "x-access-token";

/// A repository that lists more than this is not one that git could fetch either.
const LARGEST_LIST: usize = 512 << 20;
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

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

    /// The references that the repository behind `access` has: objects and names as git's first answer tells them. Costs no quota
    /// and no process. A name that leads elsewhere is [`Error::Moved`].
    pub async fn git_references(&self, access: &GitAccess) -> Result<Vec<(String, String)>, Error> {
        let mut url = access.url.clone();
        url.set_path(&format!("{}/info/refs", access.url.path()));
        url.set_query(Some("service=git-upload-pack"));
        let ask = Ask {
            method: Method::GET,
            url,
            headers: vec![(header::ACCEPT, ANYTHING)],
            body: None,
            demand: Demand::free("git"),
            dialect: Dialect::Git,
            delivery: Delivery::Stream,
            home: None,
            repeats: 0,
        };
        let authority = Authority::Token(access.token.clone());
        let asked = async {
            let reply = request::send(self.shared(), &authority, &ask).await?;
            match reply.payload {
                Payload::Stream(body) => Limited::new(body, LARGEST_LIST)
                    .collect()
                    .await
                    .map(http_body_util::Collected::to_bytes)
                    .map_err(|error| Error::Corrupt {
                        detail: format!("The host's list of references ends too early: {error}."),
                    }),
                Payload::Elsewhere(url) => Err(Error::Moved {
                    to: url.to_string(),
                }),
                Payload::Json(_) => Err(Error::Protocol {
                    detail: "The host's git service answered nothing.".to_owned(),
                }),
            }
        };
        let answer = tokio::select! {
            biased;
            () = self.session().scope.cancel.cancelled() => return Err(Error::Cancelled),
            answer = asked => answer?,
        };
        advertisement::read(&answer)
    }

    /// Learns from an HTTP status with which the host refused git.
    ///
    /// 401 parks the credential. 403 and 404 put it aside for this session, and mark it as blind for the repository if
    /// the session has another one to try; of a wiki they say nothing, for most repositories have none.
    pub fn git_refused(&self, access: &GitAccess, status: u16) {
        let pool = &self.shared().pool;
        match status {
            401 => pool.kill(
                access.credential,
                &access.token,
                "git over HTTPS answered 401",
            ),
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
