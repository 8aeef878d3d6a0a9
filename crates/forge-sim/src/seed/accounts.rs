//! Organizations, the users that hold tokens, and the contributors that wrote everything.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{QuotaOverride, day};
use crate::error::Error;
use crate::recipe::{Recipe, UserRecipe};
use crate::world::{Account, AccountKind, Membership, Token, TokenKind, TokenValue, World};

/// How many people wrote the issues, comments and commits of a world.
const CONTRIBUTORS: usize = 9;

/// The scopes of a classic token that a backup needs.
const BACKUP_SCOPES: [&str; 3] = ["repo", "read:org", "read:user"];

/// The people who wrote everything.
#[derive(Debug, Clone)]
pub(crate) struct Contributors(Vec<u64>);

impl Contributors {
    pub(crate) fn of(world: &World) -> Self {
        let ids = world
            .accounts
            .values()
            .filter(|account| account.login.starts_with("contributor-"))
            .map(|account| account.id)
            .collect();
        Self(ids)
    }

    /// One of them.
    pub(crate) fn pick(&self, random: &mut fastrand::Rng) -> u64 {
        random.choice(&self.0).copied().unwrap_or(0)
    }
}

pub(super) fn grow(
    world: &mut World,
    recipe: &Recipe,
    now: DateTime<Utc>,
) -> Result<(Contributors, Vec<QuotaOverride>), Error> {
    let mut random = fastrand::Rng::with_seed(recipe.seed ^ 0xacc0);
    let mut organization_ids = Vec::new();
    for organization in &recipe.organizations {
        let id = add(
            world,
            None,
            &organization.login,
            AccountKind::Organization,
            &mut random,
        )?;
        organization_ids.push(id);
    }
    for number in 1..=CONTRIBUTORS {
        let login = format!("contributor-{number}");
        add(world, None, &login, AccountKind::User, &mut random)?;
    }
    let mut quotas = Vec::new();
    for user in &recipe.users {
        let id = add(world, user.id, &user.login, AccountKind::User, &mut random)?;
        if let Some(core) = user.quota.or(user.graphql_quota) {
            quotas.push(QuotaOverride {
                user_id: id,
                core,
                graphql: user.graphql_quota.unwrap_or(core),
            });
        }
        issue_tokens(world, id, user, now, &mut random);
        if !user.outsider {
            world
                .memberships
                .extend(organization_ids.iter().map(|organization_id| {
                    Membership {
                        user_id: id,
                        organization_id: *organization_id,
                        role: user.role,
                        sees: user
                            .sees
                            .as_ref()
                            .map(|names| names.iter().cloned().collect::<BTreeSet<_>>()),
                    }
                }));
        }
    }
    Ok((Contributors::of(world), quotas))
}

fn add(
    world: &mut World,
    id: Option<u64>,
    login: &str,
    kind: AccountKind,
    random: &mut fastrand::Rng,
) -> Result<u64, Error> {
    if login.is_empty() || world.account(login).is_some() {
        return Err(Error::Invalid(format!(
            "the login {login:?} is empty or taken"
        )));
    }
    let id = id.unwrap_or_else(|| world.next_id());
    if world.accounts.contains_key(&id) {
        return Err(Error::Invalid(format!("the account id {id} is taken")));
    }
    let created_at = day(random.i64(-800..0), random);
    let account = Account {
        id,
        login: login.to_owned(),
        kind,
        name: login.replace('-', " "),
        created_at,
        updated_at: created_at,
    };
    world.accounts.insert(id, account);
    Ok(id)
}

fn issue_tokens(
    world: &mut World,
    user_id: u64,
    user: &UserRecipe,
    now: DateTime<Utc>,
    random: &mut fastrand::Rng,
) {
    for _ in 0..=user.more_tokens {
        world.tokens.push(Token {
            value: TokenValue::new(token_value(user.token, random)),
            user_id,
            kind: user.token,
            scopes: match &user.scopes {
                _ if !user.token.has_scopes() => Vec::new(),
                Some(scopes) => scopes.clone(),
                None => BACKUP_SCOPES.map(str::to_owned).to_vec(),
            },
            expires_at: user
                .expires_in
                .map(|seconds| now + TimeDelta::seconds(seconds)),
            revoked: false,
            app_id: None,
        });
    }
}

/// Lengths and alphabets as GitHub's: 40 characters classic, 93 fine-grained.
fn token_value(kind: TokenKind, random: &mut fastrand::Rng) -> String {
    let mut characters = |count: usize| -> String {
        std::iter::repeat_with(|| random.alphanumeric())
            .take(count)
            .collect()
    };
    match kind {
        TokenKind::FineGrained => format!("github_pat_{}_{}", characters(22), characters(59)),
        TokenKind::Classic | TokenKind::Oauth | TokenKind::AppUser => {
            format!("{}{}", kind.prefix(), characters(36))
        }
    }
}
