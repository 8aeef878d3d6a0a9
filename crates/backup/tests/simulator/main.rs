//! Snapshots of a simulated organization: taken, verified, restored and compared with their source.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside of test functions"
)]

mod document;
mod faults;
mod history;
mod incremental;
mod large_files;
mod resume;
mod round_trip;
mod world;
