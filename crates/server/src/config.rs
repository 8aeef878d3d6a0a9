//! The only reader of the environment.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use domain::Secret;
use url::Url;

use crate::error::Error;

/// What the environment says.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where Postgres is; it may hold a password.
    pub database_url: Option<Secret>,
    /// Staging, caches and, unless told otherwise, the master key.
    pub data: PathBuf,
    /// Where the key is that seals every secret.
    pub master_key: MasterKey,
    /// Where the web part listens.
    pub listen: SocketAddr,
    /// Where people reach the console, if it is not where the web part listens.
    pub public_url: Option<Url>,
    /// Proxies whose word on a visitor's address counts.
    pub proxies: Vec<IpAddr>,
    /// Hosts that may be spoken to over plain http although they are not this machine.
    pub http_allowed: Vec<String>,
    /// Folders below which tenants may keep snapshots from the console, each in a part of its own.
    pub storage_roots: Vec<PathBuf>,
    /// Fetches that this process works on at once, if the scheduler is not to decide.
    pub concurrency: Option<usize>,
    /// The tenant to act for when a command names none.
    pub tenant: Option<String>,
    /// Which log lines are written.
    pub log: Option<String>,
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum MasterKey {
    /// A file, created on first start.
    File(PathBuf),
    /// The environment itself.
    Given(Secret),
}

impl Config {
    /// Reads the process's own environment.
    #[expect(clippy::disallowed_methods, reason = "the one reader of it")]
    pub fn from_environment() -> Result<Self, Error> {
        Self::read(|name| match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Error::input(format!("{name} is not text: set it anew.")))
            }
        })
    }

    fn read(variable: impl Fn(&str) -> Result<Option<String>, Error>) -> Result<Self, Error> {
        let read = |name: &str| variable(name).map(|value| value.filter(|text| !text.is_empty()));
        let data = read("HOLDFAST_DATA")?.map_or_else(|| "holdfast-data".into(), PathBuf::from);
        let master_key = match read("HOLDFAST_MASTER_KEY")? {
            Some(key) => MasterKey::Given(Secret::new(key)),
            None => MasterKey::File(
                read("HOLDFAST_MASTER_KEY_FILE")?
                    .map_or_else(|| data.join("master.key"), PathBuf::from),
            ),
        };
        let listen = read("HOLDFAST_LISTEN")?.unwrap_or_else(|| "127.0.0.1:8080".into());
        let concurrency = read("HOLDFAST_CONCURRENCY")?;
        Ok(Self {
            database_url: read("DATABASE_URL")?.map(Secret::new),
            master_key,
            listen: listen.parse().map_err(|error| {
                Error::input(format!(
                    "HOLDFAST_LISTEN is \"{listen}\" ({error}): write an address and a port, such as 127.0.0.1:8080."
                ))
            })?,
            public_url: read("HOLDFAST_PUBLIC_URL")?
                .map(|text| public_url(&text))
                .transpose()?,
            proxies: list(read("HOLDFAST_PROXIES")?)
                .map(|text| {
                    text.parse().map_err(|error: std::net::AddrParseError| {
                        Error::input(format!(
                            "HOLDFAST_PROXIES holds \"{text}\" ({error}): write IP addresses, joined by commas."
                        ))
                    })
                })
                .collect::<Result<_, _>>()?,
            http_allowed: list(read("HOLDFAST_ALLOW_HTTP")?).collect(),
            storage_roots: storage_roots(read("HOLDFAST_STORAGE_ROOTS")?, &data)?,
            concurrency: match concurrency {
                None => None,
                Some(text) => match text.parse() {
                    Ok(count) if count > 0 => Some(count),
                    _ => {
                        return Err(Error::input(format!(
                            "HOLDFAST_CONCURRENCY is \"{text}\": write a number of at least 1."
                        )));
                    }
                },
            },
            tenant: read("HOLDFAST_TENANT")?,
            log: read("HOLDFAST_LOG")?,
            data,
        })
    }

    /// The database's address, which every command but `--help` needs.
    pub fn database_url(&self) -> Result<&Secret, Error> {
        self.database_url.as_ref().ok_or_else(|| {
            Error::input("DATABASE_URL is not set: set it to the address of a Postgres database, such as postgres://holdfast@localhost/holdfast.")
        })
    }

    /// Where the master key lies, if it is a file.
    pub fn master_key_file(&self) -> Option<&Path> {
        match &self.master_key {
            MasterKey::File(path) => Some(path),
            MasterKey::Given(_) => None,
        }
    }
}

/// What is joined by commas.
fn list(text: Option<String>) -> impl Iterator<Item = String> {
    text.unwrap_or_default()
        .split(',')
        .map(|one| one.trim().to_owned())
        .filter(|one| !one.is_empty())
        .collect::<Vec<_>>()
        .into_iter()
}

/// Folders joined by commas, or "none"; said nothing, one in the data folder. Workers may have been started elsewhere, so paths are made
/// absolute.
fn storage_roots(text: Option<String>, data: &Path) -> Result<Vec<PathBuf>, Error> {
    let named = match text.as_deref().map(str::trim) {
        Some("none") => Vec::new(),
        Some(_) => list(text).map(PathBuf::from).collect(),
        None => vec![data.join("storages")],
    };
    named
        .into_iter()
        .map(|root| {
            std::path::absolute(&root).map_err(|error| {
                Error::input(format!(
                    "HOLDFAST_STORAGE_ROOTS holds \"{}\" ({error}): write folders, joined by commas, or none.",
                    root.display()
                ))
            })
        })
        .collect()
}

/// An address of a host and nothing else: the console is not served below a path.
fn public_url(text: &str) -> Result<Url, Error> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| {
            Error::input(format!(
                "HOLDFAST_PUBLIC_URL is \"{text}\": write where people reach the console, such as https://backup.example.com."
            ))
        })
}

/// The settings as they may be shown.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self
            .database_url
            .as_ref()
            .map_or_else(|| "none".to_owned(), |url| redacted(url.expose()));
        let key = match &self.master_key {
            MasterKey::File(path) => path.display().to_string(),
            MasterKey::Given(_) => "from the environment".to_owned(),
        };
        write!(
            f,
            "database {database}, data {}, master key {key}, listen {}",
            self.data.display(),
            self.listen
        )?;
        if let Some(url) = &self.public_url {
            write!(f, ", reached as {url}")?;
        }
        if let Some(count) = self.concurrency {
            write!(f, ", concurrency {count}")?;
        }
        if !self.http_allowed.is_empty() {
            write!(
                f,
                ", plain http allowed for {}",
                self.http_allowed.join(", ")
            )?;
        }
        Ok(())
    }
}

/// A database address without its passwords, wherever they stand in it.
fn redacted(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return "set".to_owned();
    };
    if url.password().is_some() && url.set_password(Some("...")).is_err() {
        return "set".to_owned();
    }
    let shown: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !name.contains("password"))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !shown.is_empty() {
        url.query_pairs_mut().extend_pairs(shown);
    }
    url.to_string()
}

#[cfg(test)]
mod tests;
