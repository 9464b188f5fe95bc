//! The channel port: the last step of an outreach.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::decision::Outreach;
use schemas::time::Timestamp;
use smol_str::SmolStr;

use super::BoxFuture;

/// Channels by the name that triggers use.
pub type Channels = BTreeMap<SmolStr, Arc<dyn Channel>>;

/// What a channel promises when the same outreach is handed to it twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The outreach id is an idempotency key: a repeated call sends nothing twice.
    Idempotent,
    /// A call that may have been made is never repeated: at most once.
    AtMostOnce,
}

/// How a channel call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Taken, with the channel's own reference.
    Delivered(Option<String>),
    /// Refused for good, with the reason for people.
    Refused(String),
    /// Not now; not before this instant.
    RetryAt(Timestamp),
}

/// Delivers outreach.
pub trait Channel: Send + Sync {
    /// Returns what a repeated call does.
    fn repeat(&self) -> Repeat;

    /// Makes one call. The caller bounds the wait.
    fn deliver(&self, outreach: Outreach) -> BoxFuture<'static, Delivery>;
}
