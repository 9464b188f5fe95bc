//! A channel into the shopper's own page: an outreach opens in the customer's thread, is shown by the widget, and stays until it is seen.
//!
//! The one call appends an `Opened` record of the customer. The row takes an outreach once, by its id: a repeated call shows nothing twice.
//! That it was seen, or a link in it followed, comes back as an event of the shop (`Outreach Seen`, `Outreach Clicked`).

use std::sync::Arc;
use std::time::Duration;

use actors::port::channel::{Channel, Delivery, Repeat};
use actors::port::clock::Clock;
use actors::port::log::{LogSink, NewRecord, Topic};
use actors::port::{BoxFuture, Kind};
use schemas::conversation::{Made, Opened, Talk};
use schemas::decision::Outreach;
use schemas::ids::PartitionId;
use schemas::record::{RecordKind, encode_talk};
use schemas::time::Span;

use super::texts::Texts;

/// A log that did not take the record is asked again after this long.
const AGAIN: Span = Span::seconds(10);

/// Wait within one call before the log is asked a second time.
const SOON: Duration = Duration::from_millis(200);

/// Where threads are written to.
#[derive(Clone)]
pub struct Voice {
    /// The log.
    pub sink: Arc<dyn LogSink>,
    /// Its partitions.
    pub partitions: u32,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Opens outreach in threads.
pub struct InApp {
    voice: Voice,
    texts: Texts,
}

impl InApp {
    /// Returns the channel, with what it says.
    pub fn new(voice: Voice, texts: Texts) -> Self {
        Self { voice, texts }
    }
}

impl Channel for InApp {
    fn repeat(&self) -> Repeat {
        Repeat::Idempotent
    }

    fn deliver(&self, outreach: Outreach) -> BoxFuture<'static, Delivery> {
        let refused = |why: String| -> BoxFuture<'static, Delivery> {
            Box::pin(std::future::ready(Delivery::Refused(why)))
        };
        let voice = self.voice.clone();
        if outreach.customer.is_anonymous() {
            return refused("no page speaks for an anonymous shopper of the shop's events".to_owned());
        }
        match self.texts.fill(&outreach.template, &outreach.facts) {
            Err(why) => refused(why.to_string()),
            Ok((lang, text)) => {
                let Outreach { id, trigger, facts, customer, .. } = outreach;
                let opened = Opened { outreach: id, trigger, text, lang, facts, made: Made::Template };
                Box::pin(async move { voice.open(customer.as_str(), opened).await })
            }
        }
    }
}

impl Voice {
    async fn open(&self, key: &str, opened: Opened) -> Delivery {
        let id = opened.outreach.to_string();
        let talk = Talk::Opened(opened);
        if let Err(rejection) = talk.check() {
            return Delivery::Refused(rejection.to_string());
        }
        let record = NewRecord {
            partition: PartitionId::of(key, self.partitions),
            key: key.into(),
            kind: RecordKind::Talk,
            epoch: None,
            stamp: None,
            body: encode_talk(&talk),
        };
        for _ in 0..2 {
            let Err(error) = self.sink.append(Topic::Events, vec![record.clone()]).await else {
                return Delivery::Delivered(Some(id));
            };
            match error.kind() {
                Kind::Retry | Kind::Anew => self.clock.sleep(SOON).await,
                Kind::Reject | Kind::Fatal => return Delivery::Refused(error.to_string()),
            }
        }
        Delivery::RetryAt(self.clock.now() + AGAIN)
    }
}

#[cfg(test)]
mod tests {
    use actors::kit::contract::{channel, sample};
    use actors::kit::memory::{ManualClock, MemoryLog};
    use schemas::ids::CustomerId;
    use schemas::time::Timestamp;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    fn voice() -> (Voice, MemoryLog) {
        let clock = ManualClock::at(Timestamp(1_800_000_000_000));
        let log = MemoryLog::new(4, Arc::new(clock.clone()));
        (Voice { sink: Arc::new(log.clone()), partitions: 4, clock: Arc::new(clock) }, log)
    }

    /// Returns what was opened, each outreach once, as rows take it.
    fn opened(log: &MemoryLog) -> Vec<Opened> {
        let mut all: Vec<Opened> = Vec::new();
        for record in (0..4).flat_map(|partition| log.records(Topic::Events, PartitionId(partition))) {
            let Talk::Opened(one) = serde_json::from_slice(&record.body).expect("talk") else {
                panic!("{record:?}")
            };
            if all.iter().all(|known| known.outreach != one.outreach) {
                all.push(one);
            }
        }
        all
    }

    #[test]
    fn in_app_channel_keeps_the_contract() {
        block_on(channel::suite(|| {
            let (voice, log) = voice();
            let channel = Arc::new(InApp::new(voice, Texts::any()));
            let sent = Box::new(move || opened(&log).into_iter().map(|one| one.outreach).collect());
            channel::Fixture { channel, sent }
        }));
    }

    #[test]
    fn what_is_opened_is_the_text_of_the_template_and_nobody_anonymous_is_written_to() {
        let (voice, log) = voice();
        let channel = InApp::new(voice, Texts::any());
        let mut outreach = sample::outreach("ada", 1);
        let delivered = block_on(channel.deliver(outreach.clone()));
        assert_eq!(delivered, Delivery::Delivered(Some(outreach.id.to_string())));
        assert!(!opened(&log)[0].text.is_empty());
        outreach.customer = CustomerId::anonymous("1");
        assert!(matches!(block_on(channel.deliver(outreach.clone())), Delivery::Refused(_)));
    }
}
