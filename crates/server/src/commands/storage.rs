//! Places that keep snapshots.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use domain::{Place, Secret};
use serde_json::{Value, json};
use store::{Act, NewStorage, Storage};

use super::organization;
use crate::context::{Context, new_name};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Table;
use crate::secret_file;

/// What can be done about storages.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a storage.
    Add {
        /// What to call it.
        name: String,
        #[command(subcommand)]
        kind: Kind,
    },
    /// List the storages.
    List,
    /// Remove a storage that no plan uses and that holds no snapshots; the place itself is not touched.
    Remove {
        /// The storage.
        name: String,
    },
    /// What the restic command needs to read an organization's snapshots without Holdfast.
    Password {
        /// The organization.
        organization: String,
        /// Print the password: whoever has it can read every snapshot.
        #[arg(long)]
        show: bool,
    },
}

/// What a storage is.
#[derive(Debug, Subcommand)]
pub(crate) enum Kind {
    /// A folder that every worker sees under the same path.
    Local {
        /// The folder; created if need be.
        path: PathBuf,
    },
    /// A bucket of an S3-compatible service.
    S3(S3),
}

/// A bucket.
#[derive(Debug, Args)]
pub(crate) struct S3 {
    /// The bucket, which must exist.
    #[arg(long)]
    bucket: String,
    /// The service's address [default: Amazon's own].
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// The region.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// A path inside the bucket.
    #[arg(long, default_value = "")]
    prefix: String,
    /// A file with the id of the access key and nothing else.
    #[arg(long, value_name = "FILE")]
    access_key_file: PathBuf,
    /// A file with the secret access key and nothing else.
    #[arg(long, value_name = "FILE")]
    secret_key_file: PathBuf,
    /// Speak plain http to the endpoint; what is sent is encrypted already, but can be deleted by whoever listens.
    #[arg(long)]
    allow_http: bool,
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Add { name, kind } => add(context, &name, kind).await,
        Command::List => list(context).await,
        Command::Remove { name } => remove(context, &name).await,
        Command::Password { organization, show } => password(context, &organization, show).await,
    }
}

async fn add(context: &Context, name: &str, kind: Kind) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    let known = scoped.storages().await?;
    let name = new_name("storage", name, known.iter().map(|one| one.name.as_str()))?;
    let (place, secret) = match kind {
        Kind::Local { path } => (local(&path)?, None),
        Kind::S3(s3) => bucket(s3)?,
    };
    let location = serde_json::to_value(&place)
        .map_err(|error| Error::Failed(format!("The address cannot be written: {error}.")))?;
    let new = NewStorage {
        name,
        location,
        secret,
    };
    let storage = scoped.add_storage(&context.sealer()?, new).await?;
    context.output.answer(&shown(&storage), || {
        format!("Added the storage {}.", storage.name)
    });
    Ok(Exit::Complete)
}

/// A folder must be absolute, because workers may have been started elsewhere, and it must take files.
fn local(path: &Path) -> Result<Place, Error> {
    let refuse = |error: std::io::Error| {
        Error::input(format!(
            "Nothing can be kept in {} ({error}): name a folder that Holdfast may create or write to.",
            path.display()
        ))
    };
    let path = std::path::absolute(path).map_err(refuse)?;
    std::fs::create_dir_all(&path).map_err(refuse)?;
    let probe = path.join(".holdfast-probe");
    std::fs::write(&probe, b"").map_err(refuse)?;
    std::fs::remove_file(&probe).map_err(refuse)?;
    Ok(Place::Local { path })
}

