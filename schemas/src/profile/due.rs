//! What time alone brings: a session ends when nothing came for the policy's `session_idle`.

use smol_str::{SmolStr, format_smolstr};

use super::Profile;
use super::fold::sane;
use super::session::Session;
use crate::event::{Call, Event, Timeliness};
use crate::ids::{CustomerId, MessageId};
use crate::time::Timestamp;
use crate::value::{Properties, Value};

impl Profile {
    /// Returns the instant at which [`Profile::fire`] has something to do, if nothing else happens.
    ///
    /// Instants at which a count or field changes are not among them: whoever watches one asks [`Profile::next_change`] or the
    /// field.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.sessions.due()
    }

    /// Does what is due at `due` and returns the events that it caused, each stamped `due` and already counted here.
    pub fn fire(&mut self, due: Timestamp, customer: &CustomerId) -> Vec<Event> {
        let Some(session) = self.sessions.end(due) else { return Vec::new() };
        let event = session_ended(&session, due, customer);
        self.counters.note(&event.name, sane(due), sane(due));
        vec![event]
    }
}

/// Returns the `Session Ended` event of a session; its message id is the same on every replay.
fn session_ended(session: &Session, due: Timestamp, customer: &CustomerId) -> Event {
    let message_text = format_smolstr!("session-ended:{customer}:{}", session.started.0);
    let number = |name, value: f64| (SmolStr::new_static(name), Value::Number(value));
    Event {
        message: MessageId::of(&message_text),
        message_text,
        call: Call::Track,
        name: SmolStr::new_static("Session Ended"),
        at: due,
        timeliness: Timeliness::OnTime,
        customer: customer.clone(),
        anonymous: None,
        properties: Properties(vec![
            number("duration_s", session.length().0 as f64 / 1_000.0),
            number("events", f64::from(session.events)),
            number("product_views", f64::from(session.product_views)),
        ]),
        locale: None,
        zone: None,
    }
}
