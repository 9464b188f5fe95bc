//! Bounds and intervals of a dispatcher, what it looks at before a call, and the switches of its rules.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::time::Span;
use smol_str::SmolStr;

use crate::port::channel::{Channels, Repeat};
use crate::switches::switches;

/// Bounds and intervals of the dispatcher of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Outreach in flight; above it nothing is fetched.
    pub window: usize,
    /// Records asked for by one fetch.
    pub fetch_max: usize,
    /// Bound of one channel call.
    pub call_deadline: Duration,
    /// After a call without an answer the row is told to ask again after this long.
    pub retry_after: Span,
    /// Wait before a failed call of log or store is made again.
    pub retry: Duration,
    /// The position is committed at most this often, and at the end.
    pub commit: Duration,
    /// What was committed is committed again after this long: the log keeps what came last, and that may be a lower position of the
    /// dispatcher before, which finished something while this one read on.
    pub commit_again: Duration,
    /// A stop waits this long for what is in flight; the rest is read again by the next dispatcher.
    pub drain: Duration,
    /// What is looked at right before a call.
    pub recheck: Recheck,
}

/// What is looked at right before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recheck {
    /// The customer's row as it is stored then, by the wall clock: erased, suppressed, consent, expiry, quiet hours.
    Live,
    /// Nothing: the call counts as made at the instant of the decision, and the row was looked at in that very instant.
    ///
    /// For replays. A replay has no meaningful "now": its partitions run ahead of its dispatchers by days of log time, so a row as
    /// stored says what the customer did long after the call would have been made, and how long depends on the machine. Outcomes
    /// bear the decision's time, in the body as in the stamp, so that a replay comes to the same results however fast it runs.
    AsOfDecision,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: 256,
            fetch_max: 256,
            call_deadline: Duration::from_secs(10),
            retry_after: Span::minutes(1),
            retry: Duration::from_millis(200),
            commit: Duration::from_secs(1),
            commit_again: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            recheck: Recheck::Live,
        }
    }
}

/// What the channels promise about repeated calls, by name.
pub type Promises = BTreeMap<SmolStr, Repeat>;

/// Returns what these channels promise.
pub fn promises(channels: &Channels) -> Promises {
    channels.iter().map(|(name, channel)| (name.clone(), channel.repeat())).collect()
}

switches! {
    /// One switch per rule of the dispatcher, all on. They exist to be taken away one at a time: the simulator shows that each is needed.
    pub struct Rules {
        /// Records of a lower epoch behind a higher epoch record are ignored (I7).
        lower_epochs_ignored,
        /// The highest epoch seen is kept with the committed position (I7).
        epoch_kept,
        /// And it is the highest seen below that position: a higher one behind it would hide what is in flight before it.
        epoch_of_position,
        /// The position passes only what is brought to its end.
        position_waits,
        /// An outreach is reserved in the ledger before its call.
        ledger_reserved,
        /// A further attempt sends what the ledger holds of the one before.
        content_kept,
        /// A call that may have been made is not repeated where the channel would send twice.
        calling_never_repeated,
        /// An unknown outcome of a compare-and-set is read back.
        unknown_read_back,
    }
}
