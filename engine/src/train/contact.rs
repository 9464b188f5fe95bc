//! Contacts: outreach behind a question. Heads learn the risk without contact.
//!
//! Whoever is contacted is chosen by what would come: who buys at once is never reminded. So dropping the contacted rows alone would
//! leave too few of those at risk. Instead a contacted row is censored, and the rows of those whom chance held back from contact stand
//! for them: each weighs 1 over the probability of being held back (inverse probability of censoring). Only marketing counts: service
//! messages go to everybody whom they concern, whatever the risk, and are part of the world without contact.
//!
//! The arms of the engine are drawn once per customer, so several contacts held back in one horizon are not independent: with the share
//! c of the global control group and the shares h of the triggers' own arms, nobody is contacted with probability c + (1 − c) · Π h.
//!
//! Source: Robins and Finkelstein, Biometrics 56 (2000), 779–788.

use schemas::decision::Category;
use schemas::event::Event;
use schemas::event::read;
use serde::Serialize;
use smol_str::SmolStr;

/// Largest weight of a row; a few rows of rare arms would decide everything otherwise.
pub const WEIGHT_MAX: f64 = 20.0;

/// Triggers that are told apart; further ones count as one.
const TRIGGERS_MAX: usize = 1_000;

/// Marketing within the horizon of one question, before its label was settled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contacts {
    /// Something was sent.
    pub sent: bool,
    /// Triggers that were held back by chance, each once.
    withheld: Vec<Held>,
}

/// A contact, or one that chance held back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Contact {
    /// It was sent.
    Sent,
    /// It was held back.
    Withheld(Held),
}

/// A contact that chance held back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// Place of its trigger among those of the history.
    trigger: u16,
    /// Probability of the trigger's own control arm, where that held it back and says so.
    own: Option<f64>,
}

/// What the history says of its triggers and their arms.
#[derive(Clone, Debug, Default)]
pub struct Arms {
    triggers: Vec<Trigger>,
    /// Share of the global control group, where one was met.
    control: Option<f64>,
    /// Contacts that were sent.
    pub sent: u64,
    /// Contacts that chance held back.
    pub withheld: u64,
    /// Contacts without a probability between 0 and 1.
    pub without_propensity: u64,
}

/// A trigger as its contacts show it.
#[derive(Clone, Debug)]
struct Trigger {
    name: SmolStr,
    /// Probability of being contacted.
    sent: Option<f64>,
    /// Probability of its own control arm.
    held: Option<f64>,
}

/// What a row is worth as one of those that were not contacted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Worth {
    /// It was contacted: what would have come is not known.
    Censored,
    /// It stands for so many.
    Weight(f64),
}

impl Contacts {
    /// Notes a contact.
    pub fn note(&mut self, contact: Contact) {
        match contact {
            Contact::Sent => self.sent = true,
            Contact::Withheld(held) => {
                if self.withheld.iter().all(|other| other.trigger != held.trigger) {
                    self.withheld.push(held);
                }
            }
        }
    }

    /// Returns whether chance held a contact back.
    pub fn is_control(&self) -> bool {
        !self.sent && !self.withheld.is_empty()
    }
}

impl Arms {
    /// Reads a contact from an event and notes what it says of its trigger; none where the event is no marketing contact.
    pub fn read(&mut self, event: &Event) -> Option<Contact> {
        let is_sent = match event.name.as_str() {
            "Outreach Sent" => true,
            "Outreach Withheld" => false,
            _ => return None,
        };
        let text = |name| read::text(&event.properties, name);
        match text("category").and_then(|name| Category::of(&name)) {
            Some(Category::Service) => return None,
            Some(Category::Marketing) | None => {}
        }
        let propensity = event.properties.at("propensity").and_then(schemas::value::Value::as_number);
        let propensity = propensity.filter(|share| *share > 0.0 && *share <= 1.0);
        self.without_propensity += u64::from(propensity.is_none());
        let place = self.place(text("trigger").unwrap_or_default());
        let is_global = text("reason").as_deref() == Some("global_control");
        let trigger = self.triggers.get_mut(place)?;
        match (is_sent, is_global) {
            (true, _) => trigger.sent = propensity.or(trigger.sent),
            (false, true) => self.control = propensity.or(self.control),
            (false, false) => trigger.held = propensity.or(trigger.held),
        }
        if is_sent {
            self.sent += 1;
            return Some(Contact::Sent);
        }
        self.withheld += 1;
        Some(Contact::Withheld(Held { trigger: place as u16, own: propensity.filter(|_| !is_global) }))
    }

