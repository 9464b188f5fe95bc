//! From `care.replies` to the pages that are open: every page has a [`Seat`], in which what is told to its customer waits for it.
//!
//! A seat is bounded. A page that does not keep up loses it, comes again and reads what it missed from the store: nothing is held for it here.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actors::metrics::Collector;
use rustc_hash::FxHashMap;
use schemas::conversation::Reply;
use schemas::ids::CustomerId;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// What waits in one seat, at most: a long answer in pieces, while its page is hidden.
const WAITING_MAX: usize = 256;

/// Pages of one customer: beyond them the first comer loses its seat.
const PAGES_MAX: usize = 8;

/// What is told to a page.
pub type Told = Arc<Reply>;

/// Where pages sit.
pub struct Hub {
    seats_max: usize,
    is_closed: AtomicBool,
    numbers: AtomicU64,
    taken: Mutex<Taken>,
    metrics: Collector,
}

#[derive(Default)]
struct Taken {
    by_customer: FxHashMap<CustomerId, Vec<Place>>,
    count: usize,
}

struct Place {
    number: u64,
    sender: Sender<Told>,
}

/// The seat of one page; left when this is dropped.
pub struct Seat {
    hub: Arc<Hub>,
    customer: CustomerId,
    number: u64,
    told: Receiver<Told>,
}

impl Hub {
    /// Returns a hub with so many seats; how many are taken is shown.
    pub fn new(seats_max: usize, metrics: Collector) -> Arc<Self> {
        let (is_closed, numbers, taken) = (AtomicBool::new(false), AtomicU64::new(0), Mutex::default());
        Arc::new(Self { seats_max, is_closed, numbers, taken, metrics })
    }

    /// Returns a seat for a page of a customer; `None` when all are taken, or nothing is told any more.
    pub fn sit(self: &Arc<Self>, customer: &CustomerId) -> Option<Seat> {
        let mut taken = self.taken();
        if self.is_closed.load(Ordering::Relaxed) || taken.count >= self.seats_max {
            return None;
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (sender, told) = channel(WAITING_MAX);
        let places = taken.by_customer.entry(customer.clone()).or_default();
        places.push(Place { number, sender });
        let is_one_more = places.len() <= PAGES_MAX;
        if !is_one_more {
            places.remove(0);
        }
        taken.count += usize::from(is_one_more);
        self.metrics.pages(taken.count);
        Some(Seat { hub: self.clone(), customer: customer.clone(), number, told })
    }

    /// Tells the pages of a customer. One that has no room loses its seat.
    pub fn tell(&self, customer: &str, told: &Told) {
        let mut taken = self.taken();
        let Some(places) = taken.by_customer.get_mut(customer) else { return };
        let before = places.len();
        places.retain(|place| place.sender.try_send(told.clone()).is_ok());
        let (left, is_empty) = (before - places.len(), places.is_empty());
        if is_empty {
            taken.by_customer.remove(customer);
        }
        taken.count -= left;
        self.metrics.pages(taken.count);
    }

    /// Takes the seats of every page: they come again and read from the store.
    pub fn clear(&self) {
        *self.taken() = Taken::default();
        self.metrics.pages(0);
    }

    /// Ends it: every seat is taken away, and none is given.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.clear();
    }

    fn leave(&self, customer: &CustomerId, number: u64) {
        let mut taken = self.taken();
        let Some(places) = taken.by_customer.get_mut(customer) else { return };
        let before = places.len();
        places.retain(|place| place.number != number);
        let (left, is_empty) = (before - places.len(), places.is_empty());
        if is_empty {
            taken.by_customer.remove(customer);
        }
        taken.count -= left;
        self.metrics.pages(taken.count);
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Returns what is told next; `None` when the seat is lost.
    pub async fn next(&mut self) -> Option<Told> {
        self.told.recv().await
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.leave(&self.customer, self.number);
    }
}

#[cfg(test)]
mod tests {
    use actors::metrics::{Metrics, PAGES};
    use futures_util::FutureExt;
    use schemas::conversation::Piece;

    use super::*;

    fn piece(nth: u32) -> Told {
        Arc::new(Reply::Piece(Piece { attempt: 1, epoch: 0, nth, text: "x".to_owned() }))
    }

    /// Returns a hub, and what tells how many seats of it are taken.
    fn hub(seats_max: usize) -> (Arc<Hub>, impl Fn() -> usize) {
        let metrics = Metrics::new();
        let hub = Hub::new(seats_max, metrics.collector().clone());
        let shown = move || {
            let samples = metrics.samples();
            samples.iter().find(|sample| sample.name == PAGES).map_or(0, |sample| sample.value as usize)
        };
        (hub, shown)
    }

    fn next(seat: &mut Seat) -> Option<Option<Told>> {
        seat.next().now_or_never()
    }

    #[test]
    fn a_page_hears_of_its_customer_and_of_nobody_else() {
        let (hub, count) = hub(10);
        let (ada, bob) = (CustomerId::user("ada"), CustomerId::user("bob"));
        let mut seats =
            [hub.sit(&ada), hub.sit(&ada), hub.sit(&bob)].map(|seat| seat.expect("there is room"));
        hub.tell("ada", &piece(0));
        hub.tell("eve", &piece(1));
        let [one, two, other] = &mut seats;
        assert_eq!((next(one), next(two)), (Some(Some(piece(0))), Some(Some(piece(0)))));
        assert_eq!(next(other), None, "it waits");
        drop(seats);
        assert_eq!(count(), 0);
    }

    #[test]
    fn seats_are_bounded_in_all_by_customer_and_each_in_itself() {
        let (hub, count) = hub(PAGES_MAX + 1);
        let (ada, bob) = (CustomerId::user("ada"), CustomerId::user("bob"));
        let sit = |customer| hub.sit(customer).expect("there is room");
        let mut seats: Vec<Seat> = (0..=PAGES_MAX).map(|_| sit(&ada)).collect();
        assert_eq!(count(), PAGES_MAX);
        assert_eq!(next(&mut seats[0]), Some(None), "the first comer lost its seat");
        let mut slow = sit(&bob);
        assert!(hub.sit(&bob).is_none(), "all are taken");
        for nth in 0..=WAITING_MAX as u32 {
            hub.tell("bob", &piece(nth));
        }
        assert_eq!(count(), PAGES_MAX, "it does not keep up");
        for nth in 0..WAITING_MAX as u32 {
            assert_eq!(next(&mut slow), Some(Some(piece(nth))), "what waited is there");
        }
        assert_eq!(next(&mut slow), Some(None));
        hub.close();
        assert_eq!(next(&mut seats[1]), Some(None));
        assert!(hub.sit(&ada).is_none() && count() == 0);
        drop((seats, slow));
        assert_eq!(count(), 0);
    }
}
