//! Nouns and arithmetic of the Care Engine: pure, total functions from records and rows to rows and effects.
//!
//! Read in this order: a [`record`] of the log holds an [`event`]; the [`customer`] row folds it into the [`profile`], runs the
//! [`trigger`] machine, keeps the [`conversation`] and leaves [`decision`]s, outreach and turns in its outbox. Nothing here does I/O, reads a clock, draws a random
//! number or awaits; nothing panics on any input.

pub mod ids;
pub mod time;

pub mod money;
pub mod value;

pub mod event;
pub mod record;

pub mod feature;
pub mod profile;
pub mod score;

pub mod decision;
pub mod trigger;

pub mod conversation;
pub mod customer;
pub mod rulebook;
