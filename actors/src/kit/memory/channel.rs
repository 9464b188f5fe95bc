//! A channel that notes what it is handed.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use schemas::decision::Outreach;
use schemas::ids::OutreachId;

use crate::port::BoxFuture;
use crate::port::channel::{Channel, Delivery, Repeat};

/// A channel that notes every call and what came of it.
#[derive(Clone)]
pub struct RecordingChannel {
    repeat: Repeat,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Delivery>,
    calls: Vec<Outreach>,
    sent: Vec<Outreach>,
    sent_ids: HashSet<OutreachId>,
}

impl RecordingChannel {
    /// Returns a channel that takes everything.
    pub fn new(repeat: Repeat) -> Self {
        Self { repeat, state: Arc::default() }
    }

    /// Makes the next call end like this; several are used in order, then everything is taken again.
    pub fn then(self, delivery: Delivery) -> Self {
        self.with(|state| state.script.push_back(delivery));
        self
    }

    /// Returns every call in order.
    pub fn calls(&self) -> Vec<Outreach> {
        self.with(|state| state.calls.clone())
    }

    /// Returns what reached the customer, in order: an idempotent channel has no id twice here.
    pub fn sent(&self) -> Vec<Outreach> {
        self.with(|state| state.sent.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Channel for RecordingChannel {
    fn repeat(&self) -> Repeat {
        self.repeat
    }

    fn deliver(&self, outreach: Outreach) -> BoxFuture<'static, Delivery> {
        let delivery = self.with(|state| {
            state.calls.push(outreach.clone());
            let taken = Delivery::Delivered(Some(outreach.id.to_string()));
            let delivery = state.script.pop_front().unwrap_or(taken);
            if matches!(delivery, Delivery::Delivered(_)) {
                let first = state.sent_ids.insert(outreach.id);
                if first || self.repeat == Repeat::AtMostOnce {
                    state.sent.push(outreach);
                }
            }
            delivery
        });
        Box::pin(std::future::ready(delivery))
    }
}
