//! The front doors: the HTTP server that platforms and pages send events to.
//!
//! [`Bound`] holds the address, [`Front`] answers there. A request takes one way: `server` finds its `route`, `access` asks for its key,
//! `collect` makes events of it and answers when they are durable; what goes wrong on the way is a `Refusal`, told as a `problem`. It
//! knows the log by its port alone and nothing of partitions: any process of a group takes any customer's events.
//!
//! Metrics and health of the process are answered elsewhere, at `serve.listen`.

mod access;
mod body;
mod collect;
mod cors;
mod problem;
mod room;
mod route;
mod server;
mod settings;
mod trace;

#[cfg(test)]
mod tests;

pub use route::{ROUTES, Route};
pub use server::{Bound, Front, Parts};
pub use settings::{KEYS, Settings};
