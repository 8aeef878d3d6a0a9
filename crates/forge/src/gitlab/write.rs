//! Writing to a GitLab: what bringing a project back needs. A request that makes something is never repeated by itself: whoever
//! asks looks first at what there is, and looks again after a failure.

use budget::{Demand, Terms};
use http::Method;
use serde_json::Value;
use url::form_urlencoded;

use super::listing::project;
use crate::request::{Content, REPEATS, send};
use crate::{Client, Error, Repository, address, rest};

/// Something that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// A project.
    Project,
    /// A label.
    Label,
    /// A milestone.
    Milestone,
    /// An issue.
    Issue,
    /// A note on an issue.
    Note,
    /// A release.
    Release,
}

impl Made {
    fn endpoint(self) -> &'static str {
        match self {
            Self::Project => "POST projects",
            Self::Label => "POST labels",
            Self::Milestone => "POST milestones",
            Self::Issue => "POST issues",
            Self::Note => "POST notes",
            Self::Release => "POST releases",
        }
    }

    /// How many of them a host takes from one user in a minute, where its documents say so.
    pub fn a_minute(self, host: &domain::Host) -> Option<u32> {
        host.is_vendors()
            .then(|| Terms::of(host).pace(self.endpoint(), false))
    }
}

impl Client {
    /// A project by its whole path, as a repository and in the host's words; nothing if there is none.
    pub async fn project(&self, path: &str) -> Result<Option<(Repository, Value)>, Error> {
        let name: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let found = self.one(&format!("projects/{name}"), "projects/:id").await;
        match found.map_err(|failure| failure.error) {
            Ok(found) => {
                let now = self.shared().clock.now();
                Ok(Some((project::read(found.clone(), now)?, found)))
            }
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The number of a group by its whole path; nothing if there is none.
    pub async fn group(&self, path: &str) -> Result<Option<i64>, Error> {
        let name: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let path = format!("groups/{name}?with_projects=false");
        match self
            .one(&path, "groups/:id")
            .await
            .map_err(|failure| failure.error)
        {
            Ok(group) => Ok(group.get("id").and_then(Value::as_i64)),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every item of a list, by its path below the API.
    pub async fn everything(&self, path: &str) -> Result<Vec<Value>, Error> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let part = self.part(&path, "list").await?;
            items.extend(part.items);
            next = part.next;
        }
        Ok(items)
    }

    /// Makes something, once.
    pub async fn make(&self, made: Made, path: &str, body: Value) -> Result<Value, Error> {
        self.write(Method::POST, path, body, made.endpoint(), 0)
            .await
    }

    /// Changes something; asked twice it changes nothing more.
    pub async fn change(&self, path: &str, body: Value) -> Result<Value, Error> {
        self.write(Method::PUT, path, body, "PUT", REPEATS).await
    }

    async fn write(
        &self,
        method: Method,
        path: &str,
        body: Value,
        endpoint: &'static str,
        repeats: u32,
    ) -> Result<Value, Error> {
        let url = address::below(self.host().rest(), path)?;
        let ask = crate::request::Ask {
            method,
            body: Some(Content::Json(body)),
            repeats,
            ..rest::ask(self.host(), url, Demand::rest(endpoint))
        };
        let reply = send(self.shared(), &self.authority(), &ask).await?;
        rest::json(reply.payload)
    }
}
