//! People and organizations.

use super::{Call, Outcome, root};
use crate::reply::{Refusal, Reply};
use crate::world::{Account, AccountKind};

pub(super) fn myself(call: &Call<'_>) -> Outcome {
    let identity = call.me()?;
    let account = call
        .world
        .accounts
        .get(&identity.user_id)
        .ok_or_else(Refusal::not_found)?;
    Ok(Reply::dated(
        call.show().private_user(account),
        account.updated_at,
    ))
}

pub(super) fn user(call: &Call<'_>) -> Outcome {
    let account = call
        .world
        .account(call.parameter(0))
        .ok_or_else(Refusal::not_found)?;
    Ok(Reply::dated(
        call.show().public_user(account),
        account.updated_at,
    ))
}

pub(super) fn organization(call: &Call<'_>) -> Outcome {
    let account = find_organization(call)?;
    Ok(Reply::dated(
        call.show().organization(account),
        account.updated_at,
    ))
}

pub(super) fn my_organizations(call: &Call<'_>) -> Outcome {
    let identity = call.me()?;
    let organizations = call
        .world
        .memberships
        .iter()
        .filter(|membership| membership.user_id == identity.user_id)
        .filter_map(|membership| call.world.accounts.get(&membership.organization_id))
        .collect::<Vec<_>>();
    call.page(&organizations, |account| {
        call.show().simple_organization(account)
    })
}

/// A list of a user that is always empty.
pub(super) fn nothing_of_user(call: &Call<'_>) -> Outcome {
    call.world
        .account(call.parameter(0))
        .ok_or_else(Refusal::not_found)?;
    root::nothing(call)
}

/// The organization that the path names.
pub(super) fn find_organization<'a>(call: &'a Call<'_>) -> Result<&'a Account, Refusal> {
    call.world
        .account(call.parameter(0))
        .filter(|account| account.kind == AccountKind::Organization)
        .ok_or_else(Refusal::not_found)
}
