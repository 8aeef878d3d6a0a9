//! Connections to hosts.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{CredentialKind, ForgeKind, Host, Login, Name, Role};
use serde_json::{Value, json};
use store::{NewCredential, NewOrganization, Organization, Scoped, TokenSource};

use super::identify::{Candidate, note_host, remarks};
use crate::context::{Context, new_name};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Table;

/// What can be done about organizations.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register an organization with its main credential.
    Add(Add),
    /// List the organizations.
    List,
}

/// A connection to register.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What the host runs: github or gitlab.
    #[arg(long, default_value = "github", value_name = "KIND")]
    kind: String,
    /// The host: github.com, gitlab.com, or the address of your own, with or without /api/v3 or /api/v4.
    #[arg(long, value_name = "URL")]
    host: String,
    /// What to call the organization here.
    #[arg(long)]
    name: String,
    /// The user whose token it is.
    #[arg(long)]
    user: String,
    /// A file with a token of that user and nothing else: of GitHub a classic one, of GitLab any access token.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// An account whose repositories belong to it, on GitLab a group or the token's user; may be given several times [default: the one called like the organization].
    #[arg(long = "account", value_name = "LOGIN")]
    accounts: Vec<String>,
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Add(add) => self::add(context, add).await,
        Command::List => list(context).await,
    }
}

/// The organization of that name.
pub(crate) async fn find(scoped: &Scoped, name: &str) -> Result<Organization, Error> {
    if let Some(found) = scoped.organization_by_name(name).await? {
        return Ok(found);
    }
    let known = scoped.organizations().await?;
    Err(Error::unknown(
        "organization",
        name,
        known.iter().map(|one| one.name.as_str()),
    ))
}

async fn add(context: &Context, add: Add) -> Result<Exit, Error> {
    let kind: ForgeKind = add.kind.parse()?;
    let host = Host::parse(kind, &add.host, &context.config.http_allowed)?;
    let scoped = context.scoped().await?;
    let known = scoped.organizations().await?;
    let name = new_name(
        "organization",
        &add.name,
        known.iter().map(|one| one.name.as_str()),
    )?;
    let candidate = Candidate::read(context, &host, &add.token_file).await?;
    let tried = candidate.ask(&add.user).await?;
    let wanted = wanted(&add)?;
    let accounts = candidate
        .trial()
        .accounts(&wanted, tried.memberships.as_ref())
        .await
        .map_err(|stopped| candidate.refused(stopped))?;
    note_host(context, &tried).await?;
    let reserve_percent = tried.reserve_percent(Role::Main, CredentialKind::AccessToken);
    let token = candidate.token;
    let identity = tried.owner;
    let credential: Name = identity.login.parse()?;
    let organization = scoped
        .add_organization(
            &context.sealer()?,
            NewOrganization {
                name,
                host: host.clone(),
                accounts,
            },
            NewCredential {
                name: credential,
                login: identity.login.clone(),
                role: Role::Main,
                kind: CredentialKind::AccessToken,
                bucket: identity.bucket.clone(),
                reserve_percent,
                token: TokenSource::New(token),
                scopes: identity.scopes.clone(),
                expires_at: identity.expires_at,
            },
        )
        .await?;
    let remarks = remarks(context, host.kind(), &identity);
    let document = json!({ "organization": shown(&organization), "remarks": remarks });
    context.output.answer(&document, || {
        let logins: Vec<&str> = logins(&organization);
        let mut text = format!(
            "Added the organization {} on {} with {}; its main credential is {}.",
            organization.name,
            organization.host,
            logins.join(", "),
            identity.login
        );
        for remark in &remarks {
            text.push('\n');
            text.push_str(remark);
        }
        text
    });
    Ok(Exit::Complete)
}

/// The accounts that were named, or the one called like the organization.
fn wanted(add: &Add) -> Result<Vec<Login>, Error> {
    let named = if add.accounts.is_empty() {
        std::slice::from_ref(&add.name)
    } else {
        &add.accounts
    };
    named.iter().map(|login| Ok(login.parse()?)).collect()
}

async fn list(context: &Context) -> Result<Exit, Error> {
    let organizations = context.scoped().await?.organizations().await?;
    let document: Vec<Value> = organizations.iter().map(shown).collect();
    context.output.answer(&document, || {
        let mut table = Table::new(["name", "kind", "host", "accounts"]);
        for organization in &organizations {
            table.row([
                organization.name.to_string(),
                organization.host.kind().as_str().to_owned(),
                organization.host.to_string(),
                logins(organization).join(", "),
            ]);
        }
        table.text("There are no organizations: add one with holdfast organization add.")
    });
    Ok(Exit::Complete)
}

fn logins(organization: &Organization) -> Vec<&str> {
    organization
        .accounts
        .iter()
        .map(|account| account.login.as_str())
        .collect()
}

fn shown(organization: &Organization) -> Value {
    json!({
        "id": organization.id,
        "name": organization.name,
        "kind": organization.host.kind(),
        "host": organization.host.to_string(),
        "accounts": logins(organization),
    })
}
