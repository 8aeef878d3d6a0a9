//! Who is behind a token, what it may do, and what it reaches.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::{BucketKey, Host, Reading, Resource, Secret, bucket::Subject};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use crate::forge::Shared;
use crate::gate::Authority;
use crate::identity::{Account, Memberships, Owner};
use crate::limits::{Span, gitlab as limits, headers};
use crate::request::{Failure, Reply, send};
use crate::{Error, address, rest};
use budget::Demand;

/// A person waits for the answer: one repetition, no more.
const REPEATS: u32 = 1;

#[derive(Deserialize)]
struct User {
    id: i64,
    username: String,
    #[serde(default)]
    bot: bool,
}

/// A token as it sees itself (GitLab docs, "Personal access tokens API", `self`); those of groups and projects do too.
#[derive(Deserialize)]
struct Itself {
    scopes: Option<Vec<String>>,
    expires_at: Option<NaiveDate>,
}

/// What a person has granted, as its token tells (GitLab docs, "OAuth 2.0 identity provider API", token information).
#[derive(Deserialize)]
struct Granted {
    scope: Vec<String>,
}

#[derive(Deserialize)]
struct Group {
    id: i64,
    full_path: String,
}

pub(crate) async fn owner(shared: &Shared, host: &Host, token: &Secret) -> Result<Owner, Error> {
    let authority = Authority::Token(token.clone());
    let reply = get(shared, host, &authority, "user", "user").await;
    // An API has users; what does not is something else.
    if let Err(Failure {
        error: Error::Missing { .. },
        ..
    }) = reply
    {
        return Err(strange(host, "it knows no /user"));
    }
    let user: User = read(host, reply?)?;
    let itself = itself(shared, host, &authority).await?;
    let (scopes, ends_on) = itself.map_or((None, None), |one| (one.scopes, one.expires_at));
    Ok(Owner {
        user_id: user.id,
        login: user.username,
        scopes,
        // GitLab docs, "Personal access tokens": a token ends at midnight UTC of its date.
        expires_at: ends_on.map(midnight),
        is_machine: user.bot,
        bucket: BucketKey {
            host: host.authority(),
            subject: Subject::User(user.id),
        },
    })
}

/// For tokens that are none of this kind the host answers 400, 404 or 405: then it may be one of OAuth, which ends and is renewed
/// by itself.
async fn itself(
    shared: &Shared,
    host: &Host,
    authority: &Authority,
) -> Result<Option<Itself>, Error> {
    let path = "personal_access_tokens/self";
    match get(shared, host, authority, path, path).await {
        Ok(reply) => read(host, reply).map(Some),
        Err(Failure {
            error: Error::Missing { .. } | Error::Denied { .. } | Error::Protocol { .. },
            ..
        }) => granted(shared, host, authority).await,
        Err(failure) => Err(failure.error),
    }
}

async fn granted(
    shared: &Shared,
    host: &Host,
    authority: &Authority,
) -> Result<Option<Itself>, Error> {
    let url = address::below(host.web(), "oauth/token/info")?;
    let ask = crate::request::Ask {
        home: Some(host.web().clone()),
        repeats: REPEATS,
        ..rest::ask(host, url, Demand::rest("oauth/token/info"))
    };
    match send(shared, authority, &ask).await {
        Ok(reply) => {
            let granted: Granted = read(host, reply)?;
            Ok(Some(Itself {
                scopes: Some(granted.scope),
                expires_at: None,
            }))
        }
        Err(Failure {
            error: Error::Missing { .. } | Error::Denied { .. } | Error::Protocol { .. },
            ..
        }) => Ok(None),
        Err(failure) => Err(failure.error),
    }
}

fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// The first hundred groups, and how many projects there are in all; nothing if the token may not ask.
pub(crate) async fn memberships(
    shared: &Shared,
    host: &Host,
    token: &Secret,
) -> Result<Option<Memberships>, Error> {
    let authority = Authority::Token(token.clone());
    let path = "groups?min_access_level=10&order_by=path&per_page=100";
    let groups: Vec<Group> = match get(shared, host, &authority, path, "groups").await {
        Ok(reply) => read(host, reply)?,
        Err(Failure {
            error: Error::Denied { .. } | Error::Missing { .. },
            ..
        }) => return Ok(None),
        Err(failure) => return Err(failure.error),
    };
    let path = "projects?membership=true&simple=true&per_page=1";
    let projects = get(shared, host, &authority, path, "projects").await?;
    Ok(Some(Memberships {
        logins: groups.into_iter().map(|group| group.full_path).collect(),
        sso_missing: false,
        // Left out above 10,000 (GitLab docs, REST API, "Pagination").
        repositories: headers::text(&projects.headers, "x-total")
            .and_then(|total| total.parse().ok()),
    }))
}

#[derive(Deserialize)]
struct Member {
    access_level: u64,
}

/// A user's role in a group, inherited ones included; 0 for no member.
pub(crate) async fn role(
    shared: &Shared,
    host: &Host,
    token: &Secret,
    (group, user): (i64, i64),
) -> Result<u64, Error> {
    let authority = Authority::Token(token.clone());
    let path = format!("groups/{group}/members/all/{user}");
    match get(shared, host, &authority, &path, "groups/:id/members/all").await {
        Ok(reply) => Ok(read::<Member>(host, reply)?.access_level),
        Err(Failure {
            error: Error::Missing { .. } | Error::Denied { .. },
            ..
        }) => Ok(0),
        Err(failure) => Err(failure.error),
    }
}

/// Looks up a group by its path, then a user by the name.
pub(crate) async fn account(
    shared: &Shared,
    host: &Host,
    token: &Secret,
    login: &str,
) -> Result<Option<Account>, Error> {
    let authority = Authority::Token(token.clone());
    let name: String = form_urlencoded::byte_serialize(login.as_bytes()).collect();
    // Without its projects, or the host counts it as a deprecated request.
    let path = format!("groups/{name}?with_projects=false");
    match get(shared, host, &authority, &path, "groups/:id").await {
        Ok(reply) => {
            let group: Group = read(host, reply)?;
            return Ok(Some(Account {
                id: group.id,
                login: group.full_path,
                is_organization: true,
            }));
        }
        Err(Failure {
            error: Error::Missing { .. },
            ..
        }) => {}
        Err(failure) => return Err(failure.error),
    }
    let path = format!("users?username={name}");
    let users: Vec<User> = read(host, get(shared, host, &authority, &path, "users").await?)?;
    Ok(users.into_iter().next().map(|user| Account {
        id: user.id,
        login: user.username,
        is_organization: false,
    }))
}

/// What is left of the API's throttle; whether the host tells nothing of one. Asking costs a request: there is no free one.
pub(crate) async fn rate_limit(
    shared: &Shared,
    host: &Host,
    authority: Authority,
) -> Result<(Vec<(Resource, Reading)>, bool), Error> {
    let sent_at = shared.clock.now();
    let reply = get(shared, host, &authority, "user", "user").await?;
    let span = Span {
        sent_at,
        received_at: shared.clock.now(),
    };
    let readings: Vec<_> = limits::reading(&reply.headers, span).into_iter().collect();
    let unlimited = readings.is_empty();
    Ok((readings, unlimited))
}

async fn get(
    shared: &Shared,
    host: &Host,
    authority: &Authority,
    path: &str,
    endpoint: &'static str,
) -> Result<Reply, Failure> {
    let url = address::below(host.rest(), path)?;
    let demand = Demand::rest(endpoint);
    let ask = crate::request::Ask {
        repeats: REPEATS,
        ..rest::ask(host, url, demand)
    };
    send(shared, authority, &ask).await
}

fn read<T: DeserializeOwned>(host: &Host, reply: Reply) -> Result<T, Error> {
    let answer: Value = rest::json(reply.payload)?;
    serde_json::from_value(answer).map_err(|error| strange(host, &error.to_string()))
}

fn strange(host: &Host, why: &str) -> Error {
    Error::Protocol {
        detail: format!("{host} does not answer as a GitLab API does: {why}."),
    }
}
