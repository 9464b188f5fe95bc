//! A simulated shop that drives the running engine, in process: what the engine sends changes what shoppers do next.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | the engine as the product runs it, driven step by step of log time |
//! | `channel` | the channel through which its outreach reaches the shop |
//! | `treated` | who was contacted and who was held back, joined from outreach and decisions |
//! | `effect` | what outreach changed: bought or not, contacted against held back, with intervals |

pub mod channel;
pub mod engine;
pub mod treated;

pub mod effect;

#[cfg(test)]
mod tests;
