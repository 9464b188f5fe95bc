//! Writes a run as an events file: what shoppers did, and what the engine did about them, so that a model can learn from both.
//!
//! Segment JSON lines, in order of time. `Outreach Sent` and `Outreach Withheld` say by which trigger, and with which probability the
//! engine chose so; they are no activity of the shopper.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use schemas::decision::Category;
use schemas::ids::ANONYMOUS_PREFIX;
use schemas::time::Timestamp;
use serde::Serialize;

use super::treated::{Arm, Treated};
use crate::shop::Event;

/// A file of events.
#[derive(Debug)]
pub struct Recorder {
    out: BufWriter<File>,
}

/// One line about outreach.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    r#type: &'static str,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymous_id: Option<&'a str>,
    message_id: String,
    timestamp: String,
    properties: Said<'a>,
}

#[derive(Serialize)]
struct Said<'a> {
    trigger: &'a str,
    category: Category,
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    propensity: f32,
}

impl Recorder {
    /// Makes a file.
    ///
    /// Errors: it cannot be made, or is there already.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { out: BufWriter::new(File::create_new(path)?) })
    }

    /// Writes what happened in a step.
    pub(super) fn step(&mut self, events: &[Event], treated: &[Treated]) -> io::Result<()> {
        let mut told = treated.iter().filter_map(|one| Some((one.at, line(one)?))).peekable();
        for event in events {
            while let Some((_, line)) = told.next_if(|(at, _)| *at < event.at) {
                writeln!(self.out, "{line}")?;
            }
            writeln!(self.out, "{}", event.line)?;
        }
        told.try_for_each(|(_, line)| writeln!(self.out, "{line}"))
    }

    /// Makes sure that everything is written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Returns the line that tells of a shopper's arm; `None` when another line does.
fn line(treated: &Treated) -> Option<String> {
    let (event, reason) = match treated.arm {
        Arm::Contacted => ("Outreach Sent", None),
        Arm::Holdout => ("Outreach Withheld", Some("holdout")),
        Arm::GlobalControl => ("Outreach Withheld", Some("global_control")),
        Arm::Offered => return None,
    };
    let customer = treated.customer.as_str();
    let (user_id, anonymous_id) = match customer.strip_prefix(ANONYMOUS_PREFIX) {
        Some(anonymous) => (None, Some(anonymous)),
        None => (Some(customer), None),
    };
    let line = Line {
        r#type: "track",
        event,
        user_id,
        anonymous_id,
        message_id: format!("outreach-{}", treated.id),
        timestamp: time(treated.at),
        properties: Said {
            trigger: &treated.trigger,
            category: treated.category,
            channel: &treated.channel,
            reason,
            propensity: treated.propensity,
        },
    };
    Some(serde_json::to_string(&line).expect("text and numbers are JSON"))
}

/// Returns an instant as events write it.
fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use schemas::event::{Border, customer_of, decode};
    use schemas::ids::{CustomerId, OutreachId};

    use super::*;

    fn treated(customer: CustomerId, at: i64, arm: Arm) -> Treated {
        Treated {
            id: OutreachId(7),
            at: Timestamp(at),
            customer,
            trigger: "cart-at-risk".into(),
            category: Category::Marketing,
            channel: "log".into(),
            template: "t".into(),
            key: "c1".into(),
            arm,
            propensity: 0.8,
        }
    }

    #[test]
    fn outreach_stands_among_the_events_in_order_of_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("events.jsonl");
        let mut recorder = Recorder::create(&path).expect("a file");
        let event =
            |at| Event { at: Timestamp(at), shopper: 0, name: "event", line: format!("event at {at}") };
        let user = CustomerId::user("ada");
        let said = [
            treated(user.clone(), 5, Arm::Offered),
            treated(user.clone(), 5, Arm::Contacted),
            treated(user, 30, Arm::Holdout),
        ];
        recorder.step(&[event(1), event(10), event(20)], &said).expect("written");
        recorder.finish().expect("written");
        let text = std::fs::read_to_string(&path).expect("text");
        let told: Vec<&str> = text
            .lines()
            .map(|line| {
                if line.contains("Sent") {
                    "sent"
                } else if line.contains("holdout") {
                    "held"
                } else {
                    line
                }
            })
            .collect();
        assert_eq!(told, ["event at 1", "sent", "event at 10", "event at 20", "held"]);
        assert!(Recorder::create(&path).is_err(), "a file that is there is not overwritten");
    }

    #[test]
    fn the_engine_takes_the_lines() {
        for (customer, at) in [(CustomerId::user("ada"), 1_772_452_800_000), (CustomerId::anonymous("x"), 0)]
        {
            let line = line(&treated(customer.clone(), at, Arm::Contacted)).expect("a line");
            let border = Border::default();
            assert_eq!(customer_of(line.as_bytes(), &border).expect("a customer"), customer);
            let event = decode(customer.as_str(), line.as_bytes(), Timestamp(at), &border).expect("an event");
            assert_eq!((event.name.as_str(), event.at), ("Outreach Sent", Timestamp(at)));
        }
    }
}
