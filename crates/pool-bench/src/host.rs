//! The host, exact: it counts what arrives, refuses what is over a limit, and tells the truth in its headers.

use std::collections::VecDeque;

use crate::scenario::Bucket;
use crate::time::{Micros, micros};

const MINUTE: Micros = 60_000_000;

/// What the host makes of a request that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Served,
    /// The window holds no more.
    Primary,
    /// Too many at once, or too many a minute.
    Secondary,
    /// Asked to slow down by the scenario, with a word on how long or without.
    SlowDown(Option<Micros>),
    /// It came although the bucket was asked to slow down.
    Impatient,
}

/// What the headers of an answer tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Headers {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) reset: Micros,
}

/// The state of one bucket at the host.
#[derive(Debug)]
pub(crate) struct HostBucket {
    limit: u32,
    window: Micros,
    aligned: bool,
    headers: bool,
    concurrency: u32,
    points: usize,
    ends: Option<Micros>,
    used: u32,
    others_every: Option<Micros>,
    others_next: Micros,
    others_at_end: u32,
    in_service: u32,
    accepted: VecDeque<Micros>,
    asked_to_slow: VecDeque<Option<Micros>>,
    /// From when, known to the client, and until when it is to stand still.
    standing_still: Option<(Micros, Micros)>,
    pub(crate) served: u64,
}

impl HostBucket {
    pub(crate) fn new(of: &Bucket) -> Self {
        let others_every =
            (of.others_per_hour > 0.0).then(|| micros(3_600.0 / of.others_per_hour).max(1));
        let window = micros(of.window_s).max(1);
        Self {
            limit: of.limit,
            window,
            aligned: of.aligned,
            headers: of.headers,
            concurrency: of.secondary.concurrency,
            points: of.secondary.points_per_minute as usize,
            ends: if of.aligned {
                Some(window)
            } else {
                of.resets_in_s.map(micros)
            },
            used: of.used,
            others_every,
            others_next: others_every.unwrap_or_default(),
            others_at_end: 0,
            in_service: 0,
            accepted: VecDeque::new(),
            asked_to_slow: VecDeque::new(),
            standing_still: None,
            served: 0,
        }
    }

    /// The next request is asked to slow down.
    pub(crate) fn slow_next(&mut self, retry_after: Option<Micros>) {
        self.asked_to_slow.push_back(retry_after);
    }

    /// The client has heard that it is to slow down, with a word on how long or without.
    pub(crate) fn has_told_to_slow(&mut self, retry_after: Option<Micros>, now: Micros) {
        self.standing_still = Some((now, now + retry_after.unwrap_or(MINUTE)));
    }

    /// A request arrives that left at some time.
    pub(crate) fn arrive(&mut self, sent: Micros, now: Micros) -> Answer {
        self.let_others_spend(now);
        if self
            .standing_still
            .is_some_and(|(from, until)| from <= sent && now < until)
        {
            return Answer::Impatient;
        }
        if let Some(retry_after) = self.asked_to_slow.pop_front() {
            return Answer::SlowDown(retry_after);
        }
        while self.accepted.front().is_some_and(|at| *at + MINUTE <= now) {
            self.accepted.pop_front();
        }
        if self.in_service >= self.concurrency || self.accepted.len() >= self.points {
            return Answer::Secondary;
        }
        self.roll(now);
        if self.used >= self.limit {
            return Answer::Primary;
        }
        self.used += 1;
        self.served += 1;
        self.in_service += 1;
        self.accepted.push_back(now);
        Answer::Served
    }

    /// A request that was served is answered.
    pub(crate) fn leave(&mut self) {
        self.in_service -= 1;
    }

    /// What an answer tells at this moment, if the host tells anything.
    pub(crate) fn tell(&mut self, now: Micros) -> Option<Headers> {
        self.let_others_spend(now);
        let reset = self.ends.filter(|_| self.headers)?;
        Some(Headers {
            limit: self.limit,
            remaining: self.limit - self.used.min(self.limit),
            reset,
        })
    }

    /// Begins a window if the last one has ended.
    fn roll(&mut self, now: Micros) {
        match self.ends {
            Some(end) if now < end => {}
            Some(_) => {
                self.ends = Some(self.end_of(now));
                self.used = 0;
            }
            // What was used before the first window began counts in it.
            None => self.ends = Some(self.end_of(now)),
        }
    }

    fn end_of(&self, now: Micros) -> Micros {
        if self.aligned {
            (now / self.window + 1) * self.window
        } else {
            now + self.window
        }
    }

    fn let_others_spend(&mut self, now: Micros) {
        let Some(every) = self.others_every else {
            return;
        };
        while self.others_next <= now {
            let at = self.others_next;
            self.roll(at);
            if self.used < self.limit {
                self.used += 1;
            } else {
                self.others_at_end += 1;
            }
            self.others_next += every;
        }
    }
}

#[cfg(test)]
mod tests;
