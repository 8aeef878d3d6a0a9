//! The admin console: pages, rendered on the server.
//!
//! Refuses to know a forge, a storage or the scheduler: a page shows what the database holds, and what a person asks for
//! becomes a row that the scheduler finds.
