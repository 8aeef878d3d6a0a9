//! What is to be done: each plan's repositories, and how far each has come.

use crate::draw;
use crate::scenario::Scenario;

/// One plan's repository.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) plan: usize,
    pub(crate) repository: usize,
    pub(crate) size: u32,
    /// Not sent, or to be sent again.
    pub(crate) unsent: u32,
    /// Waiting at the desk.
    pub(crate) waiting: u32,
    pub(crate) in_flight: u32,
    /// The bucket used last.
    pub(crate) last: Option<budget::BucketId>,
}

impl Work {
    /// Requests that are not answered.
    pub(crate) fn left(&self) -> u32 {
        self.unsent + self.waiting + self.in_flight
    }
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Works {
    pub(crate) all: Vec<Work>,
    pub(crate) parallel: u32,
    begun: Vec<bool>,
    /// By plan: repositories that are not done.
    open: Vec<usize>,
}

impl Works {
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let sizes = draw::sizes(scenario);
        let mut all = Vec::new();
        let mut open = vec![0; scenario.plans.len()];
        for (plan, of) in scenario.plans.iter().enumerate() {
            let (from, to) = of.repositories.unwrap_or((0, sizes.len()));
            for (repository, size) in sizes.iter().enumerate().take(to).skip(from) {
                open[plan] += usize::from(*size > 0);
                all.push(Work {
                    plan,
                    repository,
                    size: *size,
                    unsent: *size,
                    waiting: 0,
                    in_flight: 0,
                    last: None,
                });
            }
        }
        Self {
            all,
            parallel: scenario.repositories.parallel,
            begun: vec![false; scenario.plans.len()],
            open,
        }
    }

    pub(crate) fn begin(&mut self, plan: usize) {
        self.begun[plan] = true;
    }

    pub(crate) fn has_begun(&self, work: usize) -> bool {
        self.begun[self.all[work].plan]
    }

    /// A request was served; answers the plan if its repository is done by it.
    pub(crate) fn served(&mut self, work: usize) -> Option<usize> {
        let work = &self.all[work];
        (work.left() == 0).then(|| {
            self.open[work.plan] -= 1;
            work.plan
        })
    }

    pub(crate) fn is_over(&self, plan: usize) -> bool {
        self.open[plan] == 0
    }

    pub(crate) fn has_left(&self, may_be_seen: impl Fn(usize) -> bool) -> bool {
        self.open.iter().any(|open| *open > 0)
            && self
                .all
                .iter()
                .enumerate()
                .any(|(index, work)| work.left() > 0 && may_be_seen(index))
    }

    /// The process died: what waited or was under way is to be sent again.
    pub(crate) fn die(&mut self) {
        for work in &mut self.all {
            work.unsent = work.left();
            work.waiting = 0;
            work.in_flight = 0;
            work.last = None;
        }
    }

    pub(crate) fn done(&self) -> Vec<bool> {
        self.all.iter().map(|work| work.left() == 0).collect()
    }
}
