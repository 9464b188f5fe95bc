//! What prediction costs a running engine: processor time per event beside an engine that asks nothing, what it adds to the way of an
//! event under load, and what becomes of events when the model is far too slow.

use std::time::Duration;

use actors::batcher::Patience;
use actors::metrics::Metrics;
use actors::partition::settings::Settings as PartitionSettings;
use anyhow::{Context, Result};
use schemas::profile::Heads;
use schemas::rulebook::Rulebook;

use crate::events::{Events, Order};
use crate::latency::{decided, paced, quantiles};
use crate::predictor::{Brake, Models, Watch, Watched};
use crate::tap::{Decisions, Tap};
use crate::world::{Around, World, bounds, run};
use crate::{Given, Measurement, Part, book, machine};

/// The table of costs.
pub const PREDICTION: Measurement = Measurement {
    name: "prediction",
    head: "### Processor time per event with the predictor on\n\n\
        The same events at full speed, every question waited for as a replay does; µs per event over the second half.\n\n\
        | predictor | all | questions per event | rows per batch | µs per question, all told | events/s |\n\
        |---|---|---|---|---|---|",
    parts: &[Part::new("prediction", cost)],
};

/// The table of latency under load.
pub const LOAD: Measurement = Measurement {
    name: "load",
    head: "### From event to score, by load\n\n\
        Load in events/s as a share of full speed with the predictor on.\n\n\
        | load | events/s | scores/s | fallbacks | ms from question to answer: p50 | p99 | max | ms from event to answer: p50 | p99 | max | \
        ms from event to decision: p50 | p99 | max |\n\
        |---|---|---|---|---|---|---|---|---|---|---|---|---|",
    parts: &[Part::new("load", load)],
};

/// The table of the slow model.
pub const SLOW: Measurement = Measurement {
    name: "slow",
    head: "### When the model is ten times too slow\n\n\
        Three tenths of full speed, first with the model as it is, then with one that keeps a core busy and answers a tenth of what it is \
        asked. A decision here waits for no score.\n\n\
        | model | events/s | questions/s | answered | fallbacks | open questions, most | ms from event to decision: p50 | p99 | max | MB resident: before | after |\n\
        |---|---|---|---|---|---|---|---|---|---|---|",
    parts: &[Part::new("slow", slow)],
};

const CUSTOMERS: u64 = 10_000;

/// Events of a run at full speed.
const FULL_SPEED: u64 = 400_000;

/// Seconds at each load.
const SECONDS: u64 = 10;

/// Seconds of a slow model: long enough to see memory grow if it grew.
const SLOW_SECONDS: u64 = 20;

/// A world with the models, and what looks into it.
struct Scoring {
    world: World,
    events: Events,
    left: Decisions,
    watch: Watch,
    brake: Brake,
}

impl Scoring {
    fn start(dir: &std::path::Path, patience: Patience) -> Result<Self> {
        let (left, watch, brake) = (Decisions::default(), Watch::default(), Brake::default());
        let models = Models::load(brake.clone())?;
        let book = Rulebook { heads: models.heads(), ..book::deciding() };
        let (tapped, watching) = (left.clone(), watch.clone());
        let around = Around {
            predictor: Box::new(move |metrics: &Metrics| {
                Ok(Watched::around(models.start(metrics, patience)?, watching))
            }),
            ..Tap::around(tapped)
        };
        let mut partition = bounds();
        if patience == Patience::Endless {
            // As a replay: a score is waited for as long as it takes.
            partition.score_deadline = Duration::from_secs(3_600);
        }
        let world = World::start(dir, book, partition, around)?;
        let events = world.events(CUSTOMERS, Order::Random);
        Ok(Self { world, events, left, watch, brake })
    }

    /// Feeds at full speed; returns events per second of the second half.
    async fn full_speed(&mut self, given: &Given) -> Result<f64> {
        self.world.feed(&mut self.events, given.of(FULL_SPEED) / 2).await?;
        let begin = self.world.used().await;
        self.world.feed(&mut self.events, given.of(FULL_SPEED) / 2).await?;
        Ok(self.world.used().await.since(&begin).rate())
    }

