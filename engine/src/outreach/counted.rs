//! Channels that count what they delivered: a replay's own check that nothing is sent twice, beside the ledger that prevents it.

use std::sync::{Arc, Mutex, PoisonError};

use actors::port::BoxFuture;
use actors::port::channel::{Channel, Channels, Delivery, Repeat};
use rustc_hash::FxHashSet;
use schemas::decision::Outreach;
use schemas::ids::OutreachId;

/// What channels delivered since this was made. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Deliveries(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    ids: FxHashSet<OutreachId>,
    repeated: u64,
}

impl Deliveries {
    /// Returns how many outreach were delivered.
    pub fn delivered(&self) -> u64 {
        self.with(|state| state.ids.len() as u64)
    }

    /// Returns how many deliveries were of an outreach that had been delivered before.
    pub fn repeated(&self) -> u64 {
        self.with(|state| state.repeated)
    }

    fn note(&self, id: OutreachId) {
        self.with(|state| state.repeated += u64::from(!state.ids.insert(id)));
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the same channels, and what they deliver from now on.
pub fn counted(channels: &Channels) -> (Channels, Deliveries) {
    let deliveries = Deliveries::default();
    let counted = channels.iter().map(|(name, inner)| {
        let tap = Tap { inner: inner.clone(), deliveries: deliveries.clone() };
        (name.clone(), Arc::new(tap) as Arc<dyn Channel>)
    });
    (counted.collect(), deliveries)
}

/// Passes everything on and notes what was delivered.
struct Tap {
    inner: Arc<dyn Channel>,
    deliveries: Deliveries,
}

impl Channel for Tap {
    fn repeat(&self) -> Repeat {
        self.inner.repeat()
    }

    fn deliver(&self, outreach: Outreach) -> BoxFuture<'static, Delivery> {
        let (id, deliveries) = (outreach.id, self.deliveries.clone());
        let delivery = self.inner.deliver(outreach);
        Box::pin(async move {
            let delivery = delivery.await;
            if let Delivery::Delivered(_) = delivery {
                deliveries.note(id);
            }
            delivery
        })
    }
}

#[cfg(test)]
mod tests {
    use actors::kit::contract::{channel, sample};
    use actors::kit::memory::RecordingChannel;
    use smol_str::SmolStr;

    use super::*;

    fn tapped(inner: RecordingChannel) -> (Arc<dyn Channel>, Deliveries) {
        let (channels, deliveries) = counted(&Channels::from([(SmolStr::new("log"), Arc::new(inner) as _)]));
        (channels["log"].clone(), deliveries)
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn counted_channel_keeps_the_contract() {
        block_on(channel::suite(|| {
            let inner = RecordingChannel::new(Repeat::Idempotent);
            let seen = inner.clone();
            let sent = Box::new(move || seen.sent().into_iter().map(|outreach| outreach.id).collect());
            channel::Fixture { channel: tapped(inner).0, sent }
        }));
    }

    #[test]
    fn a_second_delivery_is_noticed_and_a_second_attempt_after_a_refusal_is_none() {
        let refused = RecordingChannel::new(Repeat::AtMostOnce).then(Delivery::Refused("full".to_owned()));
        let (channel, deliveries) = tapped(refused);
        let outreach = sample::outreach("ada", 1);
        block_on(channel.deliver(outreach.clone()));
        block_on(channel.deliver(outreach.clone()));
        assert_eq!((deliveries.delivered(), deliveries.repeated()), (1, 0));
        block_on(channel.deliver(outreach));
        assert_eq!((deliveries.delivered(), deliveries.repeated()), (1, 1));
    }
}
