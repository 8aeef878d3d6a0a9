//! What the demo, the tests and the benches need on a machine: found, or installed, or asked for in one sentence.

pub(crate) mod apt;
pub(crate) mod assets;
pub(crate) mod browser;
pub(crate) mod postgres;
pub(crate) mod tools;
