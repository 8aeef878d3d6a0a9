//! python-github-backup, unmodified: it insists on TLS, so it is given the simulator's certificate.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::scene::{ORGANIZATION, Scene};
use super::table::Measured;
use crate::files;
use crate::simulator::Simulator;
use crate::workspace::Workspace;

/// How much it is asked to keep.
#[derive(Debug, Clone, Copy)]
pub(super) enum Extent {
    /// All that it can, timelines and events of issues among it.
    All,
    /// What Holdfast keeps too.
    Same,
}

impl Extent {
    pub(super) const BOTH: [Self; 2] = [Self::All, Self::Same];

    /// The name of its row.
    pub(super) fn row(self) -> &'static str {
        match self {
            Self::All => "python-github-backup",
            Self::Same => "the same, our kinds only",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::All => "theirs-all",
            Self::Same => "theirs-same",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::All => &["--all"],
            Self::Same => &[
                "--repositories",
                "--wikis",
                "--issues",
                "--issue-comments",
                "--pulls",
                "--pull-comments",
                "--pull-reviews",
                "--labels",
                "--milestones",
                "--releases",
                "--assets",
            ],
        }
    }
}

/// A backup by it, and a host of its own, so that nobody spends what the other may.
pub(super) struct Theirs<'a> {
    extent: Extent,
    assets: &'a Path,
    folder: PathBuf,
    simulator: Simulator,
}

impl<'a> Theirs<'a> {
    /// Starts its host; nothing is run yet.
    pub(super) fn start(
        extent: Extent,
        scene: &Scene,
        workspace: &Workspace,
        assets: &'a Path,
        folder: &Path,
    ) -> Result<Self> {
        let folder = folder.join(extent.folder());
        std::fs::create_dir(&folder)?;
        Ok(Self {
            extent,
            assets,
            simulator: scene.start(workspace, &folder)?,
            folder,
        })
    }

    /// Its host.
    pub(super) fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// One incremental run, an hour after the one before: it would not survive a secondary limit.
    pub(super) fn measure(&self) -> Result<Measured> {
        let package = self.assets.join("python-backup");
        let secure = self.simulator.secure()?;
        let host = secure
            .web
            .strip_prefix("https://")
            .context("the second listener does not speak TLS")?;
        let user = self.simulator.users().first().context("there is no user")?;
        let kept = self.folder.join("kept");
        let log_file = self.folder.join("log");
        let log = std::fs::File::create(&log_file)?;
        self.simulator.advance(3600)?;
        self.simulator.reset_statistics()?;
        let start = Instant::now();
        let status = Command::new("python3")
            .arg(package.join("bin/github-backup"))
            .arg(ORGANIZATION)
            .args(["--organization", "--private", "--bare", "--incremental"])
            .args(["--github-host", host])
            .args(self.extent.arguments())
            .arg("--token")
            .arg(format!("file://{}", user.token_file.display()))
            .arg("--output-directory")
            .arg(&kept)
            .env("PYTHONPATH", &package)
            .env("SSL_CERT_FILE", &secure.certificate)
            .env("GIT_SSL_CAINFO", &secure.certificate)
            .env("HOME", &self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()
            .context("python3 could not be started")?;
        let seconds = start.elapsed().as_secs_f64();
        if !status.success() {
            let log = std::fs::read_to_string(log_file)?;
            let tail: Vec<&str> = log.lines().rev().take(5).collect();
            bail!("github-backup ended with {status}: {}", tail.join(" / "));
        }
        let statistics = self.simulator.statistics()?;
        Ok(Measured::of(&statistics, seconds, files::size(&kept)?))
    }
}
