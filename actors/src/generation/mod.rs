//! Answers in words: one bounded queue, permits per back end, and a ladder that degrades instead of stopping.
//!
//! Work joins the queue by priority. [`core`] decides, with time as an argument: who starts where, who waits, who goes a rung down, whose
//! work is stopped. [`Pool`] is the shell: it runs back ends as tasks and hands their pieces to readers through bounded channels. Every
//! piece of work ends with exactly one [`Answer`], not later than its deadline, which says on which rung and by which back end it was made.
//! Nothing here knows a protocol, a prompt or a channel.

mod settings;
mod short;

pub mod core;

mod attempt;
mod desk;
mod pool;
mod reply;

#[cfg(test)]
mod tests;

use std::time::Duration;

use schemas::ids::CustomerId;
use smol_str::SmolStr;

use crate::port::generator::{Citation, Finish, Request, Usage};

pub use desk::{Briefing, Desk};
pub use pool::Pool;
pub use reply::{Reply, Said};
pub use schemas::conversation::Rung;
pub use settings::{Backend, Settings, Short};

/// Whose work goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A shopper waits for it.
    Shopper,
    /// The shop speaks first; nobody waits.
    Proactive,
    /// Summaries and the like.
    Background,
}

impl Priority {
    /// Every priority, the first to be served first.
    pub const ALL: [Priority; 3] = [Priority::Shopper, Priority::Proactive, Priority::Background];
}

/// Why an answer is less than it might be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The queue was full.
    QueueFull,
    /// The queue was full, and work of a higher priority came.
    Displaced,
    /// No permit came free, or no first token came, in the time that the rung has.
    Waited,
    /// The customer's tokens of the hour are spent.
    Budget,
    /// Every back end of the rung failed, or is left alone since it does.
    Failed,
    /// No back end serves the rung.
    Unserved,
    /// The deadline passed.
    Deadline,
    /// The reader took nothing while pieces waited.
    SlowReader,
    /// The pool was stopped.
    Stopped,
}

impl Why {
    /// Returns the name used as label.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::QueueFull => "queue_full",
            Why::Displaced => "displaced",
            Why::Waited => "waited",
            Why::Budget => "budget",
            Why::Failed => "failed",
            Why::Unserved => "unserved",
            Why::Deadline => "deadline",
            Why::SlowReader => "slow_reader",
            Why::Stopped => "stopped",
        }
    }
}

/// What is to be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// What is to be written.
    pub request: Request,
    /// Whose turn it is.
    pub priority: Priority,
    /// Whose budget it is charged to; `None` = nobody's.
    pub customer: Option<CustomerId>,
    /// What is said where no back end says anything.
    pub template: Option<String>,
}

/// A piece of an answer on its way to the reader.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// Text to be appended.
    Text(String),
    /// What `[number]` in the text refers to.
    Citation(Citation),
}

/// How a piece of work ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// The back end said all that it had to say.
    Finished(Finish),
    /// Part was said, then it broke off.
    Broken(Why),
    /// No back end said anything; the rung is `Template` or `HandOff`.
    Fallen(Why),
}

impl End {
    /// Returns the name used as label.
    pub fn as_str(&self) -> &'static str {
        match self {
            End::Finished(finish) => finish.as_str(),
            End::Broken(_) => "broken",
            End::Fallen(why) => why.as_str(),
        }
    }
}

/// What is known of an answer when it has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The rung on which it was made.
    pub rung: Rung,
    /// The back end that made it.
    pub backend: Option<SmolStr>,
    /// How it ended.
    pub end: End,
    /// Why it was not made on the first rung that is served.
    pub lowered: Option<Why>,
    /// What it cost, attempts that said nothing aside.
    pub usage: Usage,
    /// Calls of back ends that it took.
    pub attempts: u32,
    /// Time until the last of them began.
    pub waited: Duration,
    /// Time until the first token.
    pub first_token: Option<Duration>,
    /// Time until the end.
    pub took: Duration,
}
