//! What a bucket can take within a span of time.

/// A bucket's quota and pace from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supply {
    /// Until it may be used at all.
    pub from: u64,
    /// What is left of the running window.
    pub left: u64,
    /// Until that window ends.
    pub resets_in: u64,
    /// What each further window holds.
    pub window_holds: u64,
    /// How long a window is.
    pub window: u64,
    /// Requests a minute.
    pub a_minute: u64,
}

impl Supply {
    /// A bucket that is never of use.
    pub fn nothing() -> Self {
        Self {
            from: 0,
            left: 0,
            resets_in: 0,
            window_holds: 0,
            window: 1,
            a_minute: 0,
        }
    }

    /// The pace, in requests a minute, at which what is left would have to be sent for none of it to expire unused.
    pub fn pace(&self) -> u64 {
        let usable = self.resets_in.saturating_sub(self.from).max(1);
        (self.left * 60_000 / usable).min(self.a_minute)
    }

    /// Requests that can be sent within a span: in each window no more than it holds, and no faster than the pace.
    pub fn within(&self, span: u64) -> u64 {
        let by_pace = |from: u64, until: u64| {
            until
                .saturating_sub(from.max(self.from))
                .saturating_mul(self.a_minute)
                / 60_000
        };
        let mut sum = self.left.min(by_pace(0, span.min(self.resets_in)));
        if span <= self.resets_in || self.window_holds == 0 {
            return sum;
        }
        let window = self.window.max(1);
        let rest = span - self.resets_in;
        let after = rest / window;
        let begun = self.resets_in + after * window;
        // Windows that are over are alike, but for the one in which the bucket comes free.
        let mut begin = self.resets_in;
        while begin < begun && begin < self.from {
            sum += self.window_holds.min(by_pace(begin, begin + window));
            begin += window;
        }
        let alike = begun.saturating_sub(begin) / window;
        sum += alike * self.window_holds.min(by_pace(begin, begin + window));
        sum + self.window_holds.min(by_pace(begun, span))
    }
}
