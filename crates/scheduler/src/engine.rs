//! What all tasks of one scheduler share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Clock;
use forge::{Forge, Pool, Sharing};
use store::{Db, Fleet, Sealer};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::alerts::Hooks;
use crate::forecast::Foreseen;
use crate::history::History;
use crate::members::Members;
use crate::running::Running;
use crate::seat::Seat;
use crate::storages::Storages;
use crate::task::{Board, Task};
use crate::tokens::Desk;
use crate::{Config, Error};

/// Rounds of a background task follow one another at least this far apart.
const PAUSE: Duration = Duration::from_millis(500);

/// What all tasks of one scheduler share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) config: Config,
    pub(crate) db: Db,
    pub(crate) fleet: Fleet,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) clock: Clock,
    pub(crate) pool: Pool,
    pub(crate) forge: Forge,
    pub(crate) hooks: Hooks,
    pub(crate) members: Members,
    pub(crate) desk: Desk,
    pub(crate) storages: Storages,
    pub(crate) running: Running,
    pub(crate) history: History,
    pub(crate) foreseen: Foreseen,
    pub(crate) board: Board,
    /// Rung when there may be work.
    pub(crate) rings: Rings,
    /// Whether this worker may be thought dead: it begins nothing.
    fenced: AtomicBool,
    /// Whether a claim may have been made whose answer was lost.
    doubtful: AtomicBool,
    /// This worker's place in its data folder.
    _seat: Seat,
    /// Cancelled by the first signal: nothing is begun any more.
    pub(crate) draining: CancellationToken,
    /// Cancelled when all work has ended: the tasks that support it end too.
    pub(crate) ended: CancellationToken,
}

/// One bell per task, so that a task that is busy does not miss a ring.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rings {
    pub(crate) members: Arc<Notify>,
    pub(crate) runs: Arc<Notify>,
    pub(crate) fetches: Arc<Notify>,
    pub(crate) checks: Arc<Notify>,
    pub(crate) sweep: Arc<Notify>,
    pub(crate) retention: Arc<Notify>,
    pub(crate) held: Arc<Notify>,
    pub(crate) gauges: Arc<Notify>,
    pub(crate) history: Arc<Notify>,
    pub(crate) standings: Arc<Notify>,
    pub(crate) forecast: Arc<Notify>,
    pub(crate) tending: Arc<Notify>,
    pub(crate) trials: Arc<Notify>,
    pub(crate) applications: Arc<Notify>,
    /// Nothing rings it but time: what it raises is announced itself.
    pub(crate) alerts: Arc<Notify>,
    pub(crate) telling: Arc<Notify>,
}

impl Rings {
    /// Rings what an announcement of the store may be about. The sweep, which may be its cause, is not among them.
    pub(crate) fn all(&self) {
        for bell in [
            &self.members,
            &self.runs,
            &self.fetches,
            &self.checks,
            &self.held,
            &self.forecast,
            &self.trials,
            &self.applications,
            &self.telling,
        ] {
            bell.notify_one();
        }
    }
}

impl Engine {
    /// Puts the parts together; nothing is begun yet.
    pub(crate) fn assemble(
        config: Config,
        db: Db,
        sealer: Arc<Sealer>,
        clock: Clock,
        seat: Seat,
    ) -> Result<Arc<Self>, Error> {
        let pool = Pool::new(clock.clone(), Sharing::Shared);
        let forge = Forge::new(pool.clone(), clock.clone(), config.http.clone())?;
        let hooks = Hooks::new(config.http_allowed.clone())?;
        let storages = Storages::new(db.clone(), sealer.clone(), &config.data);
        Ok(Arc::new(Self {
            fleet: db.fleet(),
            members: Members::default(),
            desk: Desk::default(),
            running: Running::default(),
            history: History::default(),
            foreseen: Foreseen::default(),
            board: Board::default(),
            rings: Rings::default(),
            fenced: AtomicBool::new(false),
            doubtful: AtomicBool::new(false),
            _seat: seat,
            draining: CancellationToken::new(),
            ended: CancellationToken::new(),
            config,
            db,
            sealer,
            clock,
            pool,
            forge,
            hooks,
            storages,
        }))
    }

    /// A background task that lives until the work has ended.
    pub(crate) fn task(&self, name: &'static str, every: Duration, ring: &Arc<Notify>) -> Task {
        Task {
            name,
            every,
            pause: PAUSE,
            ring: ring.clone(),
            stop: self.ended.clone(),
            board: self.board.clone(),
            clock: self.clock.clone(),
        }
    }

    /// Whether this worker may be thought dead.
    pub(crate) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::SeqCst)
    }

    /// Notes whether this worker may be thought dead.
    pub(crate) fn set_fenced(&self, fenced: bool) {
        self.fenced.store(fenced, Ordering::SeqCst);
    }

    /// Notes that a claim failed. If the database went away meanwhile, it may have been made without this worker's knowing.
    pub(crate) fn claim_failed(&self, error: &store::Error) {
        if error.is_transient() {
            self.doubt();
        }
    }

    /// Notes that the database may hold a claim of this worker on which nobody works.
    pub(crate) fn doubt(&self) {
        self.doubtful.store(true, Ordering::SeqCst);
    }

    /// Whether the database may hold a claim of this worker on which nobody works; asks once.
    pub(crate) fn take_doubt(&self) -> bool {
        self.doubtful.swap(false, Ordering::SeqCst)
    }

    /// Waits for a ring, for the next look, or for the end.
    pub(crate) async fn idle(&self, ring: &Notify) {
        tokio::select! {
            () = self.draining.cancelled() => {}
            () = ring.notified() => {}
            () = tokio::time::sleep(self.config.poll) => {}
        }
    }
}
