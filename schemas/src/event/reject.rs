//! Why bytes are not an event: the field, what is wrong with it, what would be legal.

use smol_str::SmolStr;

/// Short names of what can be wrong, for counting. The list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RejectReason {
    /// Not one JSON object.
    MalformedJson,
    /// A field holds a value of another type.
    WrongType,
    /// Longer than an event may be.
    TooLarge,
    /// Neither a user id nor an anonymous id that names somebody.
    NoCustomer,
    /// The record's key names another customer than its body.
    WrongKey,
    /// A track call without a name.
    NoName,
    /// A call that the specification does not have.
    UnknownCall,
    /// A time that cannot be read.
    BadTime,
}

impl RejectReason {
    /// Every reason, in the order of the enum.
    pub const ALL: [Self; 8] = [
        Self::MalformedJson,
        Self::WrongType,
        Self::TooLarge,
        Self::NoCustomer,
        Self::WrongKey,
        Self::NoName,
        Self::UnknownCall,
        Self::BadTime,
    ];

    /// Returns the name used in summaries, dead letters and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::WrongType => "wrong_type",
            Self::TooLarge => "too_large",
            Self::NoCustomer => "no_customer",
            Self::WrongKey => "wrong_key",
            Self::NoName => "no_name",
            Self::UnknownCall => "unknown_call",
            Self::BadTime => "bad_time",
        }
    }
}

/// An event that cannot pass the border.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Rejection {
    /// What kind of mistake it is.
    pub reason: RejectReason,
    /// The field, as the sender wrote it; `body` for the whole.
    pub field: SmolStr,
    /// What is wrong with its value, and what would be legal.
    pub message: String,
}

impl Rejection {
    pub(super) fn new(reason: RejectReason, field: &str, message: impl Into<String>) -> Self {
        Self { reason, field: field.into(), message: message.into() }
    }
}
