//! GitLab: gitlab.com and self-managed.

pub(crate) mod composed;
mod content;
mod identity;
mod listing;
mod rotate;
mod window;
mod write;

pub(crate) use content::COLLECTIONS;
pub(crate) use identity::{account, memberships, owner, rate_limit, role};
pub use rotate::Rotated;
pub(crate) use rotate::rotate;
pub(crate) use window::window;
pub use write::Made;
