//! The client against a simulated host: what it reads, what it spends, and what becomes of every refusal and fault.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod access;
mod content;
mod downloads;
mod faults;
mod git;
mod gitlab;
mod hosts;
mod identity;
mod limits;
mod listing;
mod sharing;
mod world;
