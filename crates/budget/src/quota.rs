//! What is known of the running window of one budget.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Reading;

use super::terms::Terms;
use super::untold::Untold;

/// A client that wakes exactly at the reset is still limited (ghuser-io/db#2); Octokit waits a second longer too.
const GRACE: TimeDelta = TimeDelta::seconds(1);

/// A second window that this many answers did not speak of has gone.
const FORGOTTEN_AFTER: u8 = 40;

/// One window that the host spoke of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// The least that was heard to be left, and the latest end.
    pub(super) reading: Reading,
    /// The earliest end that was heard.
    earliest: DateTime<Utc>,
}

/// Knowledge of one budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing was heard in this window.
    Unknown {
        /// What was heard in the last one.
        last: Option<Reading>,
    },
    /// The host said so.
    Known {
        /// The window that was heard of last.
        window: Window,
        /// One token was seen to have two windows that answers speak of in turn (wimpysworld/deb-get#1680): the other one, and
        /// how many answers since have not spoken of it.
        twin: Option<(Window, u8)>,
        /// Whether it was heard since the start; stored knowledge may be stale.
        confirmed: bool,
    },
    /// The host limits, perhaps, and does not tell.
    Untold(Untold),
    /// The host says that it does not count this budget.
    Unlimited,
}

/// Knowledge of one budget, and how far its host's idea of a window's end wanders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    pub(super) state: State,
    wobble: TimeDelta,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            state: State::Unknown { last: None },
            wobble: TimeDelta::zero(),
        }
    }
}

/// When a window that is said to end at an instant is over for certain.
pub(super) fn over_at(reset_at: DateTime<Utc>) -> DateTime<Utc> {
    reset_at + GRACE
}

impl Window {
    fn of(reading: Reading) -> Self {
        Self {
            reading,
            earliest: reading.reset_at,
        }
    }

    fn is_same(&self, heard: Reading, terms: &Terms) -> bool {
        (self.reading.reset_at - heard.reset_at).abs() <= terms.same_window()
    }

    fn hear(&mut self, heard: Reading) {
        self.reading = Reading {
            limit: heard.limit,
            remaining: heard.remaining.min(self.reading.remaining),
            reset_at: heard.reset_at.max(self.reading.reset_at),
        };
        self.earliest = self.earliest.min(heard.reset_at);
    }
}

impl Quota {
    /// When a window is over for certain: its end, however far the host's idea of that wanders, and a little more.
    pub(super) fn over_at(&self, window: &Window) -> DateTime<Utc> {
        over_at(window.reading.reset_at.max(window.earliest + self.wobble))
    }

    /// Forgets a window that has ended; answers whether one has.
    pub(super) fn roll(&mut self, now: DateTime<Utc>) -> bool {
        let State::Known {
            window,
            twin,
            confirmed,
        } = self.state
        else {
            return false;
        };
        let twin = twin.filter(|(twin, _)| now < self.over_at(twin));
        let is_over = self.over_at(&window) <= now;
        self.state = match (is_over, twin) {
            (false, twin) => State::Known {
                window,
                twin,
                confirmed,
            },
            (true, Some((window, _))) => State::Known {
                window,
                twin: None,
                confirmed,
            },
            (true, None) => State::Unknown {
                last: Some(window.reading),
            },
        };
        is_over
    }

    /// Takes in what the host said.
    pub(super) fn read(&mut self, heard: Reading, terms: &Terms, now: DateTime<Utc>) {
        self.roll(now);
        if over_at(heard.reset_at) <= now {
            return;
        }
        let alone = State::Known {
            window: Window::of(heard),
            twin: None,
            confirmed: true,
        };
        let State::Known {
            mut window,
            twin,
            confirmed: true,
        } = self.state
        else {
            // What was stored may be too little: what was drawn before a restart need not have been spent.
            self.state = alone;
            return;
        };
        let later = heard.reset_at - window.reading.reset_at;
        let apart = terms.window - terms.same_window();
        self.state = if window.is_same(heard, terms) {
            window.hear(heard);
            let twin = twin.map(|(twin, unheard)| (twin, unheard.saturating_add(1)));
            State::Known {
                window,
                twin: twin.filter(|(_, unheard)| *unheard < FORGOTTEN_AFTER),
                confirmed: true,
            }
        } else if later >= apart {
            alone
        } else if -later >= apart {
            // An answer of the window before, which was long on its way.
            return;
        } else {
            let mut twin = twin.map_or(Window::of(heard), |(twin, _)| twin);
            if twin.is_same(heard, terms) {
                twin.hear(heard);
            } else {
                twin = Window::of(heard);
            }
            State::Known {
                window,
                twin: Some((twin, 0)),
                confirmed: true,
            }
        };
        if let State::Known { window, .. } = &self.state {
            self.wobble = self.wobble.max(window.reading.reset_at - window.earliest);
        }
    }

    /// Takes in stored knowledge, which is worth less than anything heard since the start.
    pub(super) fn recall(&mut self, stored: Reading, now: DateTime<Utc>) {
        self.roll(now);
        let is_over = over_at(stored.reset_at) <= now;
        match &mut self.state {
            State::Unknown { last } if is_over => *last = Some(stored),
            State::Unknown { .. } => {
                self.state = State::Known {
                    window: Window::of(stored),
                    twin: None,
                    confirmed: false,
                };
            }
            State::Known { .. } | State::Untold(_) | State::Unlimited => {}
        }
    }

    /// Takes in what other processes heard.
    pub(super) fn hear_of(&mut self, heard: Reading, terms: &Terms, now: DateTime<Utc>) {
        let was_unconfirmed = matches!(
            self.state,
            State::Known {
                confirmed: false,
                ..
            }
        );
        self.read(heard, terms, now);
        if let State::Known { confirmed, .. } = &mut self.state
            && was_unconfirmed
        {
            *confirmed = false;
        }
    }

    /// What was heard, of this window or of the last one.
    pub(super) fn heard(&self) -> Option<Reading> {
        match &self.state {
            State::Known { .. } => self.reading(),
            State::Unknown { last } => *last,
            State::Untold(untold) => untold.learnt(),
            State::Unlimited => None,
        }
    }

    /// What was heard of this window; where there are two, of the one that has less left.
    pub(super) fn reading(&self) -> Option<Reading> {
        self.window().map(|window| window.reading)
    }

    /// The window that was heard of; where there are two, the one that has less left.
    pub(super) fn window(&self) -> Option<&Window> {
        match &self.state {
            State::Known { window, twin, .. } => Some(match twin {
                Some((twin, _)) if twin.reading.remaining < window.reading.remaining => twin,
                Some(_) | None => window,
            }),
            State::Unknown { .. } | State::Untold(_) | State::Unlimited => None,
        }
    }

    /// Whether more than one request at a time may leave.
    pub(super) fn is_proven(&self) -> bool {
        match self.state {
            State::Known { confirmed, .. } => confirmed,
            State::Unknown { .. } => false,
            State::Untold(_) | State::Unlimited => true,
        }
    }
}

#[cfg(test)]
mod tests;
