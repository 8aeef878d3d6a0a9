//! People, and tokens that look at themselves.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use chrono::{Days, NaiveDate};
use serde_json::Value;

use super::{Asked, Refused, json_of, projects, refuse};
use crate::gitlab::world::Token;
use crate::gitlab::{seed, show};
use crate::lock::{read, write};

pub(super) fn user(asked: &Asked<'_>) -> Result<Response, Refused> {
    let caller = asked.signed_in()?;
    let world = read(&asked.simulator.world);
    let user = world.users.get(&caller.user);
    let user = user.ok_or_else(|| refuse(StatusCode::NOT_FOUND, "404 User Not Found"))?;
    Ok(json_of(&show::user(asked.simulator, user)))
}

pub(super) fn users(asked: &Asked<'_>, parts: &[&str]) -> Result<Response, Refused> {
    asked.signed_in()?;
    let world = read(&asked.simulator.world);
    match parts {
        ["users"] => {
            let wanted = asked.query.text("username");
            let users = world
                .users
                .values()
                .filter(|user| wanted.is_none_or(|name| user.username == name))
                .map(|user| show::user(asked.simulator, user));
            let users = users.collect();
            Ok(asked.list(users, true))
        }
        // Everything is in groups here: nobody has projects of their own.
        ["users", _, "projects"] => Ok(projects::listed(asked, |_| false)),
        ["users", id] => {
            let user = id.parse().ok().and_then(|id: u64| world.users.get(&id));
            let user = user.ok_or_else(|| refuse(StatusCode::NOT_FOUND, "404 User Not Found"))?;
            Ok(json_of(&show::user(asked.simulator, user)))
        }
        _ => Err(refuse(StatusCode::NOT_FOUND, "404 Not Found")),
    }
}

/// The token that asks: what it is, and its rotation, which ends it at once.
pub(super) fn itself(asked: &Asked<'_>, parts: &[&str]) -> Result<Response, Refused> {
    let caller = asked.signed_in()?;
    if caller.token.grant.is_some() {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "400 Bad request - This endpoint requires token type to be a personal access token",
        ));
    }
    match (parts, &asked.method) {
        (["personal_access_tokens", "self"], &Method::GET) => {
            Ok(json_of(&show::token(&caller.token)))
        }
        (["personal_access_tokens", "self", "rotate"], &Method::POST) => {
            rotate(asked, &caller.token)
        }
        _ => Err(refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "405 Method Not Allowed",
        )),
    }
}

fn rotate(asked: &Asked<'_>, old: &Token) -> Result<Response, Refused> {
    let today = asked.simulator.clock.now().date_naive();
    let wanted = asked.body.get("expires_at").and_then(Value::as_str);
    let end = match wanted {
        Some(text) => text.parse::<NaiveDate>().ok().filter(|end| *end > today),
        // GitLab docs, "Rotate a personal access token": a week, unless another date is sent.
        None => today.checked_add_days(Days::new(7)),
    };
    let end = end.ok_or_else(|| {
        refuse(
            StatusCode::BAD_REQUEST,
            "400 (Bad request) expires_at is invalid",
        )
    })?;
    let mut world = write(&asked.simulator.world);
    let id = world.next_id();
    for token in world.tokens.iter_mut().filter(|token| token.id == old.id) {
        token.revoked = true;
    }
    let new = Token {
        id,
        value: seed::fresh_token(&mut fastrand::Rng::new()),
        expires_at: Some(end),
        revoked: false,
        ..old.clone()
    };
    let mut shown = show::token(&new);
    if let Value::Object(fields) = &mut shown {
        fields.insert("token".to_owned(), new.value.clone().into());
    }
    world.tokens.push(new);
    Ok(json_of(&shown))
}
