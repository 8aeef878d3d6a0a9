//! The simulator seen from outside: over HTTP, through git, by foreign clients, against GitHub's own descriptions.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, their helpers too"
)]

mod apps;
mod assets;
mod faults;
mod foreign_clients;
mod git;
mod gitlab;
mod graphql;
mod graphql_schema;
mod harness;
mod mutations;
mod openapi;
mod program;
mod rest;
mod world;
