//! A node with dispatchers, over the doubles of every port.

use std::time::Duration;

use actix::System;
use futures_util::future::Either;
use schemas::decision::{Outcome, OutcomeStatus, Outreach};
use schemas::event::Border;
use schemas::ids::Epoch;
use schemas::record::RecordKind;
use schemas::time::Timestamp;
use tokio::sync::Notify;

use super::*;
use crate::dispatcher;
use crate::kit::contract::sample;
use crate::kit::memory::{ManualClock, MemoryLog, MemoryStore, RecordingChannel, ScriptedPredictor};
use crate::metrics::Metrics;
use crate::node::tests::pace::Pace;
use crate::node::{Node, NodeSettings};
use crate::port::channel::{Channel, Channels, Delivery, Repeat};
use crate::port::log::{Assignment, Commit, LogSink, LogSource, NewRecord, Topic};
use crate::port::{BoxFuture, Ports};

const PARTITIONS: u32 = 2;

struct World {
    clock: ManualClock,
    pace: Pace,
    log: MemoryLog,
    store: MemoryStore,
    channel: RecordingChannel,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp(1_795_507_200_000));
        let log = MemoryLog::new(PARTITIONS, Arc::new(clock.clone()));
        let (store, channel) = (MemoryStore::new(), RecordingChannel::new(Repeat::Idempotent));
        Self { pace: Pace::of(clock.clone()), clock, log, store, channel }
    }

    fn node(&self, log: &MemoryLog) -> Node {
        self.node_over(log, Arc::new(self.channel.clone()))
    }

    fn node_over(&self, log: &MemoryLog, channel: Arc<dyn Channel>) -> Node {
        let ports = Ports {
            source: Arc::new(log.clone()),
            sink: Arc::new(log.clone()),
            store: Arc::new(self.store.clone()),
            predictor: Arc::new(ScriptedPredictor::new()),
            answers: Arc::new(crate::port::answers::Nobody),
            channels: Arc::new(Channels::from([("mail".into(), channel)])),
            clock: Arc::new(self.clock.clone()),
        };
        let partition = crate::partition::settings::Settings {
            replay_margin: Duration::ZERO,
            ..crate::partition::settings::Settings::default()
        };
        let settings = NodeSettings {
            threads: 1,
            partition,
            dispatcher: dispatcher::settings::Settings::default(),
            ..NodeSettings::default()
        };
        let node = Node::start(ports, Arc::default(), Border::default(), settings, Metrics::new())
            .expect("a system runs");
        self.pace.follow(&node);
        node
    }

    /// Appends an outreach as an owner far above those of the test relays it.
    async fn relay(&self, customer: &str) -> Outreach {
        let expires = Timestamp(i64::MAX);
        let outreach = Outreach { channel: "mail".into(), expires, ..sample::outreach(customer, 1) };
        let record = NewRecord {
            partition: PartitionId::of(customer, PARTITIONS),
            key: customer.into(),
            kind: RecordKind::Outreach,
            epoch: Some(Epoch(1_000)),
            stamp: None,
            body: serde_json::to_vec(&outreach).expect("an outreach is JSON").into(),
        };
        self.log.append(Topic::Outreach, vec![record]).await.expect("memory");
        outreach
    }

    /// Appends an event of a customer.
    async fn tell(&self, customer: &str) {
        let body = format!(r#"{{"userId":"{customer}","event":"Product Viewed","messageId":"m"}}"#);
        let record = NewRecord {
            partition: PartitionId::of(customer, PARTITIONS),
            key: customer.into(),
            kind: RecordKind::Event,
            epoch: None,
            stamp: None,
            body: body.into(),
        };
        self.log.append(Topic::Events, vec![record]).await.expect("memory");
    }

    fn outcomes(&self) -> Vec<OutcomeStatus> {
        let records = (0..PARTITIONS).flat_map(|number| self.log.records(Topic::Events, PartitionId(number)));
        records
            .filter(|record| record.kind == RecordKind::Outcome)
            .map(|record| serde_json::from_slice::<Outcome>(&record.body).expect("an outcome").status)
            .collect()
    }
}

