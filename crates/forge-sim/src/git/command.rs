//! Runs stock git without the machine's or the user's configuration.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::Error;

/// Variables of a surrounding git that must not leak in: the simulator may be started from a hook.
const FOREIGN: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
    "GIT_CONFIG_PARAMETERS",
];

/// What every git process of the simulator is told, whether it writes or serves.
const CONFIGURATION: [(&str, &str); 10] = [
    ("safe.directory", "*"),
    ("core.fsync", "none"),
    ("gc.auto", "0"),
    ("fastimport.unpackLimit", "1"),
    // Who may push is decided before git is asked.
    ("http.receivepack", "true"),
    ("uploadpack.allowFilter", "true"),
    ("uploadpack.allowTipSHA1InWant", "true"),
    ("uploadpack.allowReachableSHA1InWant", "true"),
    ("transfer.hideRefs", super::refs::HIDDEN[0]),
    ("transfer.hideRefs", super::refs::HIDDEN[1]),
];

/// The environment that isolates a git process.
pub(super) fn environment() -> Vec<(String, String)> {
    let mut environment = vec![
        ("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()),
        ("GIT_CONFIG_GLOBAL".to_owned(), "/dev/null".to_owned()),
        ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned()),
        ("TZ".to_owned(), "UTC".to_owned()),
        (
            "GIT_CONFIG_COUNT".to_owned(),
            CONFIGURATION.len().to_string(),
        ),
    ];
    for (index, (key, value)) in CONFIGURATION.iter().enumerate() {
        environment.push((format!("GIT_CONFIG_KEY_{index}"), (*key).to_owned()));
        environment.push((format!("GIT_CONFIG_VALUE_{index}"), (*value).to_owned()));
    }
    environment
}

/// Names of variables to take away from the process's own environment.
pub(super) fn foreign() -> &'static [&'static str] {
    &FOREIGN
}

/// Feeds `input` to a git command on the repository `git` and waits for it.
pub(super) fn run(git: &Path, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |message: String| Error::Git {
        command: arguments.first().copied().unwrap_or_default().to_owned(),
        message,
    };
    let mut command = Command::new("git");
    command
        .arg("--git-dir")
        .arg(git)
        .args(arguments)
        .envs(environment());
    for name in foreign() {
        command.env_remove(name);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(input)
            .map_err(|error| failed(error.to_string()))?;
    }
    let output = child
        .wait_with_output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(failed(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ))
    }
}
