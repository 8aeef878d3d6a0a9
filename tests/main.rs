//! What Holdfast promises, shown on the real command: a real Postgres, a real git, real HTTP on loopback.
//!
//! Every test starts a [`world::World`]: a simulated forge, an empty database, a storage in a temporary folder, and the
//! `holdfast` command as an admin would call it. A world that is dropped checks what must hold after any test.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "helpers of tests fail by panicking, and the harness sets up the environment that the command reads"
)]

mod access;
mod backup_restore;
mod bad_input;
mod browser;
mod console;
mod crash;
mod faults;
mod gitlab;
mod leaks;
mod throttling;
mod world;
