//! A client that has lost its way is replaced. The brokers are the client library's own mock: real ones do not refuse to order.

use std::sync::Mutex;
use std::thread;

use actors::port::log::{Assignment, Commit, Topic};
use futures_util::FutureExt as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use schemas::ids::Epoch;
use schemas::time::Span;
use tokio::sync::oneshot;

use super::super::assignment::Assignments;
use super::super::buffer::{Bounds, Extent, Look};
use super::super::client;
use super::super::commits::Commits;
use super::super::settings::Settings;
use super::*;
use crate::clock::SystemClock;

const P: PartitionId = PartitionId(0);
const RECORDS: u64 = 5;
/// Longest wait for anything that comes about by itself.
const SOON: Duration = Duration::from_secs(40);
/// More answers than are asked for before they are taken back.
const REFUSALS: usize = 10_000;

/// Brokers with a topic of five records, and a thread that reads it.
struct World {
    brokers: MockCluster<'static, DefaultProducerContext>,
    settings: Arc<Settings>,
    reading: Arc<Reading>,
    around: Around,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl World {
    fn new() -> Self {
        let brokers = MockCluster::new(1).expect("brokers that are none");
        let defaults = crate::settings::Settings::defaults().kafka;
        let settings = Arc::new(Settings { brokers: brokers.bootstrap_servers(), ..defaults });
        let name = settings.topic(Topic::Events);
        brokers.create_topic(&name, 1, 1).expect("a topic");
        let producer: BaseProducer =
            ClientConfig::new().set("bootstrap.servers", &settings.brokers).create().expect("a producer");
        for _ in 0..RECORDS {
            producer.send(BaseRecord::to(&name).key("u").payload("{}")).expect("there is room");
        }
        producer.flush(SOON).expect("the brokers answer");
        let failure = Arc::new(Failure::default());
        let bounds = Bounds { records: 100, bytes: 1 << 20, silence_max: Span::seconds(5) };
        let reading = Arc::new(Reading::new(Topic::Events, name, 1, bounds, Arc::clone(&failure)));
        let around = Around {
            clock: Arc::new(SystemClock),
            metrics: Metrics::new(),
            questions: Arc::default(),
            failure,
        };
        Self { brokers, settings, reading, around, ended: Mutex::default() }
    }

    fn start(&self, config: &ClientConfig, role: Role) {
        let ended = Consumer::start(config, Arc::clone(&self.reading), role, self.around.clone());
        *self.ended.lock().expect("one thread") = Some(ended.expect("a thread"));
    }

    /// Returns what is read from the beginning on; says where the partition ends when it is asked, as the watcher does.
    fn look(&self) -> Look {
        let mut buffer = self.reading.buffer(P).expect("a partition");
        let look = buffer.look(Position(0), 100);
        if buffer.wants_check() {
            buffer.checked(Extent { start: Position(0), end: Position(RECORDS) }, Timestamp(0));
        }
        look
    }

    /// The brokers refuse whoever fetches, for longer than a consumer may stand still: until it is replaced.
    fn until_replaced(&self) {
        let errors = vec![RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION; REFUSALS];
        self.brokers.request_errors(RDKafkaApiKey::Fetch, &errors);
        self.look();
        self.until("the consumer is put to its place", || {
            self.reading.buffer(P).expect("a partition").wanted() == ToDo::Nothing
        });
        for at in (0..=30_000).step_by(1_000).map(Timestamp) {
            assert_eq!(self.look(), Look::Wait);
            self.reading.buffer(P).expect("a partition").ended(Position(RECORDS), at);
        }
        self.until("it is replaced", || self.replaced() == 1.0);
        self.brokers.clear_request_errors(RDKafkaApiKey::Fetch);
    }

    fn until_read(&self) {
        let mut found = 0;
        self.until("everything is read", || {
            if let Look::Here(fetched) = self.look() {
                found = fetched.records.len() as u64;
            }
            found == RECORDS
        });
        assert_eq!(self.replaced(), 1.0, "the new one finds its way");
    }

    fn replaced(&self) -> f64 {
        let samples = self.around.metrics.samples();
        let replaced = samples.iter().filter(|sample| sample.name == "care_log_consumers_replaced_total");
        replaced.map(|sample| sample.value).sum()
    }

    #[track_caller]
    fn until(&self, what: &str, mut reached: impl FnMut() -> bool) {
        let late = SystemClock.boot() + SOON;
        while !reached() {
            assert!(SystemClock.boot() < late, "waited in vain: {what}; {:?}", self.around.failure.reason());
            thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for World {
    /// The thread is gone before the brokers are.
    fn drop(&mut self) {
        self.reading.stop();
        if let Some(ended) = self.ended.lock().expect("one thread").take() {
            drop(ended.blocking_recv());
        }
    }
}

#[test]
fn a_reader_that_stands_still_goes_on_with_another_client() {
    let world = World::new();
    world.reading.buffer(P).expect("a partition").hold();
    world.start(&client::reader(&world.settings), Role::Reader(BTreeSet::new()));
    world.until_replaced();
    world.until_read();
}

#[test]
fn a_member_that_stands_still_loses_what_it_held_and_joins_again() {
    let world = World::new();
    let (assignments, commits) = (Arc::new(Assignments::default()), Arc::new(Commits::default()));
    let member = Member::new(Arc::clone(&world.settings), Arc::clone(&assignments), Arc::clone(&commits));
    world.start(&client::member(&world.settings), Role::Member(Box::new(member)));
    let hear = |change| {
        let heard = || Arc::clone(&assignments).next().now_or_never();
        world.until("the group says so", || heard().is_some_and(|heard| heard == change));
    };
    hear(Assignment::Assigned(P));
    world.until_replaced();
    hear(Assignment::Revoked { partition: P, lost: true });
    hear(Assignment::Assigned(P));
    world.until_read();
    let (answer, heard) = oneshot::channel();
    commits.want(Topic::Events, P, Commit { position: Position(RECORDS), epoch: Epoch(1) }, answer);
    heard.blocking_recv().expect("an answer").expect("it is a member again");
}
