//! What all listeners share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use crate::chaos::FaultBook;
use crate::clock::Clock;
use crate::quota::{Ledger, Limits};
use crate::statistics::Statistics;
use crate::world::World;

/// The simulator: a world, the counters around it, and how to answer.
#[derive(Debug)]
pub(crate) struct Simulator {
    pub(crate) world: RwLock<World>,
    pub(crate) clock: Clock,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) faults: Mutex<FaultBook>,
    pub(crate) statistics: Mutex<Statistics>,
    pub(crate) in_flight: AtomicUsize,
    pub(crate) last_request: AtomicU64,
    /// Rung when there is a message for a hook.
    pub(crate) mail: tokio::sync::Notify,
    pub(crate) settings: Settings,
}

/// What does not change after the start.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) limits: Limits,
    pub(crate) latency: Duration,
    pub(crate) opaque_etags: bool,
    pub(crate) cursor_issues_above: usize,
    /// Where new repositories are made.
    pub(crate) root: PathBuf,
    /// The port of the host that serves signed downloads.
    pub(crate) download_port: u16,
    /// What download signatures are made with.
    pub(crate) signing_key: [u8; 16],
}
