//! How many requests of one bucket are under way, and how many may be.

/// Where a bucket begins: what Octokit's throttling plug-in allows in all.
const FIRST_CEILING: u32 = 10;
/// GitHub docs: no more than 100 concurrent requests, REST and GraphQL together.
pub(super) const HIGHEST_CEILING: u32 = 100;

/// Requests under way; the ceiling grows while the host is content and halves when it is not.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    count: u32,
    ceiling: u32,
    served: u32,
}

impl Default for Flight {
    fn default() -> Self {
        Self {
            count: 0,
            ceiling: FIRST_CEILING,
            served: 0,
        }
    }
}

impl Flight {
    /// Whether one more may leave.
    pub(super) fn has_room(&self) -> bool {
        self.count < self.ceiling
    }

    /// How many are under way.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// One leaves.
    pub(super) fn begin(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// One is back.
    pub(super) fn end(&mut self) {
        self.count = self.count.saturating_sub(1);
    }

    /// The host served one: after a full round of them, one more may be under way.
    pub(super) fn grow(&mut self) {
        self.served = self.served.saturating_add(1);
        if self.served >= self.ceiling {
            self.served = 0;
            self.ceiling = self.ceiling.saturating_add(1).min(HIGHEST_CEILING);
        }
    }

    /// The host asked to slow down.
    pub(super) fn shrink(&mut self) {
        self.served = 0;
        self.ceiling = (self.ceiling / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_grows_slowly_and_halves_at_once() {
        let mut flight = Flight::default();
        for _ in 0..10 {
            flight.grow();
        }
        assert_eq!(flight.ceiling, 11);
        for _ in 0..100_000 {
            flight.grow();
        }
        assert_eq!(flight.ceiling, HIGHEST_CEILING);
        flight.shrink();
        assert_eq!(flight.ceiling, 50);
        for _ in 0..20 {
            flight.shrink();
        }
        assert_eq!(flight.ceiling, 1);
    }
}
