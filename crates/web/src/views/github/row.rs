//! A credential as a row: whose it is, what it has left, who uses it.

use chrono::{DateTime, Utc};
use domain::{
    CredentialId, CredentialKind, ForgeKind, Health, MissingRight, Name, Role, SecretId,
    may_rotate, missing_rights,
};
use store::Credential;

use super::Additional;
use super::tile::{SOON, expiry};
use crate::console::Console;
use crate::error::Error;
use crate::quota::{Quotas, Standing, Strip};

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question that the page asks"
)]
pub(crate) struct Row {
    pub(crate) id: CredentialId,
    pub(crate) name: Name,
    pub(crate) login: String,
    pub(crate) is_main: bool,
    pub(crate) is_paused: bool,
    /// Why the host refused it.
    pub(crate) dead: Option<String>,
    pub(crate) standing: Standing,
    /// Requests left and their limit.
    pub(crate) left: Option<(u32, u32)>,
    pub(crate) reset_at: Option<DateTime<Utc>>,
    pub(crate) reserve_percent: u8,
    /// "expires in 9 days".
    pub(crate) expiry: Option<String>,
    pub(crate) expires_soon: bool,
    pub(crate) missing: Vec<MissingRight>,
    pub(crate) scopes: Option<String>,
    pub(crate) checked_at: Option<DateTime<Utc>>,
    pub(crate) plans: Vec<Name>,
    /// The credential before this one that is charged to the same user.
    pub(crate) same_user_as: Option<Name>,
    /// The entry of the Password Manager that holds its token, if one does.
    pub(crate) entry: Option<(SecretId, String)>,
    /// What a person knows it by.
    pub(crate) title: String,
    pub(crate) kind: &'static str,
    /// Whether a person enters its token, and may enter another one.
    pub(crate) is_token: bool,
    /// Whether its host gives it another value when it asks for one.
    rotates: bool,
    /// Whether its host counts no requests.
    pub(crate) is_unlimited: bool,
}

impl Row {
    /// Whether a person can have its token rotated here.
    pub(crate) fn may_rotate(&self) -> bool {
        self.rotates && self.entry.is_some() && self.dead.is_none()
    }
}

/// All of an organization's credentials, the main one first.
pub(super) async fn rows(
    console: &Console,
    forge: ForgeKind,
    credentials: &[Credential],
) -> Result<(Vec<Row>, Additional), Error> {
    let buckets = credentials.iter().map(|one| one.bucket.clone()).collect();
    let quotas = Quotas::of(&console.db, buckets).await?;
    let now = console.clock.now();
    let rows: Vec<Row> = credentials
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let same = credentials
                .iter()
                .take(index)
                .find(|other| other.bucket == one.bucket);
            Row::of(
                forge,
                one,
                same.map(|other| other.name.clone()),
                &quotas,
                now,
            )
        })
        .collect();
    let is_additional = |one: &&Credential| one.role == Role::Additional;
    let strip = Strip::of(
        credentials
            .iter()
            .zip(&rows)
            .filter(|(one, _)| one.role == Role::Additional)
            .map(|(one, row)| (&one.bucket, &row.standing)),
        &quotas,
    );
    let unused: Vec<String> = credentials
        .iter()
        .filter(is_additional)
        .filter(|one| one.used_by.is_empty())
        .map(Credential::title)
        .collect();
    let count = credentials.iter().filter(is_additional).count();
    let additional = Additional {
        count,
        used: count - unused.len(),
        strip,
        unused,
        main_limit: credentials
            .iter()
            .find(|one| one.role == Role::Main)
            .and_then(|one| quotas.left(&one.bucket))
            .map(|(_, limit)| limit),
    };
    Ok((rows, additional))
}

impl Row {
    fn of(
        forge: ForgeKind,
        credential: &Credential,
        same_user_as: Option<Name>,
        quotas: &Quotas,
        now: DateTime<Utc>,
    ) -> Self {
        let is_used = !credential.used_by.is_empty();
        Self {
            id: credential.id,
            name: credential.name.clone(),
            login: credential.login.clone(),
            is_main: credential.role == Role::Main,
            is_paused: credential.health == Health::Paused,
            dead: match &credential.health {
                Health::Dead { reason } => Some(reason.clone()),
                Health::Healthy | Health::Paused => None,
            },
            standing: Standing::of(
                &credential.health,
                &credential.bucket,
                credential.reserve_percent,
                is_used,
                quotas,
            ),
            left: quotas.left(&credential.bucket),
            reset_at: quotas.reset_at(&credential.bucket),
            reserve_percent: credential.reserve_percent,
            expiry: credential.expires_at.map(|at| expiry(at, now)),
            expires_soon: credential.expires_at.is_some_and(|at| at - now < SOON),
            // An application's permissions are its registration's to choose.
            missing: credential
                .scopes
                .as_deref()
                .filter(|_| credential.kind != CredentialKind::AppInstallation)
                .map(|scopes| missing_rights(forge, scopes))
                .unwrap_or_default(),
            scopes: credential.scopes.as_ref().map(|scopes| scopes.join(", ")),
            checked_at: credential.checked_at,
            plans: credential.used_by.clone(),
            same_user_as,
            entry: credential
                .source
                .entry()
                .zip(credential.source.entry_name().map(ToString::to_string)),
            title: credential.title(),
            kind: credential.kind.label(),
            is_token: credential.kind == CredentialKind::AccessToken,
            rotates: forge == ForgeKind::GitLab
                && credential.kind == CredentialKind::AccessToken
                && credential.scopes.as_deref().is_some_and(may_rotate),
            is_unlimited: quotas.is_unlimited(&credential.bucket),
        }
    }
}
