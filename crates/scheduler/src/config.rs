//! What the composer of the process decides about its scheduler.

use std::path::PathBuf;
use std::time::Duration;

use domain::WorkerId;
use url::Url;

/// How a scheduler works.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names this process among the workers; new at each start.
    pub worker: WorkerId,
    /// The machine's name, for people.
    pub hostname: String,
    /// Folder for staging and caches. It may be lost: then more is read again.
    pub data: PathBuf,
    /// Repositories that are fetched at once.
    pub concurrency: usize,
    /// How long a request waits for quota before its fetch is parked.
    pub patience: Duration,
    /// How often to look for work although nothing rang.
    pub poll: Duration,
    /// Where people reach the console, if that is known: alerts say so.
    pub console: Option<Url>,
    /// Hosts that may be spoken to over plain http although they are not this machine.
    pub http_allowed: Vec<String>,
    /// The HTTP client's time-outs and names.
    pub http: forge::Options,
}

impl Config {
    /// The usual values, with everything that is kept below `data`.
    pub fn new(data: PathBuf) -> Self {
        Self {
            worker: WorkerId::new(),
            hostname: hostname(),
            data,
            concurrency: 16,
            patience: Duration::from_secs(3),
            poll: Duration::from_secs(3),
            console: None,
            http_allowed: Vec::new(),
            http: forge::Options::default(),
        }
    }
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
