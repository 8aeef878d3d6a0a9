//! Pull requests with their reviews and comments on lines.

use super::{Call, Outcome, comments as issue_comments, labels};
use crate::git::log;
use crate::reply::{Refusal, Reply};
use crate::world::{Issue, Pull};

pub(super) fn list(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let mut pulls = repository
        .pulls()
        .filter(|issue| labels::wanted(call, issue.state))
        .filter(|issue| fits(call, issue))
        .collect::<Vec<_>>();
    let sort = call.query.text("sort").unwrap_or("created");
    match sort {
        "updated" => pulls.sort_by_key(|issue| (issue.updated_at, issue.number)),
        "popularity" => pulls.sort_by_key(|issue| (issue.comments.len(), issue.number)),
        _ => {}
    }
    let descending = match call.query.text("direction") {
        Some(direction) => direction == "desc",
        None => sort == "created",
    };
    if descending {
        pulls.reverse();
    }
    call.page(&pulls, |issue| call.show().pull(repository, issue))
}

pub(super) fn one(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let (issue, _) = find(call)?;
    Ok(Reply::dated(
        call.show().full_pull(repository, issue),
        issue.updated_at,
    ))
}

pub(super) fn reviews(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let (issue, pull) = find(call)?;
    let reviews = pull.reviews.iter().collect::<Vec<_>>();
    call.page(&reviews, |review| {
        call.show().review(repository, issue, review)
    })
}

pub(super) fn comments(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let (issue, pull) = find(call)?;
    let since = call.query.time("since");
    let mut comments = pull
        .comments
        .iter()
        .filter(|comment| since.is_none_or(|since| comment.updated_at >= since))
        .collect::<Vec<_>>();
    issue_comments::sort(call, &mut comments, |comment| {
        (comment.id, comment.updated_at)
    });
    call.page(&comments, |comment| {
        call.show().review_comment(repository, issue, comment)
    })
}

pub(super) fn all_comments(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let since = call.query.time("since");
    let mut comments = repository
        .pulls()
        .filter_map(|issue| Some((issue, issue.pull.as_ref()?)))
        .flat_map(|(issue, pull)| pull.comments.iter().map(move |comment| (issue, comment)))
        .filter(|(_, comment)| since.is_none_or(|since| comment.updated_at >= since))
        .collect::<Vec<_>>();
    issue_comments::sort(call, &mut comments, |(_, comment)| {
        (comment.id, comment.updated_at)
    });
    call.page(&comments, |(issue, comment)| {
        call.show().review_comment(repository, issue, comment)
    })
}

pub(super) fn commits(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let (_, pull) = find(call)?;
    let commits = log::between(&repository.git, &pull.base_sha, &pull.head_sha);
    call.page(&commits, |commit| call.show().commit(repository, commit))
}

/// The pull request that the path names.
fn find<'a>(call: &'a Call<'_>) -> Result<(&'a Issue, &'a Pull), Refusal> {
    let number = call.number(0)?;
    let issue = call
        .repository()?
        .issues
        .get(&number)
        .ok_or_else(Refusal::not_found)?;
    let pull = issue.pull.as_ref().ok_or_else(Refusal::not_found)?;
    Ok((issue, pull))
}

/// Whether a pull request has the ends of `head=owner:branch` and `base=branch`.
fn fits(call: &Call<'_>, issue: &Issue) -> bool {
    let Some(pull) = &issue.pull else {
        return false;
    };
    let head = call
        .query
        .text("head")
        .and_then(|head| head.rsplit(':').next());
    let base = call.query.text("base");
    head.is_none_or(|head| head == pull.head_ref) && base.is_none_or(|base| base == pull.base_ref)
}
