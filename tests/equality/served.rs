//! The engine's side: what it asks of its predictor while it replays files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::node::Node;
use actors::port::clock::Clock;
use actors::port::log::{LogSource, Topic};
use actors::port::predictor::{Error, Predictor};
use actors::port::{Ports, Reply};
use anyhow::{Result, bail};
use engine::app::{self, OpenWorld, PlayedWorld};
use engine::replay::gate::NodeGate;
use engine::replay::{self, Replay, Report, Speed};
use engine::settings::Settings;
use futures_util::future::{self, Either};
use schemas::ids::{PartitionId, Position};
use schemas::rulebook::Rulebook;
use schemas::score::{Answer, Ask, Head};

use super::compare::Asks;
use super::{Case, Triggers};
use crate::world::{Kind, World};

/// Notes every question and passes it on.
struct Recorder {
    inner: Arc<dyn Predictor>,
    asked: Arc<Mutex<Vec<Ask>>>,
}

impl Predictor for Recorder {
    fn score(&self, ask: Ask) -> Reply<Answer, Error> {
        self.asked.lock().expect("nobody panics with it").push(ask.clone());
        self.inner.score(ask)
    }

    fn prior(&self, head: Head) -> f32 {
        self.inner.prior(head)
    }
}

/// Says nothing.
pub struct Quiet;

impl Report for Quiet {
    fn begun(&self, _: &Path, _: u64) {}
    fn reached(&self, _: u64, _: u64) {}
}

/// Returns the rulebook of the engine.
pub fn book(case: &Case<'_>, settings: &Settings) -> Rulebook {
    let book = app::rulebook_of_files(settings, case.format).expect("ready triggers");
    match case.triggers {
        Triggers::Some => book,
        Triggers::None => Rulebook { triggers: Default::default(), ..book },
    }
}

/// Returns what the engine asks while it replays the files of a case; with several partitions it is not known of whom.
pub fn asks(case: &Case<'_>) -> Asks {
    let world = World::of(case.kind, case.partitions);
    let settings = case.settings(&world);
    let asked = Arc::default();
    let who = actix::System::new().block_on(async {
        let opened = PlayedWorld::open(&settings).await?;
        let recorder = Recorder { inner: opened.ports.predictor.clone(), asked: Arc::clone(&asked) };
        let ports = Ports { predictor: Arc::new(recorder), ..opened.ports.clone() };
        let book = Arc::new(book(case, &settings));
        let of_node = app::replay_node(&settings);
        let node = Node::start(ports, book, app::border(&settings), of_node, opened.metrics.clone())?;
        play(case, &settings, &opened, &node).await?;
        assert_eq!(node.ended(), None);
        node.stop().await?;
        let keys = match case.kind {
            Kind::Embedded => keys(opened.target.log()).await,
            // Who is no member any more is refused by the partitions that the engine read.
            Kind::Servers => {
                let looked = OpenWorld::to_look(&settings).await?;
                let keys = keys(&*looked.ports.source).await;
                looked.leave().await;
                keys
            }
        };
        opened.leave().await;
        keys
    });
    let who = who.expect("the engine runs");
    let mut asks = Asks::default();
    let mut asked = std::mem::take(&mut *asked.lock().expect("nobody panicked"));
    asked.sort_by_key(|ask| ask.id.attempt);
    for ask in asked {
        asks.add(&who[&ask.id.position], &ask);
    }
    if case.partitions > 1 { asks.without_customers() } else { asks }
}

/// Plays the files, and waits until the engine has nothing left to do.
async fn play(case: &Case<'_>, settings: &Settings, opened: &PlayedWorld, node: &Node) -> Result<()> {
    let replay = Replay {
        sources: replay::check(case.files, case.format, &app::border(settings))?,
        format: case.format,
        speed: Speed::Max,
        target: opened.target.clone(),
        clock: opened.clock.clone(),
        settings: settings.replay.clone(),
        border: app::border(settings),
        scratch: opened.scratch.clone(),
    };
    let gate = NodeGate(node);
    let source = std::pin::pin!(replay::run(replay, &gate, &Quiet));
    match future::select(source, std::pin::pin!(stopped(node, &*opened.ports.clock))).await {
        Either::Left((tally, _)) => tally?,
        Either::Right((reason, _)) => bail!("the engine stopped: {reason}"),
    };
    node.quiet_at(opened.ports.clock.now()).await?;
    node.settle().await?;
    Ok(())
}

/// Resolves when the engine stops by itself, with the reason: it settles no more then.
async fn stopped(node: &Node, clock: &dyn Clock) -> String {
    loop {
        clock.sleep(Duration::from_millis(100)).await;
        if let Some(reason) = node.ended() {
            return reason;
        }
    }
}

/// Returns whose the records of the log are; with several partitions the last one at each position.
async fn keys(log: &dyn LogSource) -> Result<BTreeMap<Position, String>> {
    let mut keys = BTreeMap::new();
    for partition in (0..log.partitions()).map(PartitionId) {
        let (mut from, end) = (Position(0), log.end(Topic::Events, partition).await?);
        while from < end {
            let fetched = log.fetch(Topic::Events, partition, from, 10_000).await?;
            from = fetched.next;
            keys.extend(fetched.records.into_iter().map(|record| (record.position, record.key.to_string())));
        }
    }
    Ok(keys)
}
