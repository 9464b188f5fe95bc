//! Consent: what the customer said about being contacted, per purpose and channel, with its date.
//!
//! Of all words that cover a purpose on a channel the newest holds, and of two of one instant the refusal. A word about all
//! channels covers each. A word that an identified customer gave stands above one that a merge brought along, whatever the dates.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::folded::Consent;
use super::{pack, said};
use crate::event::{Call, Event};
use crate::time::Timestamp;
use crate::value::{Properties, Value};

/// Words that are kept; the oldest grant goes first, then the oldest refusal.
pub const CONSENTS_MAX: usize = 24;

/// Purpose of a consent that names none.
pub const MARKETING: &str = "marketing";

/// Purposes that an identify call may state as `<purpose>_consent`.
const TRAIT_PURPOSES: [(&str, &str); 3] =
    [("marketing_consent", MARKETING), ("service_consent", "service"), ("profiling_consent", "profiling")];

/// What a customer said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Consents(Vec<Word>);

/// One word about one purpose and channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Purpose: `marketing`, `service`, or the shop's own.
    pub purpose: SmolStr,
    /// Channel; empty for all.
    pub channel: SmolStr,
    /// Yes or no.
    pub consent: Consent,
    /// When it was said.
    pub at: Timestamp,
    /// True when it came with another profile in a merge.
    pub inherited: bool,
}

impl Word {
    /// Orders words by what holds: own before inherited, newer before older, refusal before grant.
    fn rank(&self) -> (bool, Timestamp, bool) {
        (!self.inherited, self.at, self.consent == Consent::Denied)
    }
}

impl Consents {
    /// Returns what holds for a purpose on a channel; with an empty channel, what was said about all of them.
    pub fn get(&self, purpose: &str, channel: &str) -> Consent {
        self.word(purpose, channel).map_or(Consent::Unknown, |word| word.consent)
    }

    /// Returns the word that holds for a purpose on a channel.
    pub fn word(&self, purpose: &str, channel: &str) -> Option<&Word> {
        self.0
            .iter()
            .filter(|word| word.purpose == purpose && (word.channel.is_empty() || word.channel == channel))
            .max_by_key(|word| word.rank())
    }

    /// Returns every word.
    pub fn iter(&self) -> impl Iterator<Item = &Word> {
        self.0.iter()
    }

    /// Takes what an event says about consent; returns true when that changed something.
    pub fn take(&mut self, event: &Event, at: Timestamp) -> bool {
        match event.call {
            Call::Identify => self.take_traits(&event.properties, at),
            Call::Track => self.take_track(event, at),
            Call::Page | Call::Screen | Call::Group | Call::Alias => false,
        }
    }

    /// Adds the words of another profile; those already here stand above them.
    pub fn merge(&mut self, other: Consents, identified: bool) {
        for mut word in other.0 {
            word.inherited |= identified;
            self.say(word);
        }
    }

    fn take_track(&mut self, event: &Event, at: Timestamp) -> bool {
        let consent = match event.name.as_str() {
            "Consent Granted" => Consent::Granted,
            "Consent Denied" => Consent::Denied,
            _ => return false,
        };
        let purpose = said::first_text(&event.properties, &["purpose", "category"])
            .unwrap_or(SmolStr::new_static(MARKETING));
        let channel = said::text(&event.properties, "channel").unwrap_or_default();
        self.say(Word { purpose, channel, consent, at, inherited: false })
    }

    fn take_traits(&mut self, traits: &Properties, at: Timestamp) -> bool {
        let mut changed = false;
        for (name, purpose) in TRAIT_PURPOSES {
            if let Some(consent) = traits.get(name).and_then(read) {
                changed |= self.say_on(purpose, "", consent, at);
            }
        }
        let Some(Value::Map(purposes)) = traits.get("consent") else { return changed };
        for (purpose, value) in purposes.0.iter().take(CONSENTS_MAX) {
            if let Value::Map(channels) = value {
                for (channel, value) in channels.0.iter().take(CONSENTS_MAX) {
                    if let Some(consent) = read(value) {
                        changed |= self.say_on(purpose, channel, consent, at);
                    }
                }
            } else if let Some(consent) = read(value) {
                changed |= self.say_on(purpose, "", consent, at);
            }
        }
        changed
    }

    fn say_on(&mut self, purpose: &str, channel: &str, consent: Consent, at: Timestamp) -> bool {
        let [purpose, channel] = [purpose, channel].map(|text| SmolStr::new(&*said::bounded(text)));
        self.say(Word { purpose, channel, consent, at, inherited: false })
    }

    /// Takes a word unless a stronger one about the same purpose and channel is here.
    fn say(&mut self, word: Word) -> bool {
        let same = |other: &&mut Word| other.purpose == word.purpose && other.channel == word.channel;
        if let Some(here) = self.0.iter_mut().find(same) {
            if here.rank() >= word.rank() {
                return false;
            }
            let changed = here.consent != word.consent;
            *here = word;
            return changed;
        }
        pack::room(&mut self.0, 1);
        self.0.push(word);
        if self.0.len() > CONSENTS_MAX {
            let weakest = (0..self.0.len())
                .min_by_key(|place| (self.0[*place].consent == Consent::Denied, self.0[*place].at));
            if let Some(place) = weakest {
                self.0.swap_remove(place);
            }
        }
        true
    }
}

/// Reads a word as senders write it.
fn read(value: &Value) -> Option<Consent> {
    match value {
        Value::Bool(true) => Some(Consent::Granted),
        Value::Bool(false) => Some(Consent::Denied),
        Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "granted" | "true" | "yes" | "subscribed" | "opt_in" => Some(Consent::Granted),
            "denied" | "false" | "no" | "unsubscribed" | "opt_out" => Some(Consent::Denied),
            _ => None,
        },
        Value::Null | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
    }
}
