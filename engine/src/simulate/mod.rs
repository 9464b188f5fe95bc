//! A simulated shop that drives the running engine, in process: what the engine sends changes what shoppers do next.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | the engine as the product runs it, driven step by step of log time |
//! | `channel` | the channel through which its outreach reaches the shop |
//! | `treated` | who was contacted and who was held back, joined from outreach and decisions |
//! | `append` | from an event of the shop to a record of the log |
//! | `drive` | shop and engine in lock-step |
//! | `record` | the run as an events file, with what the engine did |
//! | `risks`, `scores`, `watch` | what a person sees of a run: who is at risk and why |
//! | `experiment` | policies compared by what the shop knows, over many seeds |
//! | `effect` | what outreach changed: bought or not, contacted against held back, with intervals |

pub mod channel;
pub mod engine;
pub mod treated;

pub mod append;
pub mod drive;
pub mod effect;
pub mod experiment;
pub mod record;
pub mod risks;
pub mod scores;
pub mod watch;

#[cfg(test)]
mod tests;
