//! GitHub: github.com, GHE.com and Enterprise Server.

pub mod app;
mod connection;
mod content;
mod graphql;
mod identity;
mod listing;
pub mod oauth;
mod queries;

pub(crate) use content::{COLLECTIONS, reviews};
pub(crate) use identity::{account, memberships, owner, rate_limit};
