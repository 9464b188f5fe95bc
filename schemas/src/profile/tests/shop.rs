//! Makes events for the tests of the profile.

use smol_str::SmolStr;

use crate::event::{Call, Event, Timeliness};
use crate::ids::{CustomerId, MessageId};
use crate::profile::{Folded, Profile, ProfilePolicy};
use crate::time::{Span, Timestamp};
use crate::value::{Properties, Value};

/// 2024-03-15T12:00:00Z, a Friday in winter time.
pub const NOON: Timestamp = Timestamp(1_710_504_000_000);

/// An event in the making.
#[derive(Clone, Debug)]
pub struct Made(pub Event);

/// Begins an event; its message id is made of name and stamp.
pub fn track(name: &str, at: Timestamp) -> Made {
    let text = SmolStr::new(format!("{name}@{}", at.0));
    Made(Event {
        message: MessageId::of(&text),
        message_text: text,
        call: Call::Track,
        name: SmolStr::new(name),
        at,
        timeliness: Timeliness::OnTime,
        customer: CustomerId::user("u1"),
        anonymous: None,
        properties: Properties::default(),
        locale: None,
        zone: None,
    })
}

/// Begins an identify call.
pub fn identify(at: Timestamp) -> Made {
    let mut made = track("Identified", at);
    made.0.call = Call::Identify;
    made
}

impl Made {
    /// Adds a text property.
    pub fn text(self, name: &str, value: &str) -> Self {
        self.value(name, Value::Text(SmolStr::new(value)))
    }

    /// Adds a number.
    pub fn number(self, name: &str, value: f64) -> Self {
        self.value(name, Value::Number(value))
    }

    /// Adds any value.
    pub fn value(mut self, name: &str, value: Value) -> Self {
        self.0.properties.0.push((SmolStr::new(name), value));
        self
    }

    /// Gives the event another message id.
    pub fn message(mut self, text: &str) -> Self {
        self.0.message = MessageId::of(text);
        self.0.message_text = SmolStr::new(text);
        self
    }

    /// Marks the event as late.
    pub fn late(mut self) -> Self {
        self.0.timeliness = Timeliness::Late;
        self
    }
}

/// Folds an event at its own stamp, firing before what is due.
pub fn fold(profile: &mut Profile, made: &Made) -> Folded {
    fold_at(profile, made, made.0.at)
}

/// Folds an event at a log time, firing before what is due.
pub fn fold_at(profile: &mut Profile, made: &Made, now: Timestamp) -> Folded {
    while let Some(due) = profile.next_due().filter(|due| *due < now) {
        profile.fire(due, &made.0.customer);
    }
    profile.fold(&made.0, now, &ProfilePolicy::default())
}

/// Returns an instant after [`NOON`].
pub fn after(span: Span) -> Timestamp {
    NOON + span
}