    fn place(&mut self, name: SmolStr) -> usize {
        if let Some(place) = self.triggers.iter().position(|trigger| trigger.name == name) {
            return place;
        }
        if self.triggers.len() < TRIGGERS_MAX {
            self.triggers.push(Trigger { name, sent: None, held: None });
        }
        self.triggers.len() - 1
    }

    /// Returns what a row with these contacts is worth.
    pub fn worth(&self, contacts: &Contacts) -> Worth {
        match (contacts.sent, self.withheld) {
            // Without a control arm nobody stands for the contacted: risk is learnt with contact mixed in.
            (_, 0) => Worth::Weight(1.0),
            (true, _) => Worth::Censored,
            (false, _) if contacts.withheld.is_empty() => Worth::Weight(1.0),
            (false, _) => {
                let control = self.control.unwrap_or(0.0);
                // What the contact itself says holds for the row; a trigger may hold back by risk, or have changed its share.
                let of = |held: &Held| match held.own {
                    Some(own) => (own / (1.0 - control).max(1e-9)).clamp(0.0, 1.0),
                    None => self.held(usize::from(held.trigger), control),
                };
                let held = contacts.withheld.iter().map(of);
                let uncontacted = control + (1.0 - control) * held.product::<f64>();
                Worth::Weight(1.0 / uncontacted.clamp(1.0 / 1e9, 1.0))
            }
        }
    }

    /// Returns the share of a trigger's own control arm among those who are in no global one.
    fn held(&self, place: usize, control: f64) -> f64 {
        let Some(trigger) = self.triggers.get(place) else { return 1.0 };
        let rest = (1.0 - control).max(1e-9);
        let by_sent = trigger.sent.map(|sent| 1.0 - sent / rest);
        let by_held = trigger.held.map(|held| held / rest);
        by_sent.or(by_held).unwrap_or(0.0).clamp(0.0, 1.0)
    }

    /// Returns the triggers that contacted everybody whom they chose: nobody shows what would have come without them.
    pub fn uncontrolled(&self) -> Vec<String> {
        let control = self.control.unwrap_or(0.0);
        let without = |(place, trigger): &(usize, &Trigger)| {
            trigger.sent.is_some() && control + (1.0 - control) * self.held(*place, control) <= 0.0
        };
        self.triggers
            .iter()
            .enumerate()
            .filter(without)
            .map(|(_, trigger)| trigger.name.to_string())
            .collect()
    }
}

/// Rows by what was done to them within their horizon.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ByArm {
    /// Nothing.
    pub untouched: u64,
    /// A contact was held back by chance.
    pub control: u64,
    /// What the control rows weigh together.
    pub control_weight: f64,
    /// Contacted: left out, unless there is no control arm.
    pub contacted: u64,
    /// Rows whose weight was cut to the largest that is legal.
    pub capped: u64,
}

#[cfg(test)]
mod tests {
    use schemas::event::Border;
    use schemas::event::decode;
    use schemas::time::Timestamp;
    use serde_json::json;

    use super::*;

    fn event(name: &str, properties: serde_json::Value) -> Event {
        let body =
            json!({"userId": "u", "event": name, "messageId": "m", "timestamp": 5, "properties": properties});
        decode("u", body.to_string().as_bytes(), Timestamp(5), &Border::default()).expect("an event")
    }

    fn sent(trigger: &str, propensity: f64) -> Event {
        event("Outreach Sent", json!({"trigger": trigger, "category": "marketing", "propensity": propensity}))
    }

