//! How many requests of one bucket are under way, and how many may be.

/// Where a bucket begins: what Octokit's throttling plug-in allows in all.
const FIRST_CEILING: u32 = 10;

/// Requests under way; the ceiling grows while the host is content and halves when it is not.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    count: u32,
    ceiling: u32,
    served: u32,
    /// Whether the host has asked to slow down: until then the ceiling doubles with every round, afterwards it grows by one.
    is_careful: bool,
}

impl Default for Flight {
    fn default() -> Self {
        Self {
            count: 0,
            ceiling: FIRST_CEILING,
            served: 0,
            is_careful: false,
        }
    }
}

impl Flight {
    /// Whether one more may leave, where the host allows so many.
    pub(super) fn has_room(&self, most: u32) -> bool {
        self.count < self.ceiling.min(most)
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

    /// The host served one.
    pub(super) fn grow(&mut self, most: u32) {
        self.served = self.served.saturating_add(1);
        if !self.is_careful || self.served >= self.ceiling {
            self.served = 0;
            self.ceiling = self.ceiling.saturating_add(1).min(most.max(1));
        }
    }

    /// The host asked to slow down.
    pub(super) fn shrink(&mut self) {
        self.served = 0;
        self.is_careful = true;
        self.ceiling = (self.ceiling / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u32 = 100;

    fn serve(flight: &mut Flight, times: u32) {
        for _ in 0..times {
            flight.grow(MOST);
        }
    }

    #[test]
    fn the_ceiling_doubles_with_every_round_until_the_host_minds() {
        let mut flight = Flight::default();
        serve(&mut flight, 10);
        assert_eq!(flight.ceiling, 20);
        serve(&mut flight, 1_000);
        assert_eq!(flight.ceiling, MOST);
    }

    #[test]
    fn afterwards_it_halves_at_once_and_grows_slowly() {
        let mut flight = Flight::default();
        serve(&mut flight, 1_000);
        flight.shrink();
        assert_eq!(flight.ceiling, 50);
        serve(&mut flight, 50);
        assert_eq!(flight.ceiling, 51);
        for _ in 0..20 {
            flight.shrink();
        }
        assert_eq!(flight.ceiling, 1);
    }

    #[test]
    fn what_the_host_publishes_is_never_passed() {
        let mut flight = Flight::default();
        flight.begin();
        assert!(flight.has_room(2));
        flight.begin();
        assert!(!flight.has_room(2));
    }
}
