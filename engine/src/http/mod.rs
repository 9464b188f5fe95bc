//! The front doors: the HTTP server that platforms and pages send events to.
//!
//! [`Bound`] holds the address, [`Front`] answers there. A request takes one way: `server` finds its `route`, `access` asks for its key,
//! and the route's handler answers: `collect` makes events of it and answers when they are durable, `view` shows what the engine knows.
//! What goes wrong on the way is a `Refusal`, told as a `problem`. It knows log and store by their ports alone and nothing of partitions:
//! any process of a group takes any customer's requests.
//!
//! Metrics and health of the process are answered elsewhere, at `serve.listen`.

mod access;
mod body;
mod chat;
mod collect;
mod console;
mod cors;
mod document;
mod problem;
mod room;
mod route;
mod server;
mod settings;
mod trace;
mod view;

#[cfg(test)]
mod tests;

pub use chat::Talking;
pub use document::document;
pub use route::{Open, ROUTES, Route};
pub use server::{Bound, Front, Parts};
pub use settings::{KEYS, Settings};
