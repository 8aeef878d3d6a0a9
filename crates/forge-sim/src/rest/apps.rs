//! What Apps and installations may ask, and what people may ask about them.

use serde_json::{Value, json};

use super::{Call, Outcome, accounts, root, show};
use crate::caller::{Identity, Machine};
use crate::reply::{Refusal, Reply};
use crate::world::{App, Installation, Role, TokenKind};

impl Call<'_> {
    /// The person who asks. An App never is one.
    pub(super) fn me(&self) -> Result<&Identity, Refusal> {
        match (&self.caller.identity, &self.caller.machine) {
            (Some(identity), _) => Ok(identity),
            (None, Some(_)) => Err(Refusal::not_accessible()),
            (None, None) => Err(root::unauthenticated()),
        }
    }

    /// The App that asks, by its signed statement.
    pub(super) fn app(&self) -> Result<&App, Refusal> {
        let Some(Machine::App(id)) = &self.caller.machine else {
            return Err(Refusal::new(
                axum::http::StatusCode::UNAUTHORIZED,
                "A JSON web token could not be decoded",
            ));
        };
        self.world.apps.all.get(id).ok_or_else(Refusal::not_found)
    }

    /// One of the App's installations, by the number in the path.
    fn installation(&self) -> Result<&Installation, Refusal> {
        let app = self.app()?;
        self.world
            .apps
            .installations
            .get(&self.number(0)?)
            .filter(|one| one.app_id == app.id)
            .ok_or_else(Refusal::not_found)
    }

    /// A page of a list that has a name and a total.
    fn wrapped<T>(
        &self,
        name: &str,
        more: Value,
        items: &[T],
        show: impl Fn(&T) -> Value,
    ) -> Outcome {
        let mut reply = self.page(items, show)?;
        let mut body = more;
        if let Some(body) = body.as_object_mut() {
            body.insert("total_count".to_owned(), json!(items.len()));
            body.insert(name.to_owned(), reply.body.take().unwrap_or_default());
        }
        reply.body = Some(body);
        Ok(reply)
    }
}

pub(super) fn myself(call: &Call<'_>) -> Outcome {
    Ok(Reply::json(call.show().app(call.app()?)))
}

pub(super) fn installations(call: &Call<'_>) -> Outcome {
    let app = call.app()?;
    let all: Vec<&Installation> = call
        .world
        .apps
        .installations
        .values()
        .filter(|one| one.app_id == app.id)
        .collect();
    call.page(&all, |one| call.show().installation(one))
}

pub(super) fn installation(call: &Call<'_>) -> Outcome {
    Ok(Reply::json(call.show().installation(call.installation()?)))
}

pub(super) fn installation_of_account(call: &Call<'_>) -> Outcome {
    let app = call.app()?;
    let account = call
        .world
        .account(call.parameter(0))
        .ok_or_else(Refusal::not_found)?;
    let installation = call.world.apps.installation(app.id, account.id);
    Ok(Reply::json(call.show().installation(
        installation.ok_or_else(Refusal::not_found)?,
    )))
}

pub(super) fn requests(call: &Call<'_>) -> Outcome {
    let app = call.app()?;
    let all: Vec<_> = call
        .world
        .apps
        .requests
        .iter()
        .filter(|one| one.app_id == app.id)
        .collect();
    call.page(&all, |one| call.show().installation_request(one))
}

pub(super) fn deliveries(call: &Call<'_>) -> Outcome {
    let app = call.app()?;
    let newest_first: Vec<_> = call
        .world
        .apps
        .deliveries
        .iter()
        .rev()
        .filter(|one| one.app_id == app.id)
        .collect();
    call.cursor_only(
        &newest_first,
        |one| one.id.to_string(),
        |one| show::delivery(one),
    )
}

pub(super) fn delivery(call: &Call<'_>) -> Outcome {
    let app = call.app()?;
    let id = call.number(0)?;
    let found = call
        .world
        .apps
        .deliveries
        .iter()
        .find(|one| one.id == id && one.app_id == app.id)
        .ok_or_else(Refusal::not_found)?;
    Ok(Reply::json(call.show().whole_delivery(found)))
}

pub(super) fn my_repositories(call: &Call<'_>) -> Outcome {
    let Some(Machine::Installation {
        account_id,
        reaches,
        ..
    }) = &call.caller.machine
    else {
        return Err(Refusal::not_accessible());
    };
    let repositories: Vec<_> = call
        .world
        .repositories_of(*account_id)
        .filter(|one| reaches.as_ref().is_none_or(|ids| ids.contains(&one.id)))
        .collect();
    let selection = if reaches.is_some() { "selected" } else { "all" };
    call.wrapped(
        "repositories",
        json!({ "repository_selection": selection }),
        &repositories,
        |one| call.show().repository(one),
    )
}

/// The installations of the token's App that the person can see: those on her own account and on organizations she is in.
pub(super) fn of_person(call: &Call<'_>) -> Outcome {
    let me = app_user(call)?;
    let seen: Vec<&Installation> = call
        .world
        .apps
        .installations
        .values()
        .filter(|one| Some(one.app_id) == me.app_id && sees(call, me, one))
        .collect();
    call.wrapped("installations", json!({}), &seen, |one| {
        call.show().installation(one)
    })
}

pub(super) fn repositories_of_person(call: &Call<'_>) -> Outcome {
    let me = app_user(call)?;
    let installation = call
        .world
        .apps
        .installations
        .get(&call.number(0)?)
        .filter(|one| Some(one.app_id) == me.app_id && sees(call, me, one))
        .ok_or_else(Refusal::not_found)?;
    let repositories: Vec<_> = call
        .world
        .repositories_of(installation.account_id)
        .filter(|one| installation.covers(one.id) && call.caller.sees(one, call.world))
        .collect();
    call.wrapped("repositories", json!({}), &repositories, |one| {
        call.show().repository(one)
    })
}

/// These lists are for tokens that an App was given for a person.
fn app_user<'a>(call: &'a Call<'_>) -> Result<&'a Identity, Refusal> {
    let me = call.me()?;
    if me.kind == TokenKind::AppUser {
        Ok(me)
    } else {
        Err(Refusal::new(
            axum::http::StatusCode::FORBIDDEN,
            "You must authenticate with an access token authorized to a GitHub App in order to list installations",
        ))
    }
}

fn sees(call: &Call<'_>, me: &Identity, installation: &Installation) -> bool {
    me.user_id == installation.account_id
        || call
            .world
            .membership(me.user_id, installation.account_id)
            .is_some()
}

pub(super) fn my_membership(call: &Call<'_>) -> Outcome {
    let me = call.me()?;
    let organization = accounts::find_organization(call)?;
    let membership = call
        .world
        .membership(me.user_id, organization.id)
        .ok_or_else(Refusal::not_found)?;
    let role = match membership.role {
        Role::Admin => "admin",
        Role::Member => "member",
    };
    let url = format!("{}/orgs/{}", call.urls.api, organization.login);
    Ok(Reply::json(json!({
        "url": format!("{url}/memberships/{}", me.login),
        "state": "active",
        "role": role,
        "organization_url": url,
        "organization": call.show().simple_organization(organization),
        "user": call.show().user(me.user_id),
    })))
}
