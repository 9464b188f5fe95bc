//! A channel that delivers to the program's own log: for demonstrations and replays. Nothing leaves the machine.

use actors::port::BoxFuture;
use actors::port::channel::{Channel, Delivery, Repeat};
use schemas::decision::Outreach;

/// Where the lines are found: `observability.log = "warn,care::outreach=info"` shows them.
pub const TARGET: &str = "care::outreach";

/// Writes one line per outreach. The line names the outreach by its id, so whoever reads the log takes an id once: a repeated call
/// delivers nothing new. Facts and templates are for the customer's eyes and stay out of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogChannel;

impl Channel for LogChannel {
    fn repeat(&self) -> Repeat {
        Repeat::Idempotent
    }

    fn deliver(&self, outreach: Outreach) -> BoxFuture<'static, Delivery> {
        tracing::info!(
            target: TARGET,
            id = %outreach.id,
            customer = %outreach.customer,
            trigger = %outreach.trigger,
            version = outreach.version,
            attempt = outreach.attempt,
            category = ?outreach.category,
            template = %outreach.template,
            at = %outreach.at,
            "outreach delivered"
        );
        let taken = Delivery::Delivered(Some(outreach.id.to_string()));
        Box::pin(std::future::ready(taken))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::{Arc, Mutex, PoisonError};

    use actors::kit::contract::channel;
    use schemas::ids::OutreachId;
    use tracing::field::{Field, Visit};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    use super::*;

    /// Collects the lines of the channel as a reader of the log sees them.
    #[derive(Clone, Default)]
    struct Reader(Arc<Mutex<Vec<Line>>>);

    #[derive(Clone, Default)]
    struct Line {
        id: String,
        text: String,
    }

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == "id" {
                self.id = format!("{value:?}");
            }
            self.text.push_str(&format!("{field}={value:?} "));
        }
    }

    impl<S: tracing::Subscriber> Layer<S> for Reader {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            if event.metadata().target() == TARGET {
                let mut line = Line::default();
                event.record(&mut line);
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        }
    }

    impl Reader {
        /// Returns the lines, each id once.
        fn lines(&self) -> Vec<Line> {
            let mut lines: Vec<Line> = Vec::new();
            for line in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                if lines.iter().all(|known| known.id != line.id) {
                    lines.push(line.clone());
                }
            }
            lines
        }
    }

    fn id(line: &Line) -> OutreachId {
        OutreachId(u128::from_str_radix(&line.id, 16).expect("an id is hexadecimal"))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn log_channel_keeps_the_contract() {
        let current = Arc::new(Mutex::new(Reader::default()));
        let switch = Switch(current.clone());
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(switch));
        block_on(channel::suite(|| {
            let reader = Reader::default();
            *current.lock().expect("no test panicked") = reader.clone();
            let sent = Box::new(move || reader.lines().iter().map(id).collect());
            channel::Fixture { channel: Arc::new(LogChannel), sent }
        }));
    }

    /// Hands lines to the reader of the fixture that is in use.
    struct Switch(Arc<Mutex<Reader>>);

    impl<S: tracing::Subscriber> Layer<S> for Switch {
        fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
            self.0.lock().expect("no test panicked").clone().on_event(event, context);
        }
    }

    #[test]
    fn a_line_holds_neither_facts_nor_text_for_the_customer() {
        let reader = Reader::default();
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(reader.clone()));
        let customer = schemas::ids::CustomerId::user("42");
        let slot = schemas::ids::Slot {
            origin: customer.clone(),
            position: schemas::ids::Position(1),
            nth: 0,
            step: 0,
        };
        let outreach = Outreach {
            id: OutreachId::of("win-back", &slot),
            customer,
            trigger: "win-back".into(),
            version: 1,
            slot,
            attempt: 0,
            category: schemas::decision::Category::Service,
            channel: "log".into(),
            template: "we_miss_you".into(),
            facts: schemas::value::Properties(vec![(
                "email".into(),
                schemas::value::Value::Text("ada@example.org".into()),
            )]),
            at: schemas::time::Timestamp(0),
            expires: schemas::time::Timestamp(1),
        };
        block_on(LogChannel.deliver(outreach));
        let lines = reader.lines();
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].text.contains("example.org"), "{}", lines[0].text);
    }
}
