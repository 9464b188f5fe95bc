//! One integration binary: worlds in memory, real data, crash loops, the tidy test.
//!
//! Tests that read the public data sets live in modules named `real_data` and find them by `data::folder`; tests that need the real
//! binary run it by `care::run`, or in a `world::World`, where the same checks run in every world that the engine has; tests that need
//! Kafka and a CQL server live in modules with `servers` in their path and get them from `cluster::Cluster`; tests that need a browser live
//! in `browser`.

mod care;
mod chaos;
mod cluster;
mod data;
mod npm;
mod world;

mod replay;

mod equality;

mod browser;
mod http;
mod service;
mod webhooks;

mod ask;
mod bad_input;
mod crash;
mod deploy;
mod disk;
mod life;
mod servers;
mod setup;
mod shipped;

mod watch;

mod tidy;
