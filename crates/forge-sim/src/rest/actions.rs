//! The few requests that change something: what Apps do about themselves. Repositories are never written to.

use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Outcome, routes, show};
use crate::apps::{grants, hooks, life, tokens, unprocessable};
use crate::caller::{Caller, Machine};
use crate::query::Query;
use crate::reply::{Refusal, Reply, Validators};
use crate::urls::Urls;
use crate::world::{Voucher, World};

/// A method, a path pattern and what it does.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    act: fn(&mut Act<'_>) -> Outcome,
}

/// What an action may use.
pub(crate) struct Act<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) caller: &'a Caller,
    pub(crate) urls: &'a Urls,
    pub(crate) now: DateTime<Utc>,
    pub(crate) parameters: &'a [&'a str],
    pub(crate) body: &'a Bytes,
}

const ACTIONS: &[Action] = &[
    Action {
        method: Method::POST,
        template: "/app/installations/{installation_id}/access_tokens",
        act: mint,
    },
    Action {
        method: Method::DELETE,
        template: "/installation/token",
        act: revoke,
    },
    Action {
        method: Method::DELETE,
        template: "/app/installations/{installation_id}",
        act: uninstall,
    },
    Action {
        method: Method::PUT,
        template: "/app/installations/{installation_id}/suspended",
        act: suspend,
    },
    Action {
        method: Method::DELETE,
        template: "/app/installations/{installation_id}/suspended",
        act: unsuspend,
    },
    Action {
        method: Method::POST,
        template: "/app/hook/deliveries/{delivery_id}/attempts",
        act: redeliver,
    },
    Action {
        method: Method::POST,
        template: "/app-manifests/{code}/conversions",
        act: convert,
    },
    Action {
        method: Method::DELETE,
        template: "/applications/{client_id}/token",
        act: revoke_grant,
    },
];

/// The action of a request, with the values of its path.
pub(crate) fn find<'a>(method: &Method, path: &'a str) -> Option<(&'static Action, Vec<&'a str>)> {
    ACTIONS
        .iter()
        .filter(|action| action.method == *method)
        .find_map(|action| Some((action, routes::fit(action.template, path)?)))
}

/// Does what was asked.
pub(crate) fn act(action: &Action, mut act: Act<'_>) -> Reply {
    (action.act)(&mut act).unwrap_or_else(Reply::from)
}

impl Act<'_> {
    fn number(&self) -> Result<u64, Refusal> {
        let given = self.parameters.first().and_then(|one| one.parse().ok());
        given.ok_or_else(Refusal::not_found)
    }

    fn app(&self) -> Result<u64, Refusal> {
        match &self.caller.machine {
            Some(Machine::App(id)) => Ok(*id),
            _ => Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "A JSON web token could not be decoded",
            )),
        }
    }

    /// An installation of the App that asks, and the App's owner, who counts as doing it.
    fn own_installation(&self) -> Result<(u64, u64), Refusal> {
        let (app, id) = (self.app()?, self.number()?);
        self.world
            .apps
            .installations
            .get(&id)
            .filter(|one| one.app_id == app)
            .ok_or_else(Refusal::not_found)?;
        let owner = self.world.apps.all.get(&app).map_or(0, |app| app.owner_id);
        Ok((id, owner))
    }

    fn show(&self) -> show::Show<'_> {
        show::Show {
            world: self.world,
            urls: self.urls,
            caller: self.caller,
        }
    }
}

fn mint(act: &mut Act<'_>) -> Outcome {
    let (app, id, now) = (act.app()?, act.number()?, act.now);
    let wanted = if act.body.is_empty() {
        tokens::Wanted::default()
    } else {
        serde_json::from_slice(act.body)
            .map_err(|_not_json| Refusal::new(StatusCode::BAD_REQUEST, "Problems parsing JSON"))?
    };
    let token = tokens::mint(act.world, app, id, &wanted, now)?;
    Ok(Reply {
        status: StatusCode::CREATED,
        ..plain(Some(act.show().installation_token(&token)))
    })
}

fn revoke(act: &mut Act<'_>) -> Outcome {
    let Some(Machine::Installation { id, .. }) = &act.caller.machine else {
        return Err(Refusal::not_accessible());
    };
    for token in &mut act.world.apps.tokens {
        token.revoked |= token.installation_id == *id;
    }
    Ok(done())
}

fn uninstall(act: &mut Act<'_>) -> Outcome {
    let (id, owner) = act.own_installation()?;
    life::uninstall(act.world, id, owner, act.now);
    Ok(done())
}

fn suspend(act: &mut Act<'_>) -> Outcome {
    let (id, owner) = act.own_installation()?;
    life::suspend(act.world, id, true, owner, act.now);
    Ok(done())
}

fn unsuspend(act: &mut Act<'_>) -> Outcome {
    let (id, owner) = act.own_installation()?;
    life::suspend(act.world, id, false, owner, act.now);
    Ok(done())
}

fn redeliver(act: &mut Act<'_>) -> Outcome {
    let (app, id) = (act.app()?, act.number()?);
    if !hooks::repeat(act.world, app, id, act.now) {
        return Err(unprocessable("There is no such delivery."));
    }
    Ok(Reply {
        status: StatusCode::ACCEPTED,
        ..plain(Some(json!({})))
    })
}

/// Needs no authorization: the code is one.
fn convert(act: &mut Act<'_>) -> Outcome {
    let code = act.parameters.first().copied().unwrap_or_default();
    let Some(Voucher::Manifest { app_id, pem }) = grants::redeem(act.world, code, act.now) else {
        return Err(Refusal::not_found());
    };
    let app = act
        .world
        .apps
        .all
        .get(&app_id)
        .ok_or_else(Refusal::not_found)?;
    let mut shown = act.show().app(app);
    show::extend(
        &mut shown,
        json!({
            "client_secret": app.client_secret.reveal(),
            "webhook_secret": app.hook.as_ref().map(|hook| hook.secret.reveal()),
            "pem": pem.reveal(),
        }),
    );
    Ok(Reply {
        status: StatusCode::CREATED,
        ..plain(Some(shown))
    })
}

/// Takes back a token that a person has granted: only the app that it was granted to can, by its client id and secret.
fn revoke_grant(act: &mut Act<'_>) -> Outcome {
    let Some(Machine::Client(app_id)) = act.caller.machine else {
        return Err(Refusal::not_found());
    };
    let client_id = act.parameters.first().copied().unwrap_or_default();
    let is_its = act
        .world
        .apps
        .by_client_id(client_id)
        .is_some_and(|app| app.id == app_id);
    if !is_its {
        return Err(Refusal::not_found());
    }
    let wanted = Query::from_json(act.body);
    let value = wanted
        .text("access_token")
        .ok_or_else(|| unprocessable("For 'links/0/schema', nil is not an object."))?;
    let now = act.now;
    let token = act.world.tokens.iter_mut().find(|token| {
        token.value.reveal() == value && token.app_id == Some(app_id) && token.is_valid(now)
    });
    token
        .ok_or_else(|| unprocessable("Validation Failed"))?
        .revoked = true;
    Ok(done())
}

fn plain(body: Option<serde_json::Value>) -> Reply {
    Reply {
        status: StatusCode::OK,
        body,
        validators: Validators::None,
        headers: Vec::new(),
    }
}

fn done() -> Reply {
    Reply {
        status: StatusCode::NO_CONTENT,
        ..plain(None)
    }
}
