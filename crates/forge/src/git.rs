//! Git over HTTPS is outside the API's quota, but not outside the pool: a clone too needs a credential that sees the
//! repository.

mod advertisement;
mod pack;

use std::path::PathBuf;

use bytes::Bytes;
use domain::{CredentialId, Secret};
use http::{HeaderValue, Method, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Limited};
use url::Url;

use crate::Error;
use crate::client::Client;
use crate::download::{self, Body};
use crate::gate::{self, Authority, Delivery};
use crate::limits::Dialect;
use crate::request::{self, Ask, Content, Payload};
use crate::{Repository, address};
use budget::Demand;

/// A repository that lists more than this is not one that git could fetch either.
const LARGEST_LIST: usize = 512 << 20;
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");
const UPLOAD_PACK_REQUEST: HeaderValue =
    HeaderValue::from_static("application/x-git-upload-pack-request");
/// What each line of git's protocol begins with: its length in hexadecimal, these four digits included (gitprotocol-common,
/// "pkt-line Format").
const LENGTH: usize = 4;

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
    /// What vouches for the host's certificate beside the authorities of the system.
    pub certificate_authority: Option<PathBuf>,
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
            username: gate::user(self.host().kind()).to_owned(),
            token,
            credential,
            certificate_authority: self.shared().trust.file(self.host()),
            wiki,
        })
    }

    /// The references that the repository behind `access` has: objects and names as git's first answer tells them. Costs no quota
    /// and no process. A name that leads elsewhere is [`Error::Moved`].
    pub async fn git_references(&self, access: &GitAccess) -> Result<Vec<(String, String)>, Error> {
        let mut url = below(access, "info/refs");
        url.set_query(Some("service=git-upload-pack"));
        let body = self.ask_git(access, Method::GET, url, None).await?;
        let whole = Limited::new(body, LARGEST_LIST).collect();
        let answer = self.unless_cancelled(whole).await?;
        let answer = answer.map_err(|error| Error::Corrupt {
            detail: format!("The host's list of references ends too early: {error}."),
        })?;
        advertisement::read(&answer.to_bytes())
    }

    /// A pack of the objects `wanted` and of all that they lead to, as it comes: what a first clone fetches. Costs no quota.
    pub async fn git_pack(&self, access: &GitAccess, wanted: &[&str]) -> Result<Body, Error> {
        let url = below(access, "git-upload-pack");
        let request = Content::Bytes(UPLOAD_PACK_REQUEST, pack::request(wanted));
        let body = self
            .ask_git(access, Method::POST, url, Some(request))
            .await?;
        Ok(Body::of(pack::read(download::chunks(body))))
    }

    /// Asks git's service with the token of `access`. Redirects are not followed: they could take the token elsewhere.
    async fn ask_git(
        &self,
        access: &GitAccess,
        method: Method,
        url: Url,
        body: Option<Content>,
    ) -> Result<BoxBody<Bytes, octocrab::Error>, Error> {
        let ask = Ask {
            forge: self.host().kind(),
            method,
            url,
            headers: vec![(header::ACCEPT, ANYTHING)],
            body,
            demand: Demand::free("git"),
            dialect: Dialect::Git,
            delivery: Delivery::Stream,
            home: None,
            repeats: 0,
        };
        let authority = Authority::Token(access.token.clone());
        let sent = request::send(self.shared(), &authority, &ask);
        match self.unless_cancelled(sent).await??.payload {
            Payload::Stream(body) => Ok(body),
            Payload::Elsewhere(url) => Err(Error::Moved {
                to: url.to_string(),
            }),
            Payload::Json(_) => Err(Error::Protocol {
                detail: "The host's git service answered nothing.".to_owned(),
            }),
        }
    }

    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.session().scope.cancel.cancelled() => Err(Error::Cancelled),
            done = work => Ok(done),
        }
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

/// An address below the repository's own.
fn below(access: &GitAccess, path: &str) -> Url {
    let mut url = access.url.clone();
    url.set_path(&format!("{}/{path}", access.url.path()));
    url
}
