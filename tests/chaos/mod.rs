//! Two real engines on real servers, hurt at random, and whether anything was lost, doubled or mixed.
//!
//! | file | holds |
//! |---|---|
//! | `story` | what customers do, and the triggers that act on it |
//! | `producer` | sends it, and knows what the log acknowledged |
//! | `engine` | `care serve` as a process that can be killed, stalled and asked |
//! | `proxy` | a network that can be cut |
//! | `world`, `config` | the cluster, engines behind lines that can be cut, the shop |
//! | `look` | how far a world is, and everything that it left behind |
//! | `fault`, `round` | what goes wrong by seed; a hostile while, then rest and judgement |
//! | `topic` | topics as a plain consumer reads them |
//! | `oracle` | what has to have come of a topic, by other code |
//! | `rows` | rows as they are stored, and as one thread makes them |
//! | `verdict` | what was found, held against what has to be there |

pub mod config;
pub mod engine;
pub mod fault;
pub mod look;
pub mod oracle;
pub mod producer;
pub mod proxy;
pub mod round;
pub mod rows;
pub mod story;
pub mod topic;
pub mod verdict;
pub mod world;

mod plain;
mod tests;
