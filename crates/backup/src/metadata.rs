//! Lists of the host as files of JSON lines: one engine for every kind.
//!
//! A page is on disk before the next one is asked for. A fetch that was throttled, stopped or killed goes on at the page where it
//! was; the finished list replaces the file as a whole, and only if it differs.

mod canonical;
mod journal;
mod merge;
mod settings;
mod walk;

pub(crate) use self::settings::write as write_settings;
pub(crate) use self::walk::Reading;

#[cfg(test)]
mod tests;
