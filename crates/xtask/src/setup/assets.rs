//! What the tests compare with and drive: published descriptions and recorded answers of GitHub, clients that others
//! wrote, and the driver of the browser.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{apt, tools};
use crate::environment;
use crate::process;

/// npm packages. Debian 12 has Node 18: octokit 5 and playwright-core 1.62 ask for 20.
const NPM: [(&str, &str); 7] = [
    ("@octokit/openapi", "23.0.2"),
    ("@octokit/graphql-schema", "15.26.1"),
    ("@octokit/fixtures", "23.1.2"),
    ("octokit", "4.1.4"),
    ("@gitbeaker/rest", "43.8.0"),
    ("playwright-core", "1.61.1"),
    ("axe-core", "4.14.1"),
];

/// Python packages, each with the folder it goes into: they need different versions of what they share.
const PYTHON: [(&str, &str, &str); 3] = [
    ("python", "PyGithub", "2.10.0"),
    ("python-gitlab", "python-gitlab", "8.6.0"),
    ("python-backup", "github-backup", "0.65.1"),
];

/// Fetches what is missing and answers the folder: `npm/node_modules/…`, and one for each Python package.
pub(crate) fn prepare() -> Result<PathBuf> {
    let folder = environment::cache_folder().join("assets");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be created", folder.display()))?;
    // Two checkouts may be tested at once.
    let lock = File::create(folder.join("lock"))?;
    lock.lock()?;
    npm(&folder)?;
    for (name, package, version) in PYTHON {
        python(&folder.join(name), package, version)?;
    }
    Ok(folder)
}

fn npm(folder: &Path) -> Result<()> {
    let prefix = folder.join("npm");
    if NPM
        .iter()
        .all(|(package, version)| npm_holds(&prefix, package, version))
    {
        return Ok(());
    }
    if tools::find("npm").is_none() {
        apt::install(&["nodejs", "npm"])?;
    }
    std::fs::create_dir_all(&prefix)?;
    eprintln!("Fetching what GitHub publishes for tests, and the browser's driver.");
    process::output(
        Command::new("npm")
            .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--no-save", "--loglevel=error", "--prefix"])
            .arg(&prefix)
            .args(NPM.map(|(package, version)| format!("{package}@{version}"))),
    )
    .context("the npm packages that the tests need could not be fetched")?;
    for (package, version) in NPM {
        if !npm_holds(&prefix, package, version) {
            bail!("npm did not install {package} {version}");
        }
    }
    Ok(())
}

fn npm_holds(prefix: &Path, package: &str, version: &str) -> bool {
    let manifest = prefix
        .join("node_modules")
        .join(package)
        .join("package.json");
    std::fs::read(manifest)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
        .is_some_and(|manifest| {
            manifest
                .get("version")
                .is_some_and(|found| found == version)
        })
}

fn python(folder: &Path, package: &str, version: &str) -> Result<()> {
    if python_holds(folder, package, version) {
        return Ok(());
    }
    let python = tools::require("python3", "python3")?;
    let has_pip = Command::new(&python)
        .args(["-m", "pip", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !has_pip {
        apt::install(&["python3-pip"])?;
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    eprintln!("Fetching {package} {version}.");
    process::output(
        Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--no-input"])
            .args(["--disable-pip-version-check", "--target"])
            .arg(folder)
            .arg(format!("{package}=={version}")),
    )
    .with_context(|| format!("{package} could not be fetched"))?;
    if !python_holds(folder, package, version) {
        bail!("pip did not install {package} {version}");
    }
    Ok(())
}

fn python_holds(folder: &Path, package: &str, version: &str) -> bool {
    let wanted = format!("{package}-{version}.dist-info")
        .replace('-', "_")
        .to_lowercase();
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .replace('-', "_")
                .to_lowercase()
                == wanted
        })
}
