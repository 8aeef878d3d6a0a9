//! Applications on hosts, which tenants install or authorize.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{ForgeKind, Host, Login, Slot};
use serde_json::{Value, json};
use store::{Actor, Application, ApplicationKeys, ApplicationState, NewApplication};

use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Table;
use crate::secret_file;

/// What can be done about applications.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add an application that exists on a host, with its keys.
    Add(Box<Add>),
    /// List the applications, with what their hosts last said of them.
    List,
}

/// An application to add.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The host: github.com, or the address of an Enterprise Server.
    #[arg(long, value_name = "URL")]
    host: String,
    /// What it is for: main, write, oauth, or 1 to 10.
    #[arg(long, value_name = "SLOT")]
    slot: String,
    /// The organization of the host that owns it.
    #[arg(long, value_name = "LOGIN")]
    owner: Option<String>,
    /// Its number on the host; not for an OAuth app.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    app_id: Option<i64>,
    /// What it calls itself in OAuth.
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// A file with its client secret and nothing else.
    #[arg(long, value_name = "FILE")]
    client_secret_file: PathBuf,
    /// Its name in the address of its page; not for an OAuth app.
    #[arg(long)]
    slug: Option<String>,
    /// A file with its private key, PEM; not for an OAuth app.
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,
    /// A file with its webhook secret and nothing else.
    #[arg(long, value_name = "FILE")]
    webhook_secret_file: Option<PathBuf>,
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Add(add) => self::add(context, &add).await,
        Command::List => list(context).await,
    }
}

async fn add(context: &Context, add: &Add) -> Result<Exit, Error> {
    let host = Host::parse(ForgeKind::GitHub, &add.host, &context.config.http_allowed)?;
    let slot: Slot = add.slot.parse().map_err(|_unknown: domain::Invalid| {
        Error::input(format!(
            "{:?} is no slot: write main, write, oauth, or a number from 1 to {}.",
            add.slot,
            Slot::MOST
        ))
    })?;
    let owner: Option<Login> = add.owner.as_deref().map(str::parse).transpose()?;
    let new = NewApplication {
        host,
        slot,
        owner: owner.map(|owner| owner.to_string()),
    };
    let keys = keys(add, slot)?;
    let fleet = context.db().await?.fleet().acting(Actor::command_line());
    // The first question to a database, which may not have been set up yet.
    context.tenants(&fleet).await?;
    let added = fleet
        .add_application(&context.sealer()?, &new, &keys)
        .await
        .map_err(|error| match error {
            taken @ store::Error::SlotTaken { .. } => Error::input(taken.to_string()),
            other => other.into(),
        })?;
    let document = json!({
        "id": added,
        "host": new.host.to_string(),
        "slot": slot,
        "client_id": keys.client_id,
        "callback": "/github/callback",
        "hook": format!("/hooks/github/{added}"),
    });
    context.output.answer(&document, || {
        format!(
            "Added {} of {}. On the host, its callback URL is /github/callback below the console's address{}.",
            slot.label(),
            new.host.authority(),
            if slot.is_app() {
                format!(", and its webhook URL /hooks/github/{added}")
            } else {
                String::new()
            }
        )
    });
    Ok(Exit::Complete)
}

/// The keys, from their files: a GitHub App has more of them than an OAuth app.
fn keys(add: &Add, slot: Slot) -> Result<ApplicationKeys, Error> {
    let client_secret = secret_file::read(&add.client_secret_file, "client secret")?;
    if !slot.is_app() {
        return Ok(ApplicationKeys {
            app_id: None,
            client_id: add.client_id.clone(),
            slug: None,
            client_secret,
            private_key: None,
            webhook_secret: None,
        });
    }
    let missing = |option: &str| {
        Error::input(format!(
            "{} needs {option}: its page on the host shows what to give.",
            slot.label()
        ))
    };
    let private_key = add
        .private_key_file
        .as_deref()
        .ok_or_else(|| missing("--private-key-file"))?;
    Ok(ApplicationKeys {
        app_id: Some(add.app_id.ok_or_else(|| missing("--app-id"))?),
        client_id: add.client_id.clone(),
        slug: Some(add.slug.clone().ok_or_else(|| missing("--slug"))?),
        client_secret,
        private_key: Some(secret_file::read_pem(private_key, "private key")?),
        webhook_secret: add
            .webhook_secret_file
            .as_deref()
            .map(|file| secret_file::read(file, "webhook secret"))
            .transpose()?,
    })
}

async fn list(context: &Context) -> Result<Exit, Error> {
    let fleet = context.db().await?.fleet();
    context.tenants(&fleet).await?;
    let applications = fleet.applications().await?;
    let document: Vec<Value> = applications.iter().map(shown).collect();
    context.output.answer(&document, || {
        let mut table = Table::new(["application", "host", "slug", "state", "installations"]);
        for one in &applications {
            table.row([
                one.slot.label(),
                one.host.to_string(),
                one.slug.clone().unwrap_or_default(),
                state(one),
                one.installation_count
                    .map(|count| count.to_string())
                    .unwrap_or_default(),
            ]);
        }
        table.text(
            "There are no applications: add one with holdfast application add, or in the console.",
        )
    });
    Ok(Exit::Complete)
}

/// How it stands, in the words of the host if it has any against it.
fn state(application: &Application) -> String {
    match (&application.state, &application.answer) {
        (ApplicationState::Asked | ApplicationState::Converting, _) => "not made yet".to_owned(),
        (ApplicationState::Refused(sentence), _) | (ApplicationState::Ready, Some(sentence)) => {
            sentence.clone()
        }
        (ApplicationState::Ready, None) if application.answered_at.is_some() => "ready".to_owned(),
        (ApplicationState::Ready, None) => "not looked at yet".to_owned(),
    }
}

fn shown(application: &Application) -> Value {
    json!({
        "id": application.id,
        "host": application.host.to_string(),
        "slot": application.slot,
        "owner": application.owner,
        "app_id": application.app_id,
        "client_id": application.client_id,
        "slug": application.slug,
        "permissions": application.permissions,
        "state": state(application),
        "installations": application.installation_count,
        "credentials": application.credential_count,
        "answered_at": application.answered_at,
    })
}
