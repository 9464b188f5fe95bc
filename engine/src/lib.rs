//! Adapters and wiring of the Care Engine.

pub mod settings;

pub mod observe;

pub mod files;
pub mod words;

pub mod live;

pub mod clock;
pub mod retry_after;

pub mod backup;
pub mod embedded;
pub mod log;
pub mod store;

pub mod outreach;
pub mod predict;

pub mod generate;
pub mod knowledge;

pub mod replay;

pub mod model;

pub mod learn;
pub mod train;

pub mod shop;

pub mod simulate;

pub mod dead_letters;
pub mod dump;
pub mod known;

pub mod triggers;

#[cfg(feature = "ablation")]
pub mod ablation;

pub mod upgrade;

pub mod keys;

pub mod chat;

pub mod http;

pub mod storefront;

pub mod app;
pub mod serve;

pub mod cli;

/// Serves tests and benchmarks as it serves the program, so that they show what the program does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
