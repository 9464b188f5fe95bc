//! A dispatcher on the in-memory kit, one port call at a time, so that a test may end it behind any of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use schemas::customer::codec::Codec;
use schemas::customer::{Customer, Effects};
use schemas::decision::{Outcome, Outreach};
use schemas::ids::{CustomerId, Epoch, PartitionId, Position};
use schemas::record::{self, RecordKind};
use schemas::rulebook::Rulebook;
use schemas::time::Timestamp;
use smol_str::SmolStr;

use crate::dispatcher::core::{Core, Params};
use crate::dispatcher::perform::perform;
use crate::dispatcher::protocol::{Action, End, Input, Io, Noted, Now};
use crate::dispatcher::settings::{Rules, Settings, promises};
use crate::kit::contract::sample;
use crate::kit::memory::{ManualClock, MemoryLog, MemoryStore, RecordingChannel, ScriptedPredictor};
use crate::port::Ports;
use crate::port::channel::{Channel, Channels};
use crate::port::log::{LogSink, NewRecord, Topic};
use crate::port::store::{LedgerEntry, Row, Store};

/// The one partition.
pub const PARTITION: PartitionId = PartitionId(0);
/// The wall clock at the start.
pub const NOW: Timestamp = Timestamp(10_000);

/// The outside of dispatchers.
#[derive(Clone)]
pub struct World {
    pub log: MemoryLog,
    pub store: MemoryStore,
    pub clock: ManualClock,
    pub ports: Ports,
}

impl World {
    pub fn new(channel: RecordingChannel) -> Self {
        Self::with([("mail", Arc::new(channel) as Arc<dyn Channel>)])
    }

    pub fn with<const N: usize>(channels: [(&str, Arc<dyn Channel>); N]) -> Self {
        let clock = ManualClock::at(NOW);
        let log = MemoryLog::new(1, Arc::new(clock.clone()));
        let store = MemoryStore::new();
        let ports = Ports {
            source: Arc::new(log.clone()),
            sink: Arc::new(log.clone()),
            store: Arc::new(store.clone()),
            predictor: Arc::new(ScriptedPredictor::new()),
            answers: Arc::new(crate::port::answers::Nobody),
            channels: Arc::new(Channels::from(channels.map(|(name, channel)| (name.into(), channel)))),
            clock: Arc::new(clock.clone()),
        };
        Self { log, store, clock, ports }
    }

    /// Appends an outreach as an owner of this epoch relays it.
    pub async fn relay(&self, epoch: u64, outreach: &Outreach) {
        let body = serde_json::to_vec(outreach).unwrap();
        self.append(epoch, RecordKind::Outreach, outreach.customer.as_str(), body).await;
    }

    pub async fn append(&self, epoch: u64, kind: RecordKind, key: &str, body: Vec<u8>) {
        let epoch = Some(Epoch(epoch));
        let record =
            NewRecord { partition: PARTITION, key: key.into(), kind, epoch, stamp: None, body: body.into() };
        self.log.append(Topic::Outreach, vec![record]).await.unwrap();
    }

    /// Stores the row of a customer who was told this.
    pub async fn tell(&self, customer: &str, inputs: &[record::Input]) {
        let customer = CustomerId::of_key(customer.into());
        let mut row = Customer::new(customer.clone());
        for (at, input) in inputs.iter().enumerate() {
            let record = record::Record { position: Position(at as u64), stamp: NOW, input: input.clone() };
            row.apply(&Rulebook::default(), &record, &mut Effects::default());
        }
        let mut state = Vec::new();
        row.encode(Codec::NEWEST, &mut state);
        let row = Row { customer, written_at: 1, epoch: Epoch(1), state: state.into() };
        self.store.write_rows(PARTITION, vec![row]).await.unwrap();
    }

    /// Returns every outcome that was reported.
    pub fn outcomes(&self) -> Vec<Outcome> {
        let records = self.log.records(Topic::Events, PARTITION);
        records.iter().map(|record| serde_json::from_slice(&record.body).unwrap()).collect()
    }

