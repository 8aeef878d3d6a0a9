//! The life of an App on accounts: made, installed, suspended, changed, removed. Whoever is to be told is told.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::hooks::Notice;
use super::keys;
use crate::error::Error;
use crate::recipe::AppRecipe;
use crate::world::{
    AccountKind, App, Hook, Installation, InstallationRequest, Role, TokenValue, World,
};

/// What an App's owner is shown once.
#[derive(Debug, Clone)]
pub struct AppKeys {
    /// The numeric id.
    pub id: u64,
    /// The name in addresses.
    pub slug: String,
    /// What it calls itself in OAuth.
    pub client_id: String,
    /// What proves that.
    pub client_secret: TokenValue,
    /// The private key in PEM; nothing for an OAuth app.
    pub pem: Option<TokenValue>,
    /// What deliveries are signed with.
    pub webhook_secret: Option<TokenValue>,
}

/// Letters and digits that nobody guesses outside a simulation.
pub(super) fn random(world: &mut World, count: usize) -> String {
    let seed = world.next_id().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.alphanumeric())
        .take(count)
        .collect()
}

/// Makes an app.
pub(crate) fn create(
    world: &mut World,
    recipe: &AppRecipe,
    now: DateTime<Utc>,
) -> Result<AppKeys, Error> {
    let owner_id = world
        .account(&recipe.owner)
        .map(|account| account.id)
        .ok_or_else(|| Error::Unknown(format!("account {}", recipe.owner)))?;
    let slug = slug(&recipe.name);
    if slug.is_empty() || world.apps.by_slug(&slug).is_some() {
        return Err(Error::Invalid(format!(
            "the name {:?} is empty or taken",
            recipe.name
        )));
    }
    let (pem, public) = if recipe.oauth {
        (None, None)
    } else {
        let (pem, public) = keys::generate()?;
        (Some(pem), Some(public))
    };
    let id = world.next_id();
    let prefix = if recipe.oauth { "Ov23" } else { "Iv23" };
    let client_id = format!("{prefix}{}", random(world, 16));
    let client_secret = TokenValue::new(random(world, 40).to_lowercase());
    let hook = recipe.hook_url.as_ref().map(|url| Hook {
        url: url.clone(),
        secret: TokenValue::new(random(world, 40)),
    });
    let keys = AppKeys {
        id,
        slug: slug.clone(),
        client_id: client_id.clone(),
        client_secret: client_secret.clone(),
        pem,
        webhook_secret: hook.as_ref().map(|hook| hook.secret.clone()),
    };
    world.apps.all.insert(
        id,
        App {
            id,
            slug,
            name: recipe.name.clone(),
            owner_id,
            client_id,
            client_secret,
            keys: public.into_iter().collect(),
            installable: !recipe.oauth,
            public: recipe.public,
            callback_urls: recipe.callback_urls.clone(),
            setup_url: recipe.setup_url.clone(),
            request_oauth_on_install: recipe.request_oauth_on_install,
            expiring_user_tokens: recipe.expiring_user_tokens,
            permissions: recipe.permissions.clone(),
            events: recipe.events.iter().cloned().collect(),
            hook,
            created_at: now,
        },
    );
    Ok(keys)
}

