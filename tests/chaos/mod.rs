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

use serde_json::Value;

/// Returns what `ops/chaos` asks for: fields by name, none of them where the suite runs by itself.
#[expect(clippy::disallowed_methods, reason = "ops/chaos asks by the environment; a test has no words")]
pub fn asked() -> Value {
    let asked = std::env::var("CARE_CHAOS").unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str(&asked).expect("CARE_CHAOS is JSON")
}
