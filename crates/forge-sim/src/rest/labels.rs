//! Labels and milestones.

use super::{Call, Outcome};
use crate::reply::{Refusal, Reply};
use crate::world::IssueState;

pub(super) fn list(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let mut labels = repository.labels.iter().collect::<Vec<_>>();
    labels.sort_by_key(|label| label.name.to_lowercase());
    call.page(&labels, |label| call.show().label(repository, label))
}

pub(super) fn one(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let label = repository
        .labels
        .iter()
        .find(|label| label.name.eq_ignore_ascii_case(call.parameter(0)))
        .ok_or_else(Refusal::not_found)?;
    Ok(Reply::dated(
        call.show().label(repository, label),
        label.updated_at,
    ))
}

pub(super) fn milestones(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let mut milestones = repository
        .milestones
        .iter()
        .filter(|milestone| wanted(call, milestone.state))
        .collect::<Vec<_>>();
    milestones.sort_by_key(|milestone| (milestone.due_on, milestone.number));
    if call.query.text("direction") == Some("desc") {
        milestones.reverse();
    }
    call.page(&milestones, |milestone| {
        call.show().milestone(repository, milestone)
    })
}

pub(super) fn milestone(call: &Call<'_>) -> Outcome {
    let repository = call.repository()?;
    let number = call.number(0)?;
    let milestone = repository
        .milestones
        .iter()
        .find(|milestone| milestone.number == number)
        .ok_or_else(Refusal::not_found)?;
    Ok(Reply::json(call.show().milestone(repository, milestone)))
}

/// Whether a state is asked for by `state=open|closed|all`.
pub(super) fn wanted(call: &Call<'_>, state: IssueState) -> bool {
    let wanted = call.query.text("state").unwrap_or("open");
    wanted == "all" || state.word() == wanted
}
