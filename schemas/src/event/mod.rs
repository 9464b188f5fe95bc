//! Events of the shop: one envelope for every dialect, made by [`decode`] from the bytes of a record.
//!
//! Decoding is the border: behind it ids are not blank, stamps are in range, names are canonical. What cannot pass is a
//! [`Rejection`] with the field, what is wrong with it and what would be legal.

mod border;
mod cloud;
mod reject;
mod segment;
mod time;
mod wire;

pub mod read;
pub mod vocabulary;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ids::{CustomerId, MessageId};
use crate::time::Timestamp;
use crate::value::Properties;

pub use border::{BLOCKED_IDS, Border, ID_MAX, NAME_MAX, names_nobody};
pub use cloud::decode as decode_cloud_event;
pub use reject::{RejectReason, Rejection};
pub use segment::{body_message_id, customer_of, decode};

/// Which call of the Segment specification an event came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Who the customer is: traits in `properties`.
    Identify,
    /// Something happened: `name` says what.
    Track,
    /// A web page was seen.
    Page,
    /// An app screen was seen.
    Screen,
    /// The customer belongs to a group.
    Group,
    /// An anonymous id belongs to a user.
    Alias,
}

/// How an event's stamp stands to the log's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timeliness {
    /// Within the policy's bounds.
    OnTime,
    /// Older than the late bound: updates totals, fires nothing.
    Late,
    /// Further ahead than the future bound: its stamp was clamped to the log's time.
    Clamped,
}

/// One event, normalised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Deduplication id.
    pub message: MessageId,
    /// The same as the sender wrote it.
    pub message_text: SmolStr,
    /// Call it came by.
    pub call: Call,
    /// Canonical name: that of the e-commerce vocabulary where the alias table knows it, else as sent; `Page Viewed`,
    /// `Screen Viewed`, `Identified`, `Grouped`, `Aliased` for calls without a name of their own.
    pub name: SmolStr,
    /// When it happened, skew-corrected and clamped.
    pub at: Timestamp,
    /// How `at` stands to the log's time.
    pub timeliness: Timeliness,
    /// Whose event it is: the record's key.
    pub customer: CustomerId,
    /// The anonymous id, where the event names one beside a user id (or as `previousId` of an alias): a merge is asked for.
    pub anonymous: Option<CustomerId>,
    /// Properties of a track, page or screen call; traits of an identify or group call.
    pub properties: Properties,
    /// `context.locale`, BCP 47.
    pub locale: Option<SmolStr>,
    /// `context.timezone`, IANA name.
    pub zone: Option<SmolStr>,
}
