//! What may call an organization's host.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use domain::{BucketKey, CredentialKind, ForgeKind, Health, Name, Reading, Role};
use serde_json::{Value, json};
use store::{BucketRow, Credential, Leftover, NewCredential, Organization, Scoped, TokenSource};

use super::identify::{Candidate, note_host, remarks};
use super::organization;
use crate::context::{Context, new_name};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Table;

/// GitHub's Acceptable Use Policies and Terms of Service, section H: no sharing of tokens in order to exceed limits.
const TERMS: &str = "GitHub's terms forbid sharing tokens in order to exceed its limits: use a dedicated backup user or an App, for which an organization may ask.";

/// What can be done about credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add an additional credential; plans use it once it is switched on in them.
    Add(Add),
    /// List an organization's credentials with what they have left.
    List {
        /// The organization.
        organization: String,
    },
    /// Set a credential aside; no request is sent with it until it is resumed.
    Pause(Named),
    /// Use a credential again that was paused, or that the host had refused.
    Resume(Named),
    /// Remove an additional credential, and its token from the database if nothing else uses it.
    Remove(Named),
}

/// A credential to add.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The organization.
    organization: String,
    /// The user whose token it is.
    #[arg(long)]
    user: String,
    /// A file with a classic token of that user and nothing else.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// What to call it here [default: the user's name].
    #[arg(long)]
    name: Option<String>,
    /// Share of its quota that is left to the person behind it.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    reserve: Option<u8>,
}

/// A credential that exists.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The organization.
    organization: String,
    /// The credential.
    credential: String,
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Add(add) => self::add(context, add).await,
        Command::List { organization } => list(context, &organization).await,
        Command::Pause(named) => pause(context, &named).await,
        Command::Resume(named) => resume(context, &named).await,
        Command::Remove(named) => remove(context, &named).await,
    }
}

/// The credential of that name among an organization's.
pub(crate) fn find<'a>(credentials: &'a [Credential], name: &str) -> Result<&'a Credential, Error> {
    credentials
        .iter()
        .find(|one| one.name.as_str() == name)
        .ok_or_else(|| {
            Error::unknown(
                "credential",
                name,
                credentials.iter().map(|one| one.name.as_str()),
            )
        })
}

async fn add(context: &Context, add: Add) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    let organization = organization::find(&scoped, &add.organization).await?;
    let known = scoped.credentials(organization.id).await?;
    let name = new_name(
        "credential",
        add.name.as_deref().unwrap_or(&add.user),
        known.iter().map(|one| one.name.as_str()),
    )?;
    let candidate = Candidate::read(context, &organization.host, &add.token_file).await?;
    let tried = candidate.ask(&add.user).await?;
    note_host(context, &tried).await?;
    let usual_reserve = tried.reserve_percent(Role::Additional, CredentialKind::AccessToken);
    let identity = tried.owner;
    let token = candidate.token;
    let kind = CredentialKind::AccessToken;
    let forge = organization.host.kind();
    let id = scoped
        .add_credential(
            &context.sealer()?,
            organization.id,
            NewCredential {
                name: name.clone(),
                login: identity.login.clone(),
                role: Role::Additional,
                kind,
                bucket: identity.bucket.clone(),
                reserve_percent: add.reserve.unwrap_or(usual_reserve),
                token: TokenSource::New(token),
                scopes: identity.scopes.clone(),
                expires_at: identity.expires_at,
            },
        )
        .await?;
    let mut remarks = remarks(context, forge, &identity);
    if let Some(twin) = known.iter().find(|one| one.bucket == identity.bucket) {
        remarks.push(format!(
            "It adds access, not quota: same {} user as {}.",
            forge.label(),
            twin.name
        ));
    }
    if forge == ForgeKind::GitHub {
        remarks.push(TERMS.to_owned());
    }
    let document = json!({
        "id": id,
        "name": name,
        "organization": organization.name,
        "user": identity.login,
        "bucket": identity.bucket,
        "scopes": identity.scopes,
        "expires_at": identity.expires_at,
        "remarks": remarks,
    });
    context.output.answer(&document, || {
        format!(
            "Added the credential {name} to {}; no plan uses it yet: holdfast plan edit PLAN --additional-credentials on --use {name}\n{}",
            organization.name,
            remarks.join("\n")
        )
    });
    Ok(Exit::Complete)
}

