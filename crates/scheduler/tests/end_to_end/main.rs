//! Plans at work: a real Postgres, a simulated host, a storage in a temporary folder.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of these tests sit outside test functions"
)]
#![expect(clippy::future_not_send, reason = "each test runs on one thread")]

mod alerts;
mod applications;
mod checks;
mod credentials;
mod gitlab;
mod grants;
mod hosts;
mod lifecycle;
mod messages;
mod quota;
mod receivers;
mod runs;
mod world;
