//! Why bytes are not an event: the field, what is wrong with it, what would be legal.

use smol_str::SmolStr;

/// Short names of what can be wrong, for counting. The list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RejectReason {
    /// Not one JSON object.
    MalformedJson,
    /// Lists and objects stand deeper inside each other than they may.
    TooDeep,
    /// A field holds a value of another type.
    WrongType,
    /// Longer than it may be.
    TooLarge,
    /// Neither a user id nor an anonymous id that names somebody.
    NoCustomer,
    /// An id that can be nobody's: it holds control characters, or begins as only anonymous customers' ids do.
    BadId,
    /// The record's key names another customer than its body.
    WrongKey,
    /// A track call without a name.
    NoName,
    /// A call that the specification does not have.
    UnknownCall,
    /// A time that cannot be read.
    BadTime,
    /// A record of a kind that does not belong to care.events.
    WrongKind,
    /// An attribute of a CloudEvent is missing, or is none of the legal ones.
    BadAttribute,
    /// A message between rows in a partition that is not its receiver's.
    WrongPartition,
}

impl RejectReason {
    /// Every reason, in the order of the enum.
    pub const ALL: [Self; 13] = [
        Self::MalformedJson,
        Self::TooDeep,
        Self::WrongType,
        Self::TooLarge,
        Self::NoCustomer,
        Self::BadId,
        Self::WrongKey,
        Self::NoName,
        Self::UnknownCall,
        Self::BadTime,
        Self::WrongKind,
        Self::BadAttribute,
        Self::WrongPartition,
    ];

    /// Returns the name used in summaries, dead letters and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::TooDeep => "too_deep",
            Self::WrongType => "wrong_type",
            Self::TooLarge => "too_large",
            Self::NoCustomer => "no_customer",
            Self::BadId => "bad_id",
            Self::WrongKey => "wrong_key",
            Self::NoName => "no_name",
            Self::UnknownCall => "unknown_call",
            Self::BadTime => "bad_time",
            Self::WrongKind => "wrong_kind",
            Self::BadAttribute => "bad_attribute",
            Self::WrongPartition => "wrong_partition",
        }
    }
}

/// What cannot pass the border.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Rejection {
    /// What kind of mistake it is.
    pub reason: RejectReason,
    /// The field, as the sender wrote it; `body` for the whole, `kind` for that of a record.
    pub field: SmolStr,
    /// What is wrong with its value, and what would be legal.
    pub message: String,
}

impl Rejection {
    /// Returns the rejection of a field's value.
    pub fn new(reason: RejectReason, field: &str, message: impl Into<String>) -> Self {
        Self { reason, field: field.into(), message: message.into() }
    }
}
