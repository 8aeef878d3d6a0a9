//! An account's projects, a hundred a request, with the marks that tell what has changed.

pub(super) mod project;

use domain::Subject;
use serde::{Deserialize, Serialize};

use crate::content::{read_place, write_place};
use crate::identity::Account;
use crate::rest::{self, Part};
use crate::{Client, Error, Listing};

/// Where a listing goes on: path and query below the API's base.
#[derive(Debug, Serialize, Deserialize)]
struct Step {
    path: String,
}

impl Client {
    /// One page of a group's projects, those of its subgroups included; or of all projects that the asking user is a member
    /// of; or of another user's own. In the order of their making.
    pub(crate) async fn gitlab_projects(
        &self,
        account: &Account,
        after: Option<&str>,
    ) -> Result<Listing, Error> {
        let (base, endpoint) = self.list_of(account);
        let step = match after {
            Some(text) => read_place(text)?,
            None => Step {
                path: format!("{base}&pagination=keyset&order_by=id&sort=asc&per_page=100"),
            },
        };
        let (part, credential) = match self.projects(&step.path, endpoint).await {
            // GitLab answers 405 where a list has no keyset pagination (gitlab-org/gitlab!21032).
            Err(Error::Protocol { .. }) if after.is_none() => {
                let path = format!("{base}&order_by=id&sort=asc&per_page=100");
                self.projects(&path, endpoint).await?
            }
            answered => answered?,
        };
        let now = self.shared().clock.now();
        let repositories = part
            .items
            .into_iter()
            .map(|item| project::read(item, now))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(credential) = credential {
            self.see(credential, &repositories);
        }
        let next = part.next.map(|path| write_place(&Step { path }));
        Ok(Listing {
            repositories,
            next: next.transpose()?,
        })
    }

    fn list_of(&self, account: &Account) -> (String, &'static str) {
        let id = account.id;
        if account.is_organization {
            let path = format!("groups/{id}/projects?include_subgroups=true&with_shared=false");
            return (path, "groups/:id/projects");
        }
        if self.is_asked_by(id) {
            ("projects?membership=true".to_owned(), "projects")
        } else {
            (
                format!("users/{id}/projects?simple=false"),
                "users/:id/projects",
            )
        }
    }

    /// Whether every credential of the session is a token of this user.
    fn is_asked_by(&self, user: i64) -> bool {
        let pool = &self.shared().pool;
        self.session().scope.credentials.iter().all(|id| {
            pool.member(*id)
                .is_some_and(|(_, bucket)| bucket.subject == Subject::User(user))
        })
    }

    async fn projects(
        &self,
        path: &str,
        endpoint: &'static str,
    ) -> Result<(Part, Option<domain::CredentialId>), Error> {
        let reply = self.get(path, endpoint).await?;
        let credential = reply.credential;
        Ok((rest::part(self.host().rest(), path, reply)?, credential))
    }
}
