//! A broker that stands still takes connections and says nothing; which connections it says nothing on is the test's to choose.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use actors::kit::memory::ManualClock;
use rdkafka::consumer::Consumer as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use schemas::time::Timestamp;

use super::super::client;
use super::*;

const TOPIC: &str = "t";
/// Bound of one request.
const WAIT: Duration = Duration::from_millis(500);

/// A way to the brokers. Connections that were made before it opened are never answered, as those to a process that stands still.
struct World {
    clock: ManualClock,
    asker: Asker,
    metrics: Metrics,
    open: Arc<AtomicBool>,
    _brokers: MockCluster<'static, DefaultProducerContext>,
}

impl World {
    fn new() -> Self {
        let brokers = MockCluster::new(1).expect("brokers that are none");
        brokers.create_topic(TOPIC, 3, 1).expect("a topic");
        let open = Arc::new(AtomicBool::new(false));
        let way = TcpListener::bind("127.0.0.1:0").expect("a port");
        let defaults = crate::settings::Settings::defaults().kafka;
        let settings = crate::log::kafka::Settings {
            brokers: way.local_addr().expect("it is bound").to_string(),
            ..defaults
        };
        let (is_open, to) = (Arc::clone(&open), brokers.bootstrap_servers());
        thread::spawn(move || {
            let mut unanswered = Vec::new();
            for stream in way.incoming().map_while(Result::ok) {
                match is_open.load(Ordering::Acquire) {
                    true => relay(&stream, &TcpStream::connect(&to).expect("the brokers are there")),
                    false => unanswered.push(stream),
                }
            }
        });
        let (clock, metrics) = (ManualClock::at(Timestamp(0)), Metrics::new());
        let asker = Asker::new(client::reader(&settings), Arc::new(clock.clone()), metrics.clone());
        Self { clock, asker: asker.expect("a client"), metrics, open, _brokers: brokers }
    }

    /// Asks how many partitions there are.
    fn ask(&mut self) -> Option<usize> {
        let asked = self.asker.ask(|client| client.fetch_metadata(Some(TOPIC), WAIT));
        asked.ok().map(|metadata| metadata.topics()[0].partitions().len())
    }

    fn replaced(&self) -> f64 {
        let samples = self.metrics.samples();
        let replaced = samples.iter().filter(|sample| sample.name == "care_log_consumers_replaced_total");
        replaced.map(|sample| sample.value).sum()
    }
}

fn relay(one: &TcpStream, other: &TcpStream) {
    for (from, to) in [(one, other), (other, one)] {
        let both = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
        thread::spawn(move || {
            let (mut from, mut to) = both;
            std::io::copy(&mut from, &mut to).ok();
            // Whoever is gone already needs not be told.
            to.shutdown(Shutdown::Both).ok();
        });
    }
}

#[test]
fn a_deaf_client_is_replaced_once_another_is_answered() {
    let mut world = World::new();
    assert_eq!(world.ask(), None, "nobody answers");
    world.open.store(true, Ordering::Release);
    assert_eq!(world.ask(), None, "this client has its connection, and hears nothing on it");
    world.clock.advance(PATIENCE);
    assert_eq!(world.ask(), Some(3), "a new one hears");
    assert_eq!(world.replaced(), 1.0);
    world.clock.advance(PATIENCE);
    assert_eq!(world.ask(), Some(3));
    assert_eq!(world.replaced(), 1.0, "and stays");
}

#[test]
fn brokers_that_are_away_are_no_reason_to_replace_a_client() {
    let mut world = World::new();
    let first = Arc::as_ptr(&world.asker.client);
    for _ in 0..2 {
        world.clock.advance(PATIENCE);
        assert_eq!(world.ask(), None);
    }
    assert_eq!((world.replaced(), Arc::as_ptr(&world.asker.client)), (0.0, first));
    assert_eq!(world.asker.patience, PATIENCE * 2, "the second came too soon for another try");
    world.open.store(true, Ordering::Release);
    world.clock.advance(PATIENCE);
    assert_eq!(world.ask(), Some(3));
    assert_eq!((world.replaced(), world.asker.patience), (1.0, PATIENCE), "what was in vain is forgotten");
}
