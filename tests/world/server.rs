//! `holdfast serve` as a process of its own, which tests kill and start again.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::World;
use super::command;
use super::log::Log;

/// What the server logs when it is ready.
const READY: &str = "Serving on http://";

/// What the server logs before the code.
const SET_UP_CODE: &str = "enter the code ";

/// How long an orderly end may take.
const DRAIN: Duration = Duration::from_mins(1);

/// Runs a command in a mount namespace of its own, where a folder is a file system of a few megabytes.
const WITH_SMALL_FOLDER: &str = r#"mount -t tmpfs -o size=6m tmpfs "$1" && shift && exec "$@""#;

pub(crate) struct Server {
    child: Child,
}

impl Server {
    async fn start(environment: &[(&str, &str)], small: Option<&Path>, log: &Log) -> Self {
        let from = log.text().len();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log.path())
            .unwrap();
        let mut child = match small {
            None => command::call(environment, &["serve"]),
            Some(folder) => in_small_folder(environment, folder),
        };
        let child = child.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        log.until(from, READY).await;
        Self { child }
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks for an orderly end, and insists on it.
    async fn stop(mut self) {
        let id = self.child.id().expect("the server ended by itself");
        let process = Pid::from_raw(id.try_into().unwrap()).unwrap();
        kill_process(process, Signal::TERM).unwrap();
        let status = tokio::time::timeout(DRAIN, self.child.wait())
            .await
            .expect("the server does not end")
            .unwrap();
        assert!(status.success(), "the server ended with {status}");
    }
}

impl World {
    pub(crate) async fn serve(&self) {
        let environment = self.environment();
        let environment: Vec<(&str, &str)> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let server = Server::start(&environment, self.small_storage.as_deref(), &self.log).await;
        assert!(
            self.server.lock().await.replace(server).is_none(),
            "two servers in one world"
        );
    }

    /// Where the pages are.
    pub(crate) fn console(&self) -> String {
        let address = self.log.after(READY).expect("nothing serves");
        format!("http://{}", address.trim_end_matches('.'))
    }

    /// What the set-up page asks for; nothing once somebody is set up.
    pub(crate) fn set_up_code(&self) -> Option<String> {
        let code = self.log.after(SET_UP_CODE)?;
        Some(code.trim_end_matches('.').to_owned())
    }

    /// `kill -9`.
    pub(crate) async fn kill(&self) {
        let server = self.server.lock().await.take().expect("no server to kill");
        server.kill().await;
    }

    pub(crate) async fn stop(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.stop().await;
        }
    }
}

fn in_small_folder(environment: &[(&str, &str)], folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::getuid().is_root() {
        command.arg("--map-root-user");
    }
    command
        .args(["--mount", "sh", "-c", WITH_SMALL_FOLDER, "sh"])
        .arg(folder)
        .arg(command::holdfast())
        .arg("serve")
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap_or_default())
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}