    /// Feeds at a rate; returns what was seen of it.
    async fn at(&mut self, rate: f64, seconds: u64) -> Result<Seen> {
        drop((self.left.take(), self.watch.take()));
        let before = self.world.scores();
        let handed = paced(&self.world, &mut self.events, rate, rate as u64 * seconds).await?;
        self.world.settled().await?;
        // What partitions count comes with their ticks.
        let _used = self.world.used().await;
        let (decisions, _) = decided(&handed, &self.left.take())?;
        let (times, open_max) = self.watch.take();
        let after = self.world.scores();
        Ok(Seen {
            per_second: (after.0 - before.0 + after.1 - before.1) as f64 / seconds as f64,
            answered: after.0 - before.0,
            fallbacks: after.1 - before.1,
            open_max,
            asked: times.asked,
            event: times.event,
            decisions,
        })
    }
}

/// What was seen at a load.
struct Seen {
    per_second: f64,
    answered: u64,
    fallbacks: u64,
    open_max: usize,
    asked: Vec<Duration>,
    event: Vec<Duration>,
    decisions: Vec<Duration>,
}

fn cost(given: &Given) -> Result<()> {
    let off = run(async {
        let dir = tempfile::tempdir()?;
        let mut world =
            World::plain(dir.path(), Rulebook { heads: Heads::NONE, ..book::deciding() }, bounds())?;
        let mut events = world.events(CUSTOMERS, Order::Random);
        world.feed(&mut events, given.of(FULL_SPEED) / 2).await?;
        let begin = world.used().await;
        world.feed(&mut events, given.of(FULL_SPEED) / 2).await?;
        let used = world.used().await.since(&begin);
        world.node.stop().await?;
        println!("| off | **{:.2}** | 0 | – | – | {:.0} |", used.each(used.process), used.rate());
        Ok(used.each(used.process))
    })?;
    run(async {
        let dir = tempfile::tempdir()?;
        let Scoring { mut world, mut events, .. } = Scoring::start(dir.path(), Patience::Endless)?;
        world.feed(&mut events, given.of(FULL_SPEED) / 2).await?;
        let (begin, scores, batches) = (world.used().await, world.scores(), world.batches());
        world.feed(&mut events, given.of(FULL_SPEED) / 2).await?;
        let used = world.used().await.since(&begin);
        let questions = (world.scores().0 - scores.0) as f64;
        let each = questions / used.applied.max(1) as f64;
        println!(
            "| on | **{:.2}** | {each:.2} | {:.1} | {:.2} | {:.0} |",
            used.each(used.process),
            questions / (world.batches() - batches).max(1) as f64,
            (used.each(used.process) - off) / each.max(f64::MIN_POSITIVE),
            used.rate(),
        );
        Ok(world.node.stop().await?)
    })
}

fn load(given: &Given) -> Result<()> {
    let dir = tempfile::tempdir()?;
    run(async {
        let mut scoring =
            Scoring::start(dir.path(), Patience::Bounded(PartitionSettings::default().score_deadline))?;
        let full = scoring.full_speed(given).await?;
        for percent in [10, 50, 90] {
            let rate = full * f64::from(percent) / 100.0;
            let mut seen = scoring.at(rate, given.of(SECONDS).max(3)).await?;
            println!(
                "| {percent} % | {rate:.0} | {:.0} | {} | {} | {} | {} |",
                seen.per_second,
                seen.fallbacks,
                quantiles(&mut seen.asked),
                quantiles(&mut seen.event),
                quantiles(&mut seen.decisions)
            );
        }
        Ok(scoring.world.node.stop().await?)
    })
}

fn slow(given: &Given) -> Result<()> {
    let dir = tempfile::tempdir()?;
    run(async {
        let mut scoring =
            Scoring::start(dir.path(), Patience::Bounded(PartitionSettings::default().score_deadline))?;
        let rate = scoring.full_speed(given).await? * 0.3;
        let seconds = given.of(SLOW_SECONDS).max(4);
        let mut asked_per_second = 0.0;
        for name in ["as it is", "ten times too slow"] {
            if asked_per_second > 0.0 {
                scoring.brake.set(Duration::from_secs_f64(10.0 / asked_per_second));
            }
            let before = machine::resident_bytes();
            let mut seen = scoring.at(rate, seconds).await.context(name)?;
            println!(
                "| {name} | {rate:.0} | {:.0} | {} | {} | {} | {} | {} | {} |",
                seen.per_second,
                seen.answered,
                seen.fallbacks,
                seen.open_max,
                quantiles(&mut seen.decisions),
                before / 1_000_000,
                machine::resident_bytes() / 1_000_000,
            );
            asked_per_second = seen.per_second;
        }
        scoring.brake.set(Duration::ZERO);
        Ok(scoring.world.node.stop().await?)
    })
}