    fn held(trigger: &str, reason: &str, propensity: f64) -> Event {
        let of =
            json!({"trigger": trigger, "category": "marketing", "reason": reason, "propensity": propensity});
        event("Outreach Withheld", of)
    }

    /// Returns what a row is worth behind which these contacts lie, where the history has these.
    fn worth(history: &[Event], row: &[Event]) -> Worth {
        let (mut arms, mut contacts) = (Arms::default(), Contacts::default());
        for event in history {
            arms.read(event);
        }
        row.iter().filter_map(|event| arms.read(event)).for_each(|contact| contacts.note(contact));
        arms.worth(&contacts)
    }

    fn check(history: &[Event], row: &[Event], expected: f64) {
        let Worth::Weight(found) = worth(history, row) else { panic!("censored") };
        assert!((found - expected).abs() < 1e-5, "{found} and not {expected}");
    }

    #[test]
    fn the_held_back_stand_for_those_who_were_contacted() {
        let arms = [held("a", "holdout", 0.09), held("a", "global_control", 0.1), sent("a", 0.81)];
        check(&arms, &[], 1.0);
        check(&arms, &[held("a", "holdout", 0.09)], 1.0 / 0.19);
        check(&arms, &[held("a", "global_control", 0.1)], 1.0 / 0.19);
        assert_eq!(worth(&arms, &[sent("a", 0.81)]), Worth::Censored);
        assert_eq!(worth(&arms, &[held("a", "holdout", 0.09), sent("a", 0.81)]), Worth::Censored);
    }

    #[test]
    fn one_draw_counts_once_however_often_it_holds_back() {
        let arms = [sent("a", 0.45), sent("b", 0.72)];
        let control = |trigger| held(trigger, "global_control", 0.1);
        check(&arms, &[control("a"), control("a"), control("a")], 1.0 / 0.55);
        check(&arms, &[control("a"), control("b")], 1.0 / (0.1 + 0.9 * 0.5 * 0.2));
    }

    #[test]
    fn weighted_rows_add_up_to_all_who_were_chosen() {
        // 1,000 chosen: 100 in the global control, 180 in the trigger's arm, 720 contacted.
        let arms = [sent("a", 0.72), held("a", "holdout", 0.18), held("a", "global_control", 0.1)];
        let Worth::Weight(holdout) = worth(&arms, &[held("a", "holdout", 0.18)]) else { panic!("censored") };
        let Worth::Weight(control) = worth(&arms, &[held("a", "global_control", 0.1)]) else {
            panic!("censored")
        };
        assert!((180.0 * holdout + 100.0 * control - 1_000.0).abs() < 1e-3);
    }

    #[test]
    fn a_row_counts_by_the_draw_that_held_it_back() {
        // A trigger that writes to nine in ten who are at risk, and to one in ten others.
        let arms = [held("a", "holdout", 0.1), held("a", "holdout", 0.9), sent("a", 0.9), sent("a", 0.1)];
        check(&arms, &[held("a", "holdout", 0.1)], 10.0);
        check(&arms, &[held("a", "holdout", 0.9)], 1.0 / 0.9);
    }

    #[test]
    fn without_a_control_arm_contacted_rows_stay() {
        check(&[], &[sent("a", 0.9)], 1.0);
    }

    #[test]
    fn service_is_no_contact_and_a_bad_probability_is_counted() {
        let mut arms = Arms::default();
        let service = event("Outreach Sent", json!({"trigger": "a", "category": "service", "propensity": 1}));
        assert_eq!(arms.read(&service), None);
        for bad in [json!(null), json!(0), json!(1.5), json!("x")] {
            assert_eq!(
                arms.read(&event("Outreach Sent", json!({"trigger": "a", "propensity": bad}))),
                Some(Contact::Sent)
            );
        }
        assert_eq!((arms.sent, arms.without_propensity), (4, 4));
    }

    #[test]
    fn a_trigger_that_holds_nobody_back_is_named() {
        let mut arms = Arms::default();
        for event in [sent("a", 1.0), sent("b", 0.5), held("b", "holdout", 0.5)] {
            arms.read(&event);
        }
        assert_eq!(arms.uncontrolled(), ["a"]);
    }
}
