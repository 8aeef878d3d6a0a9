//! The pure ledger: what hosts said and what was leased go in, a verdict comes out. No I/O; time is an argument.
//!
//! Start at [`Ledger`]. Its promises, held by property tests:
//! - no request leaves for a budget that is known to be empty, backing off, or out of concurrency or pace;
//! - what is leased and not yet answered counts as spent, so that a host never has to refuse;
//! - a budget about which nothing is known lets out one request at a time until its host has spoken;
//! - a lease is settled once.

mod account;
mod backoff;
mod bucket;
mod choice;
mod exchange;
mod flight;
mod governor;
mod ledger;
mod pace;
mod quota;
mod share;
#[cfg(test)]
mod tests;
mod verdict;

pub use choice::Offer;
pub use ledger::{Known, Ledger, Signal, Ticket};
pub use share::{Exchange, Grant, Sharing};
pub use verdict::{Demand, Hold, Outcome, Settlement, Standing, Why};
