//! Where the project is, and how cargo is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::environment;
use crate::process;

/// The project's folders.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    metadata: Metadata,
    release: bool,
}

/// This crate's folder, as `cargo run` says it: the program may have been built for another checkout that shares builds.
fn here() -> PathBuf {
    environment::variable("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into())
        .into()
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(here().join("../../Cargo.toml"))
            .exec()
            .context("cargo cannot read the project")?;
        Ok(Self {
            root: metadata.workspace_root.clone().into(),
            target: metadata.target_directory.clone().into(),
            metadata,
            release: false,
        })
    }

    /// The same, built for speed or not.
    pub(crate) fn profile(self, release: bool) -> Self {
        Self { release, ..self }
    }

    /// The top folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where builds go.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Every package and who needs whom.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// A cargo command in the top folder. Queries are checked against `.sqlx`, never against a database that happens to be set.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = environment::variable("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .current_dir(&self.root)
            .env("SQLX_OFFLINE", "true")
            .env_remove("DATABASE_URL");
        command
    }

    /// Builds the programs. Asking for examples too, of which there are none, makes cargo choose the features that the tests
    /// need: what is built here is not built again for them.
    pub(crate) fn build(&self) -> Result<()> {
        let mut command = self.cargo();
        command.args(["build", "--workspace", "--bins", "--examples"]);
        if self.release {
            command.arg("--release");
        }
        process::succeed(&mut command).context("the project does not build")
    }

    /// One of the project's programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let folder = if self.release { "release" } else { "debug" };
        self.target.join(folder).join(name)
    }
}
