//! Issues; every pull request is among them.

use axum::http::StatusCode;

use super::{Call, Outcome, labels, root};
use crate::reply::{Refusal, Reply};
use crate::world::Issue;

pub(super) fn list(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    if !repository.has_issues {
        return Err(gone());
    }
    let since = call.query.time("since");
    let mut issues = repository
        .issues
        .values()
        .filter(|issue| labels::wanted(call, issue.state))
        .filter(|issue| since.is_none_or(|since| issue.updated_at >= since))
        .filter(|issue| has_labels(call, issue))
        .collect::<Vec<_>>();
    match call.query.text("sort") {
        Some("updated") => issues.sort_by_key(|issue| (issue.updated_at, issue.number)),
        Some("comments") => issues.sort_by_key(|issue| (issue.comments.len(), issue.number)),
        _ => {}
    }
    if call.query.text("direction") != Some("asc") {
        issues.reverse();
    }
    call.cursor_page(
        &issues,
        |issue| issue.number.to_string(),
        |issue| call.show().issue(repository, issue),
    )
}

pub(super) fn one(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let issue = find(call)?;
    Ok(Reply::dated(
        call.show().issue(repository, issue),
        issue.updated_at,
    ))
}

pub(super) fn labels(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let issue = find(call)?;
    let labels = call.show().labels_of(repository, issue);
    call.page(&labels, Clone::clone)
}

/// A list of an issue that is always empty.
pub(super) fn nothing(call: &Call<'_>) -> Outcome {
    find(call)?;
    root::nothing(call)
}

/// The issue that the path names; 410 for one that was deleted.
pub(super) fn find<'a>(call: &'a Call<'_>) -> Result<&'a Issue, Refusal> {
    let repository = call.repository()?;
    let number = call.number(0)?;
    repository.issues.get(&number).ok_or_else(|| {
        if (1..=repository.last_number).contains(&number) {
            Refusal::new(StatusCode::GONE, "This issue was deleted")
        } else {
            Refusal::not_found()
        }
    })
}

fn gone() -> Refusal {
    Refusal::new(StatusCode::GONE, "Issues are disabled for this repo")
}

/// Whether an issue has every label of `labels=a,b`.
fn has_labels(call: &Call<'_>, issue: &Issue) -> bool {
    let Some(wanted) = call
        .query
        .text("labels")
        .filter(|labels| !labels.is_empty())
    else {
        return true;
    };
    let Ok(repository) = call.repository() else {
        return false;
    };
    wanted.split(',').all(|name| {
        repository.labels.iter().any(|label| {
            label.name.eq_ignore_ascii_case(name) && issue.label_ids.contains(&label.id)
        })
    })
}
