//! Who is behind a token, and what its bucket has left.

use std::collections::BTreeMap;

use chrono::DateTime;
use domain::{BucketKey, Host, Reading, Resource, Secret, bucket::Subject};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::forge::Shared;
use crate::gate::Authority;
use crate::identity::{Account, Memberships, Owner};
use crate::limits::{Span, headers};
use crate::request::{Failure, Reply, send};
use crate::{address, rest};
use budget::Demand;

/// A person waits for the answer: one repetition, no more.
const REPEATS: u32 = 1;

#[derive(Deserialize)]
struct User {
    id: i64,
    login: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Membership {
    login: String,
}

#[derive(Deserialize)]
struct Limits {
    resources: BTreeMap<Resource, Counter>,
}

#[derive(Deserialize)]
struct Counter {
    limit: u32,
    remaining: u32,
    reset: i64,
}

pub(crate) async fn owner(shared: &Shared, host: &Host, token: &Secret) -> Result<Owner, Error> {
    let authority = Authority::Token(token.clone());
    let reply = get(shared, host, &authority, "user", Demand::rest("user"))
        .await
        .map_err(Error::from);
    // An API has users; what does not is something else.
    if let Err(Error::Missing { .. }) = reply {
        return Err(Error::Protocol {
            detail: format!("{host} does not answer as a GitHub API does: it knows no /user."),
        });
    }
    let reply = reply?;
    let scopes = headers::scopes(&reply.headers);
    let expires_at = headers::expires_at(&reply.headers);
    let user: User = read(host, reply)?;
    Ok(Owner {
        user_id: user.id,
        login: user.login,
        scopes,
        expires_at,
        is_machine: false,
        bucket: BucketKey {
            host: host.authority(),
            subject: Subject::User(user.id),
        },
    })
}

/// The first hundred: enough to say whether the accounts that matter are among them. Nothing if the token may not ask.
pub(crate) async fn memberships(
    shared: &Shared,
    host: &Host,
    token: &Secret,
) -> Result<Option<Memberships>, Error> {
    let authority = Authority::Token(token.clone());
    let path = "user/orgs?per_page=100";
    match get(shared, host, &authority, path, Demand::rest("user/orgs")).await {
        Ok(reply) => {
            let sso_missing = headers::sso_partial(&reply.headers).is_some();
            let organizations: Vec<Membership> = read(host, reply)?;
            Ok(Some(Memberships {
                logins: organizations.into_iter().map(|one| one.login).collect(),
                sso_missing,
                repositories: None,
            }))
        }
        // GitHub docs, "List organizations for the authenticated user": needs the scope user or read:org.
        Err(Failure {
            error: Error::Denied { .. } | Error::Missing { .. },
            ..
        }) => Ok(None),
        Err(failure) => Err(failure.error),
    }
}

pub(crate) async fn account(
    shared: &Shared,
    host: &Host,
    token: &Secret,
    login: &str,
) -> Result<Option<Account>, Error> {
    let is_login = !login.is_empty()
        && login
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if !is_login {
        return Ok(None);
    }
    let authority = Authority::Token(token.clone());
    let path = format!("users/{login}");
    match get(shared, host, &authority, &path, Demand::rest("users")).await {
        Ok(reply) => {
            let user: User = read(host, reply)?;
            Ok(Some(Account {
                id: user.id,
                login: user.login,
                is_organization: user.kind == "Organization",
            }))
        }
        Err(Failure {
            error: Error::Missing { .. },
            ..
        }) => Ok(None),
        Err(failure) => Err(failure.error),
    }
}

/// What every budget has left, which is free to ask; and whether the host counts at all.
///
/// Enterprise Server without limits answers 404 (vermiculus/magithub#104, actions/stale#1227).
pub(crate) async fn rate_limit(
    shared: &Shared,
    host: &Host,
    authority: Authority,
) -> Result<(Vec<(Resource, Reading)>, bool), Error> {
    let sent_at = shared.clock.now();
    let reply = match get(
        shared,
        host,
        &authority,
        "rate_limit",
        Demand::free("rate_limit"),
    )
    .await
    {
        Ok(reply) => reply,
        Err(Failure {
            error: Error::Missing { .. },
            ..
        }) => return Ok((Vec::new(), true)),
        Err(failure) => return Err(failure.error),
    };
    let span = Span {
        sent_at,
        received_at: shared.clock.now(),
    };
    let skew = headers::skew(&reply.headers, span);
    let limits: Limits = read(host, reply)?;
    let readings = limits
        .resources
        .into_iter()
        .filter_map(|(resource, counter)| {
            let reading = Reading {
                limit: counter.limit,
                remaining: counter.remaining,
                reset_at: DateTime::from_timestamp(counter.reset, 0)? - skew,
            };
            Some((resource, reading))
        });
    Ok((readings.collect(), false))
}

pub(super) async fn get(
    shared: &Shared,
    host: &Host,
    authority: &Authority,
    path: &str,
    demand: Demand,
) -> Result<Reply, Failure> {
    let url = address::below(host.rest(), path)?;
    let ask = crate::request::Ask {
        repeats: REPEATS,
        ..rest::ask(host, url, demand)
    };
    send(shared, authority, &ask).await
}

pub(super) fn read<T: DeserializeOwned>(host: &Host, reply: Reply) -> Result<T, Error> {
    serde_json::from_value(rest::json(reply.payload)?).map_err(|error| Error::Protocol {
        detail: format!("{host} does not answer as a GitHub API does: {error}."),
    })
}
