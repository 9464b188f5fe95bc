//! Who has a page of the shop open, and what is asked there.

use std::collections::BTreeMap;
use std::time::Duration;

use actors::port::clock::Clock;
use rustc_hash::FxHashMap;
use schemas::conversation::words::Language;
use schemas::time::{Span, Timestamp};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::link::Link;
use super::page::{self, Page, Read, Reader};
use crate::chat::Shopkeeper;
use crate::clock::{SystemClock, within};
use crate::shop::chance::{Chance, Purpose};
use crate::shop::phrases::{Situation, phrases};
use crate::shop::{Event, MESSAGE};

/// A page stays open for so long after what its shopper did last.
const STAYS: Span = Span::seconds(90);

/// A shopper looks around for so long before a question, at least and at most. Units: seconds.
const LOOKS: (f64, f64) = (2.0, 15.0);

/// Questions that a page keeps behind the one that waits for its answer.
const QUESTIONS_MAX: usize = 4;

/// Outreach that was read and that nobody has looked at; more pages wait.
const READING_MAX: usize = 1_024;

/// What shoppers do beside shopping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// Pages that are open at a time, at most.
    pub pages_max: usize,
    /// How likely whoever opens a page asks something there.
    pub asks: f64,
}

/// The shop's pages.
pub(super) struct Floor {
    link: Link,
    key: String,
    habits: Habits,
    keeper: Option<Shopkeeper>,
    seed: u64,
    /// Pages opened so far.
    opened: u64,
    pages: FxHashMap<u32, Open>,
    /// Every page that is not over yet holds a sender, and nothing is ever sent.
    alive: (mpsc::Sender<()>, mpsc::Receiver<()>),
    /// What will be asked, by when and in the order of asking.
    wishes: BTreeMap<(Timestamp, u64), (u32, String)>,
    wished: u64,
    /// Outreach that was read, and not told yet.
    reading: (mpsc::Sender<Read>, mpsc::Receiver<Read>),
    /// Number of the last outreach that each shopper read: a page that is opened later shows it again, and nobody reads it twice.
    read: FxHashMap<u32, u64>,
}

struct Open {
    questions: mpsc::Sender<String>,
    signed_in: bool,
    /// When its shopper did something last.
    last: Timestamp,
}

/// What of an event says who reads the page, and what is written there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    user_id: Option<String>,
    context: Context,
    properties: Option<Said>,
}

#[derive(Deserialize)]
struct Context {
    locale: String,
}

#[derive(Deserialize)]
struct Said {
    text: Option<String>,
}

impl Floor {
    pub(super) fn new(
        (link, key): (Link, String),
        habits: Habits,
        (keeper, seed): (Option<Shopkeeper>, u64),
    ) -> Self {
        Self {
            link,
            key,
            habits,
            keeper,
            seed,
            opened: 0,
            pages: FxHashMap::default(),
            alive: mpsc::channel(1),
            wishes: BTreeMap::new(),
            wished: 0,
            reading: mpsc::channel(READING_MAX),
            read: FxHashMap::default(),
        }
    }

    /// Takes note of what a shopper did: whoever does something now has a page open, and may ask something.
    pub(super) fn note(&mut self, event: &Event, now: Timestamp) {
        if event.at + STAYS < now {
            return;
        }
        let Ok(line) = serde_json::from_str::<Line>(&event.line) else { return };
        let signed_in = line.user_id.is_some();
        let is_new = self.pages.get(&event.shopper).is_none_or(|open| open.signed_in != signed_in);
        if is_new {
            self.pages.remove(&event.shopper);
            if self.pages.len() >= self.habits.pages_max {
                return;
            }
            self.open(event, &line);
        }
        if let Some(open) = self.pages.get_mut(&event.shopper) {
            open.last = event.at;
        }
        if let (MESSAGE, Some(text)) = (event.name, line.properties.and_then(|said| said.text)) {
            self.wish(now, event.shopper, text);
        }
    }

    /// Asks what is to be asked by now, and closes pages whose shoppers are gone. Returns the customers who have read an outreach since.
    pub(super) fn tend(&mut self, now: Timestamp) -> Vec<String> {
        while let Some(((at, _), _)) = self.wishes.first_key_value() {
            if *at > now {
                break;
            }
            if let Some((_, (shopper, text))) = self.wishes.pop_first()
                && let Some(open) = self.pages.get_mut(&shopper)
            {
                open.last = now;
                // A page that failed asks nothing, and one with questions enough no more.
                drop(open.questions.try_send(text));
            }
        }
        self.pages.retain(|_, open| open.last + STAYS >= now && !open.questions.is_closed());
        let mut customers = Vec::new();
        while let Ok(Read { shopper, customer, number }) = self.reading.1.try_recv() {
            self.read.insert(shopper, number);
            customers.push(customer);
        }
        customers
    }

    /// Closes every page, and waits until what is asked there is answered, at most so long.
    pub(super) async fn close(mut self, at_most: Duration) {
        self.wishes.clear();
        self.pages.clear();
        let (ours, mut theirs) = self.alive;
        drop(ours);
        if within(&SystemClock, at_most, theirs.recv()).await.is_none() {
            tracing::warn!("pages still wait for answers");
        }
    }

    fn open(&mut self, event: &Event, line: &Line) {
        self.opened += 1;
        let shopper = event.shopper;
        let id = format!("{:016x}-{:08x}", self.seed, self.opened);
        let reader = match (&line.user_id, &self.keeper) {
            (Some(customer), Some(keeper)) => {
                let token = keeper.token(customer, &id, SystemClock.now());
                Reader::Known { customer: customer.clone(), token }
            }
            _ => Reader::Anonymous,
        };
        let language =
            if line.context.locale.starts_with("zh") { Language::Chinese } else { Language::English };
        let (questions, taken) = mpsc::channel(QUESTIONS_MAX);
        let page = Page {
            link: self.link.clone(),
            key: self.key.clone(),
            id,
            reader,
            language,
            shopper,
            read: self.read.get(&shopper).copied(),
        };
        let alive = self.alive.0.clone();
        let reading = self.reading.0.clone();
        actix::spawn(async move {
            page::live(page, taken, reading).await;
            drop(alive);
        });
        let open = Open { questions, signed_in: line.user_id.is_some(), last: event.at };
        self.pages.insert(shopper, open);
        self.perhaps_asks(event, language);
    }

    fn perhaps_asks(&mut self, event: &Event, language: Language) {
        let mut chance = Chance::of(self.seed ^ self.opened, event.shopper, Purpose::Life);
        if chance.happens(self.habits.asks) {
            let after = Span((chance.between(LOOKS.0, LOOKS.1) * 1e3) as i64);
            let text = chance.pick(phrases(Situation::Help, language));
            self.wish(SystemClock.now() + after, event.shopper, (*text).to_owned());
        }
    }

    fn wish(&mut self, at: Timestamp, shopper: u32, text: String) {
        self.wished += 1;
        self.wishes.insert((at, self.wished), (shopper, text));
    }
}
