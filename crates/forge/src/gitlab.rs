//! GitLab: gitlab.com and self-managed.

pub(crate) mod composed;
mod content;
mod identity;
mod listing;
mod window;
mod write;

pub(crate) use content::COLLECTIONS;
pub(crate) use identity::{account, memberships, owner, rate_limit};
pub(crate) use window::window;
pub use write::Made;
