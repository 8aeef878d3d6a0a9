//! A database of its own for one task, and statements for it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Binaries;

/// An empty database that goes with this value.
#[derive(Debug)]
pub(crate) struct Scratch {
    psql: PathBuf,
    server: String,
    name: String,
    url: String,
}

impl Scratch {
    /// Beside the one that the address names.
    pub(super) fn create(server: &str, purpose: &str) -> Result<Self> {
        let name = format!("holdfast_{purpose}_{:08x}", fastrand::u32(..));
        let scratch = Self {
            psql: Binaries::find()?.psql()?,
            server: server.to_owned(),
            url: with_database(server, &name)?,
            name,
        };
        scratch.send(server, &format!("CREATE DATABASE {}", scratch.name))?;
        Ok(scratch)
    }

    /// Where to connect.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Runs statements and answers what they select, a row per line, columns apart by `|`.
    pub(crate) fn say(&self, statements: &str) -> Result<String> {
        self.send(&self.url, statements)
    }

    fn send(&self, url: &str, statements: &str) -> Result<String> {
        let mut child = Command::new(&self.psql)
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set", "ON_ERROR_STOP=1", "--dbname", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("psql could not be started")?;
        child
            .stdin
            .take()
            .context("psql does not listen")?
            .write_all(statements.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!(
                "psql ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Err(error) = self.send(&self.server, &statement) {
            eprintln!("The database {} is left behind: {error:#}", self.name);
        }
    }
}

/// Puts another database name into a Postgres URL, keeping host, user and parameters.
fn with_database(url: &str, name: &str) -> Result<String> {
    let (scheme, rest) = url.split_once("://").context("DATABASE_URL is no URL")?;
    let (address, parameters) = match rest.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (rest, String::new()),
    };
    let authority = address.split('/').next().unwrap_or_default();
    Ok(format!("{scheme}://{authority}/{name}{parameters}"))
}