fn slug(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Whether somebody may install an App on an account without asking: it is the person's own, or she owns the organization.
pub(crate) fn controls(world: &World, user_id: u64, account_id: u64) -> bool {
    user_id == account_id
        || world
            .membership(user_id, account_id)
            .is_some_and(|membership| membership.role == Role::Admin)
}

/// The accounts that somebody can choose from when installing: the person's own, and the organizations she belongs to.
pub(crate) fn reach(world: &World, user_id: u64) -> Vec<u64> {
    let organizations = world
        .memberships
        .iter()
        .filter(|membership| membership.user_id == user_id)
        .map(|membership| membership.organization_id);
    std::iter::once(user_id).chain(organizations).collect()
}

/// Installs an App, or changes what it is installed on.
pub(crate) fn install(
    world: &mut World,
    app_id: u64,
    account_id: u64,
    selected: Option<BTreeSet<u64>>,
    sender_id: u64,
    now: DateTime<Utc>,
) -> u64 {
    let permissions = world
        .apps
        .all
        .get(&app_id)
        .map(|app| app.permissions.clone())
        .unwrap_or_default();
    let existing = world
        .apps
        .installation(app_id, account_id)
        .map(|one| one.id);
    if let Some(id) = existing {
        select(world, id, selected, sender_id, now);
        return id;
    }
    let id = world.next_id();
    world.apps.installations.insert(
        id,
        Installation {
            id,
            app_id,
            account_id,
            selected,
            permissions,
            created_at: now,
            updated_at: now,
            suspended: None,
        },
    );
    let requester_id = world
        .apps
        .requests
        .iter()
        .find(|request| request.app_id == app_id && request.account_id == account_id)
        .map(|request| request.requester_id);
    world
        .apps
        .requests
        .retain(|request| request.app_id != app_id || request.account_id != account_id);
    tell(
        world,
        id,
        "installation",
        "created",
        sender_id,
        now,
        |notice| {
            notice.requester_id = requester_id;
            notice.lists_repositories = true;
        },
    );
    id
}

/// Changes which repositories an installation covers.
pub(crate) fn select(
    world: &mut World,
    id: u64,
    selected: Option<BTreeSet<u64>>,
    sender_id: u64,
    now: DateTime<Utc>,
) {
    let Some(installation) = world.apps.installations.get(&id) else {
        return;
    };
    let account_id = installation.account_id;
    let of_account: BTreeSet<u64> = world
        .repositories_of(account_id)
        .map(|repository| repository.id)
        .collect();
    let covered =
        |selected: &Option<BTreeSet<u64>>| selected.clone().unwrap_or_else(|| of_account.clone());
    let (before, after) = (covered(&installation.selected), covered(&selected));
    if let Some(installation) = world.apps.installations.get_mut(&id) {
        installation.selected = selected;
        installation.updated_at = now;
    }
    for (action, changed) in [
        (
            "added",
            after.difference(&before).copied().collect::<Vec<_>>(),
        ),
        ("removed", before.difference(&after).copied().collect()),
    ] {
        if !changed.is_empty() {
            tell(
                world,
                id,
                "installation_repositories",
                action,
                sender_id,
                now,
                |notice| notice.repositories = changed,
            );
        }
    }
}

/// Notes that somebody who may not install an App asks for it.
pub(crate) fn request(
    world: &mut World,
    app_id: u64,
    account_id: u64,
    requester_id: u64,
    now: DateTime<Utc>,
) {
    let id = world.next_id();
    world.apps.requests.push(InstallationRequest {
        id,
        app_id,
        account_id,
        requester_id,
        created_at: now,
    });
}

/// Suspends an installation, or ends that: its tokens do not work meanwhile.
pub(crate) fn suspend(
    world: &mut World,
    id: u64,
    is_suspended: bool,
    sender_id: u64,
    now: DateTime<Utc>,
) {
    if let Some(installation) = world.apps.installations.get_mut(&id) {
        installation.suspended = is_suspended.then_some((sender_id, now));
        installation.updated_at = now;
    }
    let action = if is_suspended { "suspend" } else { "unsuspend" };
    tell(world, id, "installation", action, sender_id, now, |_| {});
}

/// Takes an App off an account. Its tokens end at once.
pub(crate) fn uninstall(world: &mut World, id: u64, sender_id: u64, now: DateTime<Utc>) {
    tell(
        world,
        id,
        "installation",
        "deleted",
        sender_id,
        now,
        |notice| {
            notice.lists_repositories = true;
        },
    );
    world.apps.installations.remove(&id);
}

/// Gives an App another key and forgets the others.
pub(crate) fn rotate_key(world: &mut World, app_id: u64) -> Result<TokenValue, Error> {
    let (pem, public) = keys::generate()?;
    let app = world
        .apps
        .all
        .get_mut(&app_id)
        .ok_or_else(|| Error::Unknown("such an app".to_owned()))?;
    app.keys = vec![public];
    Ok(pem)
}

fn tell(
    world: &mut World,
    installation_id: u64,
    event: &str,
    action: &str,
    sender_id: u64,
    now: DateTime<Utc>,
    more: impl FnOnce(&mut Notice),
) {
    let Some(installation) = world.apps.installations.get(&installation_id) else {
        return;
    };
    let mut notice = Notice {
        event: event.to_owned(),
        action: Some(action.to_owned()),
        app_id: installation.app_id,
        installation_id: Some(installation_id),
        sender_id,
        ..Notice::default()
    };
    more(&mut notice);
    super::hooks::queue(world, &notice, now);
}

/// Tells every App that is installed on a repository's account, covers it and has asked for the event.
pub(crate) fn tell_of_repository(
    world: &mut World,
    repository_id: u64,
    sender_id: u64,
    now: DateTime<Utc>,
    base: &Notice,
) {
    let Some(owner_id) = world
        .repositories
        .get(&repository_id)
        .map(|one| one.owner_id)
    else {
        return;
    };
    let installations: Vec<(u64, u64)> = world
        .apps
        .installations
        .values()
        .filter(|one| one.account_id == owner_id && one.covers(repository_id))
        .filter(|one| one.suspended.is_none())
        .filter(|one| {
            world
                .apps
                .all
                .get(&one.app_id)
                .is_some_and(|app| app.events.contains(&base.event))
        })
        .map(|one| (one.id, one.app_id))
        .collect();
    for (installation_id, app_id) in installations {
        let notice = Notice {
            app_id,
            installation_id: Some(installation_id),
            repository_id: Some(repository_id),
            sender_id,
            ..base.clone()
        };
        super::hooks::queue(world, &notice, now);
    }
}

/// Tells every App on an account that the account has another name.
pub(crate) fn tell_renamed(world: &mut World, account_id: u64, was: &str, now: DateTime<Utc>) {
    let installations: Vec<(u64, u64)> = world
        .apps
        .installations
        .values()
        .filter(|one| one.account_id == account_id)
        .map(|one| (one.id, one.app_id))
        .collect();
    for (installation_id, app_id) in installations {
        let notice = Notice {
            event: "installation_target".to_owned(),
            action: Some("renamed".to_owned()),
            app_id,
            installation_id: Some(installation_id),
            sender_id: account_id,
            renamed_from: Some(was.to_owned()),
            ..Notice::default()
        };
        super::hooks::queue(world, &notice, now);
    }
}

/// Whether an account is an organization.
pub(crate) fn is_organization(world: &World, account_id: u64) -> bool {
    world
        .accounts
        .get(&account_id)
        .is_some_and(|account| account.kind == AccountKind::Organization)
}
