//! The channel into the simulated shop: what it takes lies in a tray until the shop looks.

use std::sync::{Arc, Mutex, PoisonError};

use actors::port::BoxFuture;
use actors::port::channel::{Channel, Delivery, Repeat};
use rustc_hash::FxHashSet;
use schemas::decision::Outreach;
use schemas::ids::OutreachId;

/// Outreach that was delivered and that the shop has not looked at. Clones share it.
#[derive(Clone, Debug)]
pub struct Tray(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Outreach that may still come.
    left: u64,
    waiting: Vec<Outreach>,
    ids: FxHashSet<OutreachId>,
    repeated: u64,
}

impl Tray {
    /// Returns a tray that takes so many outreach.
    pub fn of(budget: u64) -> Self {
        Self(Arc::new(Mutex::new(State { left: budget, ..State::default() })))
    }

    /// Takes what has come since the last look, in no particular order.
    pub fn take(&self) -> Vec<Outreach> {
        self.with(|state| std::mem::take(&mut state.waiting))
    }

    /// Returns how many outreach came, each counted once.
    pub fn delivered(&self) -> u64 {
        self.with(|state| state.ids.len() as u64)
    }

    /// Returns how often an outreach came that had come before. A shopper reads it once.
    pub fn repeated(&self) -> u64 {
        self.with(|state| state.repeated)
    }

    fn put(&self, outreach: Outreach) -> Delivery {
        let taken = Delivery::Delivered(Some(outreach.id.to_string()));
        self.with(|state| {
            if state.ids.contains(&outreach.id) {
                state.repeated += 1;
                return taken;
            }
            let Some(left) = state.left.checked_sub(1) else {
                return Delivery::Refused("the budget is spent".to_owned());
            };
            state.left = left;
            state.ids.insert(outreach.id);
            state.waiting.push(outreach);
            taken
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Delivers into a tray.
#[derive(Clone, Debug)]
pub struct ShopChannel(pub Tray);

impl Channel for ShopChannel {
    fn repeat(&self) -> Repeat {
        Repeat::Idempotent
    }

    fn deliver(&self, outreach: Outreach) -> BoxFuture<'static, Delivery> {
        Box::pin(std::future::ready(self.0.put(outreach)))
    }
}

#[cfg(test)]
mod tests {
    use actors::kit::contract::{channel, sample};

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn shop_channel_keeps_the_contract() {
        block_on(channel::suite(|| {
            let tray = Tray::of(100);
            let seen = tray.clone();
            let sent = Box::new(move || seen.take().into_iter().map(|outreach| outreach.id).collect());
            channel::Fixture { channel: Arc::new(ShopChannel(tray)), sent }
        }));
    }

    #[test]
    fn what_comes_twice_is_counted_and_read_once() {
        let tray = Tray::of(100);
        let channel = ShopChannel(tray.clone());
        block_on(channel.deliver(sample::outreach("ada", 1)));
        assert_eq!(tray.take().len(), 1);
        block_on(channel.deliver(sample::outreach("ada", 1)));
        assert_eq!((tray.take().len(), tray.delivered(), tray.repeated()), (0, 1, 1));
    }

    #[test]
    fn what_exceeds_the_budget_is_refused() {
        let tray = Tray::of(1);
        let channel = ShopChannel(tray.clone());
        let [one, other] = [sample::outreach("ada", 1), sample::outreach("bob", 1)];
        assert!(matches!(block_on(channel.deliver(one.clone())), Delivery::Delivered(_)));
        assert!(matches!(block_on(channel.deliver(other)), Delivery::Refused(_)));
        assert!(matches!(block_on(channel.deliver(one)), Delivery::Delivered(_)), "it was taken before");
    }
}
