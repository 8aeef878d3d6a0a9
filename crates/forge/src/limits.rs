//! What hosts say about limits and refusals, read without any I/O.

pub(crate) mod github;