#[test]
fn all_is_quiet_when_every_outreach_was_sent_and_its_outcome_read() {
    System::new().block_on(async {
        let world = World::new();
        let customers: Vec<String> = (0..40).map(|number| format!("customer-{number}")).collect();
        for customer in &customers {
            world.relay(customer).await;
        }
        let node = world.node(&world.log);
        world.pace.passing(node.quiet()).await.expect("quiet");
        assert_eq!(world.channel.sent().len(), 40);
        assert_eq!(world.outcomes(), vec![OutcomeStatus::Delivered; 40]);
        for (partition, levels) in node.levels() {
            assert_eq!(levels.next.0 as usize, world.log.records(Topic::Events, partition).len());
        }
        world.pace.passing(node.stop()).await.expect("stopped");
        for partition in (0..PARTITIONS).map(PartitionId) {
            let committed = world.log.committed(Topic::Outreach, partition).await.expect("memory");
            assert_eq!(committed.position, world.log.end(Topic::Outreach, partition).await.expect("memory"));
        }
    });
}

#[test]
fn a_partition_that_comes_back_goes_on_where_its_dispatcher_was() {
    System::new().block_on(async {
        let world = World::new();
        let node = world.node(&world.log);
        world.relay("ada").await;
        world.pace.passing(node.quiet()).await.expect("quiet");
        let partition = PartitionId::of("ada", PARTITIONS);
        world.log.assign(Assignment::Revoked { partition, lost: false });
        world.log.assign(Assignment::Assigned(partition));
        world.relay("ada").await;
        let other = world.relay("bob").await;
        world.pace.passing(node.quiet()).await.expect("quiet");
        assert_eq!(world.channel.sent().len(), 2, "the second to ada was the first again");
        assert_eq!(world.channel.sent()[1].id, other.id);
        world.pace.passing(node.stop()).await.expect("stopped");
        let again = world.node(&world.log.reopened());
        world.pace.passing(again.quiet()).await.expect("quiet");
        assert_eq!(world.channel.calls().len(), 2, "nothing is called again");
        world.pace.passing(again.stop()).await.expect("stopped");
    });
}

/// A channel whose calls wait to be ended.
#[derive(Clone, Default)]
struct Slow {
    called: Arc<Notify>,
    ended: Arc<Notify>,
}

impl Channel for Slow {
    fn repeat(&self) -> Repeat {
        Repeat::Idempotent
    }

    fn deliver(&self, _outreach: Outreach) -> BoxFuture<'static, Delivery> {
        let Self { called, ended } = self.clone();
        Box::pin(async move {
            called.notify_one();
            ended.notified().await;
            Delivery::Delivered(None)
        })
    }
}

#[test]
fn partitions_work_on_while_calls_that_are_under_way_end() {
    System::new().block_on(async {
        let (world, slow) = (World::new(), Slow::default());
        let node = world.node_over(&world.log, Arc::new(slow.clone()));
        world.relay("ada").await;
        world.pace.passing(slow.called.notified()).await;
        let stop = std::pin::pin!(node.drain(Duration::from_secs(3_600)));
        let Either::Right(((), stop)) = future::select(stop, future::ready(())).await else {
            panic!("the call has not ended");
        };
        world.tell("bob").await;
        let applied = async {
            while node.counts().applied == 0 {
                tokio::task::yield_now().await;
            }
        };
        match world.pace.passing(future::select(stop, std::pin::pin!(applied))).await {
            Either::Left(_) => panic!("the partitions had stopped before the call ended"),
            Either::Right(((), stop)) => {
                slow.ended.notify_one();
                let (left, stopped) = world.pace.passing(stop).await;
                stopped.expect("stopped in good order");
                assert_eq!(left, Default::default());
            }
        }
        assert_eq!(world.outcomes(), [OutcomeStatus::Delivered]);
    });
}

#[test]
fn a_dispatcher_that_stops_ends_every_wait_with_its_reason() {
    System::new().block_on(async {
        let world = World::new();
        let beyond = Commit { position: Position(9), epoch: Epoch(1) };
        world.log.commit(Topic::Outreach, PartitionId(1), beyond).await.expect("memory");
        let node = world.node(&world.log);
        let error = world.pace.passing(node.quiet()).await.expect_err("it stopped");
        assert!(error.to_string().contains("dispatcher of partition 1 stopped"), "{error}");
        assert_eq!(node.ended().map(|reason| reason.contains("care.outreach")), Some(true));
    });
}
