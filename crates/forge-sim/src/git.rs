//! The git side of the world: repositories on disk, made and read with stock git, served over smart HTTP.

pub(crate) mod cgi;
mod command;
pub(crate) mod history;
pub(crate) mod log;
pub(crate) mod push;
pub(crate) mod refs;
pub(crate) mod sketch;
mod stream;
