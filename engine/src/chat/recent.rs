//! Threads in which something was said lately: the list that agents look at first. Kept from what is told, newest first, within a bound.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use schemas::conversation::{Act, Owner, Rung, Speaker, Turn};
use schemas::ids::CustomerId;
use schemas::time::{Span, Timestamp};

/// Threads that are remembered; of more the longest silent are forgotten.
const THREADS_MAX: usize = 10_000;

/// A thread as far as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    /// Whose.
    pub customer: CustomerId,
    /// When something was said last.
    pub at: Timestamp,
    /// Number of the last turn.
    pub number: u32,
    /// Who answers.
    pub owner: Owner,
    /// True while a person has to answer: the bot handed off, or the customer spoke last to a person.
    pub waits: bool,
    /// Who spoke last.
    pub speaker: Speaker,
    /// What was said last.
    pub text: String,
    /// Ownership epoch of the last turn.
    pub epoch: u32,
}

/// The threads.
pub struct Recent {
    open: Span,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    by_customer: FxHashMap<CustomerId, Thread>,
    by_time: BTreeSet<(Timestamp, CustomerId)>,
}

impl Recent {
    /// Returns an empty list; a thread is open for so long after its last turn.
    pub fn new(open: Span) -> Self {
        Self { open, threads: Mutex::default() }
    }

    /// Notes a turn. An older one than is known changes nothing.
    pub fn note(&self, turn: &Turn) {
        let mut threads = self.threads();
        let known = threads.by_customer.get(&turn.customer);
        if known.is_some_and(|known| known.number >= turn.number) {
            return;
        }
        let thread = after(known, turn);
        if let Some(known) = threads.by_customer.insert(turn.customer.clone(), thread) {
            threads.by_time.remove(&(known.at, known.customer));
        }
        threads.by_time.insert((turn.at, turn.customer.clone()));
        if threads.by_customer.len() > THREADS_MAX {
            let (_, oldest) = threads.by_time.pop_first().expect("there are many");
            threads.by_customer.remove(&oldest);
        }
    }

    /// Forgets a thread.
    pub fn forget(&self, customer: &CustomerId) {
        let mut threads = self.threads();
        if let Some(known) = threads.by_customer.remove(customer) {
            threads.by_time.remove(&(known.at, known.customer));
        }
    }

    /// Returns the open threads, newest first, at most `max`.
    pub fn open(&self, now: Timestamp, max: usize) -> Vec<Thread> {
        let since = now - self.open;
        let threads = self.threads();
        let newest = threads.by_time.iter().rev().take_while(|(at, _)| *at >= since).take(max);
        newest.filter_map(|(_, customer)| threads.by_customer.get(customer).cloned()).collect()
    }

    /// Returns one thread.
    pub fn one(&self, customer: &CustomerId) -> Option<Thread> {
        self.threads().by_customer.get(customer).cloned()
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a thread after one more turn.
fn after(known: Option<&Thread>, turn: &Turn) -> Thread {
    let owner = Owner::in_epoch(turn.epoch);
    // Who asked for a person goes on waiting for one, whatever else is said meanwhile.
    let waited = known.is_some_and(|known| known.waits);
    let waits = match turn.speaker {
        Speaker::Customer => waited || owner == Owner::Human,
        Speaker::Agent => false,
        Speaker::Bot | Speaker::Outreach => waited || turn.rung == Some(Rung::HandOff),
    };
    Thread {
        customer: turn.customer.clone(),
        at: turn.at,
        number: turn.number,
        owner,
        waits: waits && turn.act == Act::Said,
        speaker: turn.speaker,
        text: turn.text.clone(),
        epoch: turn.epoch,
    }
}