fn bucket(s3: S3) -> Result<(Place, Option<Secret>), Error> {
    if let Some(endpoint) = &s3.endpoint {
        let is_https = endpoint.starts_with("https://");
        if !is_https && !endpoint.starts_with("http://") {
            return Err(Error::input(format!(
                "\"{endpoint}\" is not the address of a service: write it as https://s3.example.com."
            )));
        }
        if !is_https && !s3.allow_http {
            return Err(Error::input(format!(
                "{endpoint} is plain http: use https, or add --allow-http if the network is yours alone."
            )));
        }
    }
    let access_key_id = secret_file::read(&s3.access_key_file, "access key")?;
    let secret_key = secret_file::read(&s3.secret_key_file, "secret key")?;
    let place = Place::S3 {
        endpoint: s3.endpoint.map(|url| url.trim_end_matches('/').to_owned()),
        region: s3.region,
        bucket: s3.bucket,
        prefix: s3.prefix.trim_matches('/').to_owned(),
        access_key_id: access_key_id.expose().to_owned(),
        allow_http: s3.allow_http,
    };
    Ok((place, Some(secret_key)))
}

async fn list(context: &Context) -> Result<Exit, Error> {
    let storages = context.scoped().await?.storages().await?;
    let document: Vec<Value> = storages.iter().map(shown).collect();
    context.output.answer(&document, || {
        let mut table = Table::new(["name", "kind", "address"]);
        for storage in &storages {
            let (kind, address) = place_of(storage)
                .map(|place| (place.kind(), place.restic_address("")))
                .unwrap_or_default();
            table.row([storage.name.to_string(), kind.to_owned(), address]);
        }
        table.text("There are no storages: add one with holdfast storage add NAME local PATH.")
    });
    Ok(Exit::Complete)
}

async fn remove(context: &Context, name: &str) -> Result<Exit, Error> {
    let scoped = context.scoped().await?;
    let storage = scoped.storage_by_name(name).await?.ok_or_else(|| {
        Error::input(format!(
            "There is no storage \"{name}\": see holdfast storage list."
        ))
    })?;
    scoped.remove_storage(storage.id).await?;
    context
        .output
        .answer(&json!({ "removed": storage.name }), || {
            format!("Removed the storage {}.", storage.name)
        });
    Ok(Exit::Complete)
}

async fn password(context: &Context, organization: &str, show: bool) -> Result<Exit, Error> {
    if !show {
        return Err(Error::input(
            "The password opens every snapshot of the organization: add --show if nobody looks over your shoulder.",
        ));
    }
    let scoped = context.scoped().await?;
    let organization = organization::find(&scoped, organization).await?;
    let sealer = context.sealer()?;
    let mut found = Vec::new();
    for storage in scoped.storages().await? {
        let Some(repository) = scoped
            .storage_repository(organization.id, storage.id)
            .await?
        else {
            continue;
        };
        let password = scoped.open_secret(&sealer, repository.password).await?;
        let address = place_of(&storage)
            .map(|place| place.restic_address(&repository.prefix))
            .unwrap_or_default();
        found.push((storage.name.to_string(), address, password));
    }
    if found.is_empty() {
        return Err(Error::input(format!(
            "Nothing of {} is stored yet: run a plan first.",
            organization.name
        )));
    }
    scoped
        .record(Act {
            action: "storage.show_password",
            subject: (
                "organization",
                organization.id.0,
                organization.name.as_str(),
            ),
            before: None,
            after: None,
        })
        .await?;
    let document: Vec<Value> = found
        .iter()
        .map(|(storage, address, password)| {
            json!({
                "storage": storage,
                "RESTIC_REPOSITORY": address,
                "RESTIC_PASSWORD": password.expose(),
            })
        })
        .collect();
    context.output.answer(&document, || {
        let lines: Vec<String> = found
            .iter()
            .flat_map(|(_, address, password)| {
                [
                    format!("RESTIC_REPOSITORY={address}"),
                    format!("RESTIC_PASSWORD={}", password.expose()),
                ]
            })
            .collect();
        lines.join(
            "
",
        )
    });
    Ok(Exit::Complete)
}

pub(crate) fn place_of(storage: &Storage) -> Option<Place> {
    serde_json::from_value(storage.location.clone()).ok()
}

fn shown(storage: &Storage) -> Value {
    json!({
        "id": storage.id,
        "name": storage.name,
        "location": storage.location,
    })
}
