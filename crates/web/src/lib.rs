//! The admin console: pages, rendered on the server.
//!
//! Refuses to know a forge, a storage or the scheduler: a page shows what the database holds, and what a person asks for
//! becomes a row that the scheduler finds. Start reading at [`router`] (every address there is, and who may go there),
//! then `extract` (on whose behalf a handler acts) and any file in `views/`.
//!
//! Invariants:
//! - no handler without a row in the table of routes, and none runs before the guard has let the request through;
//! - what belongs to another tenant does not exist: 404, never 403;
//! - no script and no style in a page, only files of our own with a hash in their address;
//! - everything works without JavaScript: links navigate, forms change;
//! - a field that holds a secret is never sent back.

mod assets;
mod console;
pub mod contents;
mod download;
mod error;
mod extract;
mod failure;
mod fields;
mod forecast;
mod form;
mod headers;
mod live;
mod once;
mod page;
pub mod password;
mod place;
mod quota;
mod router;
mod said;
#[cfg(test)]
mod samples;
mod second_factor;
mod session;
mod text;
mod token;
mod views;
mod way;

pub use console::{Console, Settings};
pub use router::{addresses, router};
pub use token::set_up_code;
