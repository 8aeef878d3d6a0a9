//! How long to wait before trying again what failed for a passing reason.

use chrono::TimeDelta;

/// Attempts at one fetch before it counts as failed.
pub(crate) const ATTEMPTS: u32 = 3;

/// The wait before the second attempt; each further one waits four times as long.
const FIRST: TimeDelta = TimeDelta::seconds(5);

/// No wait is longer than this.
const LONGEST: TimeDelta = TimeDelta::minutes(5);

/// The wait after `attempts` failed attempts; `jitter` in 0..=1 shortens it by up to a quarter, so that fetches that failed
/// together do not come back together.
pub(crate) fn wait(attempts: u32, jitter: f64) -> TimeDelta {
    let factor = 4_i32.saturating_pow(attempts.saturating_sub(1).min(8));
    let full = FIRST
        .checked_mul(factor)
        .map_or(LONGEST, |wait| wait.min(LONGEST));
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "at most five minutes in milliseconds"
    )]
    let cut = (full.num_milliseconds() as f64 * 0.25 * jitter.clamp(0.0, 1.0)) as i64;
    full - TimeDelta::milliseconds(cut)
}

#[cfg(test)]
mod tests;
