//! Comments on issues and pull requests.

use chrono::{DateTime, Utc};

use super::{Call, Outcome, issues};
use crate::reply::{Refusal, Reply};
use crate::world::{Comment, Issue};

pub(super) fn all(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let since = call.query.time("since");
    let mut comments = repository
        .issues
        .values()
        .flat_map(|issue| issue.comments.iter().map(move |comment| (issue, comment)))
        .filter(|(_, comment)| since.is_none_or(|since| comment.updated_at >= since))
        .collect::<Vec<_>>();
    sort(call, &mut comments, |(_, comment)| {
        (comment.id, comment.updated_at)
    });
    call.page(&comments, |(issue, comment)| {
        call.show().comment(repository, issue, comment)
    })
}

pub(super) fn of_issue(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let issue = issues::find(call)?;
    let since = call.query.time("since");
    let comments = issue
        .comments
        .iter()
        .filter(|comment| since.is_none_or(|since| comment.updated_at >= since))
        .collect::<Vec<_>>();
    call.page(&comments, |comment| {
        call.show().comment(repository, issue, comment)
    })
}

pub(super) fn one(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let id = call.number(0)?;
    let (issue, comment): (&Issue, &Comment) = repository
        .issues
        .values()
        .find_map(|issue| {
            Some((
                issue,
                issue.comments.iter().find(|comment| comment.id == id)?,
            ))
        })
        .ok_or_else(Refusal::not_found)?;
    Ok(Reply::dated(
        call.show().comment(repository, issue, comment),
        comment.updated_at,
    ))
}

/// Ascending by id, unless `sort` asks for a time: then newest first unless `direction` says otherwise.
pub(super) fn sort<T>(call: &Call<'_>, items: &mut [T], key: impl Fn(&T) -> (u64, DateTime<Utc>)) {
    items.sort_by_key(|item| key(item).0);
    match call.query.text("sort") {
        Some("updated") => items.sort_by_key(|item| (key(item).1, key(item).0)),
        Some(_) => {}
        None => return,
    }
    if call.query.text("direction") != Some("asc") {
        items.reverse();
    }
}
