//! The pool's decisions, pure: what hosts said and what was leased go in, a verdict comes out. No I/O; time is an argument.
//!
//! Refuses everything but the words of `domain`: hosts are told of by their answers, processes by their exchanges.
//! Start at [`Desk`], which lets requests go; [`Ledger`] keeps the books of every bucket, [`planner`] sees the whole. The promises,
//! held by property tests:
//! - no request leaves for a budget that is known to be empty, backing off, or out of concurrency or pace;
//! - what is leased and not yet answered counts as spent, so that a host never has to refuse;
//! - a budget about which nothing is known lets out one request at a time until its host has spoken;
//! - a lease is settled once;
//! - whoever waits is let go, as long as some bucket may serve it;
//! - a restart at any moment loses nothing that a header gave.
#![warn(missing_docs)]
#![warn(clippy::wildcard_enum_match_arm)]

mod account;
mod backoff;
mod bucket;
mod choice;
mod desk;
mod exchange;
mod flight;
mod governor;
mod ledger;
mod others;
mod outstanding;
mod pace;
pub mod planner;
mod quota;
mod share;
mod terms;
#[cfg(test)]
mod tests;
mod told;
mod untold;
mod verdict;
mod window;

pub use choice::Offer;
pub use desk::{Ask, Claim, Decision, Desk, Options, USUAL_WEIGHT};
pub use ledger::{BucketId, Known, Ledger, Signal};
pub use outstanding::Ticket;
pub use share::Sharing;
pub use terms::Terms;
pub use told::{Told, ends_at};
pub use verdict::{Demand, Hold, Outcome, Settlement, Standing, Why};
pub use window::Windows;
