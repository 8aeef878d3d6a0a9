//! The account's list: a hundred repositories a request, with the marks that tell what has changed.
//!
//! Which repositories an account has depends on who asks: whoever concludes from a list that a repository is gone must
//! give the session one credential, the one that sees the most.

mod node;

use serde::Deserialize;
use serde_json::{Value, json};

use super::connection::{PageInfo, Place};
use super::{graphql, queries};
use crate::Client;
use crate::content;
use crate::{Error, Listing};

/// The most that a connection gives at once (GitHub docs, node limits of the GraphQL API).
const LARGEST: u32 = 100;
/// Connections that the query opens within each repository.
const CONNECTIONS: u32 = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    repository_owner: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    repositories: Repositories,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repositories {
    page_info: PageInfo,
    nodes: Vec<Value>,
}

impl Client {
    /// One page of an account's repositories, organization or user, in the order of their making.
    pub(crate) async fn github_repositories(
        &self,
        owner: &str,
        after: Option<&str>,
    ) -> Result<Listing, Error> {
        let mut place = match after {
            Some(text) => content::read_place(text)?,
            None => Place {
                size: LARGEST,
                after: None,
            },
        };
        let answered = loop {
            let variables = json!({ "owner": owner, "first": place.size, "after": place.after });
            let points = graphql::cost(1 + place.size * CONNECTIONS);
            match self
                .query::<Data>(queries::REPOSITORIES, variables, points)
                .await
            {
                Ok(answered) => break answered,
                Err(failure) => place.halve(failure)?,
            }
        };
        let Some(owner) = answered.data.repository_owner else {
            return Err(Error::Missing {
                detail: format!("{} has no account named \"{owner}\".", self.host()),
            });
        };
        let nodes = owner.repositories.nodes.into_iter();
        let repositories = nodes.map(node::read).collect::<Result<Vec<_>, _>>()?;
        if let Some(credential) = answered.credential {
            self.see(credential, &repositories);
        }
        let size = place.size;
        let next = owner.repositories.page_info.next();
        let next = next.map(|after| {
            content::write_place(&Place {
                size,
                after: Some(after),
            })
        });
        Ok(Listing {
            repositories,
            next: next.transpose()?,
        })
    }
}