    /// Returns whose rows were told of outcomes, in order.
    pub fn told(&self) -> Vec<SmolStr> {
        self.log.records(Topic::Events, PARTITION).into_iter().map(|record| record.key).collect()
    }

    pub async fn ledger(&self, outreach: &Outreach) -> Option<LedgerEntry> {
        self.store.read_ledger(outreach.slot.origin.clone(), outreach.id).await.unwrap()
    }

    /// Returns a dispatcher that was just given the partition.
    pub fn dispatcher(&self, nonce: u128, settings: Settings) -> Dispatcher {
        let params = Params {
            partition: PARTITION,
            partitions: 1,
            settings,
            rules: Rules::default(),
            promises: promises(&self.ports.channels),
            book: Arc::default(),
            restored: None,
        };
        let mut dispatcher = Dispatcher {
            core: Core::new(params),
            world: self.clone(),
            asked: VecDeque::new(),
            counted: Vec::new(),
            ended: None,
        };
        dispatcher.handle(Input::Start { nonce });
        dispatcher
    }
}

/// Returns an outreach to `ada` on channel `mail`, that did not expire yet.
pub fn outreach(number: u64, attempt: u32) -> Outreach {
    let expires = Timestamp(1_000_000);
    Outreach { attempt, channel: "mail".into(), expires, ..sample::outreach("ada", number) }
}

/// One dispatcher.
pub struct Dispatcher {
    pub core: Core,
    pub counted: Vec<Noted>,
    pub ended: Option<End>,
    world: World,
    asked: VecDeque<Io>,
}

impl Dispatcher {
    pub fn handle(&mut self, input: Input) {
        let clock = &self.world.ports.clock;
        let now = Now { wall: clock.now(), boot: clock.boot() };
        let mut actions = Vec::new();
        self.core.handle(now, input, &mut actions);
        for action in actions {
            match action {
                Action::Do(io) => self.asked.push_back(io),
                Action::Count(noted) => self.counted.push(noted),
                Action::End(end) => self.ended = Some(end),
            }
        }
    }

    /// Makes at most so many port calls, and passes time where nothing else is left; the reply of the last call is lost. Returns
    /// false when everything was done before.
    pub async fn work(&mut self, calls: usize) -> bool {
        if !self.steps(calls - 1).await {
            return false;
        }
        let Some(io) = self.next().await else { return false };
        drop(perform(io, PARTITION, &self.world.ports).await);
        true
    }

    /// The same, with every reply.
    pub async fn steps(&mut self, calls: usize) -> bool {
        for _ in 0..calls {
            let Some(io) = self.next().await else { return false };
            let reply = perform(io, PARTITION, &self.world.ports).await;
            self.handle(reply);
        }
        true
    }

    /// Works until everything is done, with every reply.
    pub async fn finish(&mut self) {
        while let Some(io) = self.next().await {
            let reply = perform(io, PARTITION, &self.world.ports).await;
            self.handle(reply);
        }
    }

    /// Returns the next port call; fetches last, and none when the log is read to its end and all of it is committed.
    async fn next(&mut self) -> Option<Io> {
        loop {
            let fetches = |io: &Io| matches!(io, Io::Fetch { .. });
            if let Some(at) = self.asked.iter().position(|io| !fetches(io)) {
                return self.asked.remove(at);
            }
            let end = self.world.log.records(Topic::Outreach, PARTITION).len() as u64;
            if self.core.levels().next.is_some_and(|next| next.0 < end)
                && let Some(fetch) = self.asked.pop_front()
            {
                return Some(fetch);
            }
            let pause = self.core.deadline()?.saturating_sub(self.world.ports.clock.boot());
            // Then only what was committed is left to be committed again, for ever.
            if pause >= Settings::default().commit_again {
                return None;
            }
            self.world.clock.advance(pause.max(Duration::from_millis(1)));
            self.handle(Input::Tick);
        }
    }
}