async fn list(context: &Context, organization: &str) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    let organization = organization::find(&scoped, organization).await?;
    let credentials = scoped.credentials(organization.id).await?;
    let buckets = context.db().await?.fleet().load_buckets().await?;
    let document: Vec<Value> = credentials
        .iter()
        .map(|credential| shown(credential, &buckets))
        .collect();
    context.output.answer(&document, || {
        let now = context.clock.now();
        let mut table = Table::new([
            "name",
            "user",
            "role",
            "health",
            "reserve",
            "core left",
            "resets",
            "used by",
        ]);
        for credential in &credentials {
            let core = core_reading(&buckets, &credential.bucket, now);
            table.row([
                credential.name.to_string(),
                credential.login.clone(),
                role(credential.role).to_owned(),
                health(&credential.health),
                format!("{} %", credential.reserve_percent),
                core.map_or_else(
                    || "unknown".to_owned(),
                    |one| format!("{} of {}", one.remaining, one.limit),
                ),
                core.map_or_else(String::new, |one| {
                    one.reset_at.format("%H:%M:%S UTC").to_string()
                }),
                joined(&credential.used_by),
            ]);
        }
        table.text("There are no credentials.")
    });
    Ok(Exit::Complete)
}

async fn pause(context: &Context, named: &Named) -> Result<Exit, Error> {
    set_health(context, named, Health::Paused, "Paused").await
}

async fn resume(context: &Context, named: &Named) -> Result<Exit, Error> {
    set_health(context, named, Health::Healthy, "Resumed").await
}

async fn set_health(
    context: &Context,
    named: &Named,
    health: Health,
    done: &str,
) -> Result<Exit, Error> {
    let (scoped, organization, credential) = named_credential(context, named).await?;
    scoped.set_health(credential.id, &health).await?;
    context.output.answer(
        &json!({ "name": credential.name, "health": health }),
        || {
            format!(
                "{done} the credential {} of {}.",
                credential.name, organization.name
            )
        },
    );
    Ok(Exit::Complete)
}

async fn remove(context: &Context, named: &Named) -> Result<Exit, Error> {
    let (scoped, organization, credential) = named_credential(context, named).await?;
    if credential.role == Role::Main {
        return Err(Error::input(format!(
            "{} is the main credential of {}, which cannot be removed: only additional ones can.",
            credential.name, organization.name
        )));
    }
    let plans = scoped
        .remove_credential(credential.id, Leftover::DeleteIfUnused)
        .await?;
    context.output.answer(
        &json!({ "name": credential.name, "removed": true, "plans": plans }),
        || {
            let mut text = format!(
                "Removed the credential {} from {}.",
                credential.name, organization.name
            );
            if !plans.is_empty() {
                text.push_str(" These plans used it: ");
                text.push_str(&joined(&plans));
                text.push('.');
            }
            text
        },
    );
    Ok(Exit::Complete)
}

async fn named_credential(
    context: &Context,
    named: &Named,
) -> Result<(Scoped, Organization, Credential), Error> {
    let scoped = context.scoped().await?;
    let organization = organization::find(&scoped, &named.organization).await?;
    let credentials = scoped.credentials(organization.id).await?;
    let credential = find(&credentials, &named.credential)?.clone();
    Ok((scoped, organization, credential))
}

fn joined(names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    names.join(", ")
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Main => "main",
        Role::Additional => "additional",
    }
}

fn health(health: &Health) -> String {
    match health {
        Health::Healthy => "healthy".to_owned(),
        Health::Paused => "paused".to_owned(),
        Health::Dead { reason } => format!("dead: {reason}"),
    }
}

/// What is known to be left of a bucket's REST requests, while its window lasts.
fn core_reading(buckets: &[BucketRow], key: &BucketKey, now: DateTime<Utc>) -> Option<Reading> {
    buckets
        .iter()
        .filter(|row| row.key == *key && row.resource.0 == "core")
        .find_map(|row| row.reading)
        .filter(|reading| reading.reset_at > now)
}

fn shown(credential: &Credential, buckets: &[BucketRow]) -> Value {
    json!({
        "id": credential.id,
        "name": credential.name,
        "user": credential.login,
        "role": role(credential.role),
        "health": credential.health,
        "reserve_percent": credential.reserve_percent,
        "bucket": credential.bucket,
        "scopes": credential.scopes,
        "expires_at": credential.expires_at,
        "used_by": credential.used_by,
        "quota": buckets
            .iter()
            .filter(|row| row.key == credential.bucket)
            .map(|row| json!({
                "resource": row.resource,
                "reading": row.reading,
                "backoff_until": row.backoff.as_ref().map(|(until, _)| until),
                "backoff_reason": row.backoff.as_ref().map(|(_, reason)| reason),
            }))
            .collect::<Vec<_>>(),
    })
}
