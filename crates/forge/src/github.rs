//! GitHub: github.com, GHE.com and Enterprise Server.

mod address;
pub mod app;
mod client;
mod connection;
mod content;
mod download;
mod git;
mod graphql;
mod identity;
mod laps;
mod lfs;
mod listing;
mod marks;
mod model;
pub mod oauth;
mod queries;
mod request;
mod rest;

pub use client::Client;
pub use content::{Collection, Cursor, Page, Walk, collection};
pub use download::{Body, Download};
pub use git::GitAccess;
pub use identity::{Account, Budgets, Memberships, Owner};
pub(crate) use identity::{account, budgets, memberships, owner, rate_limit};
pub use lfs::{LfsAction, LfsObject, LfsPointer};
pub use marks::{Mark, Marks};
pub use model::{Listing, Repository};
