//! From an event to its decision at half of the load that the machine bears: from the moment before the event is handed to the log
//! until the decision's row is durable and the decision leaves, and until it is durable on its own topic.

use std::collections::HashMap;
use std::time::Duration;

use actors::port::clock::Clock;
use anyhow::{Result, ensure};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use schemas::decision::Decision;

use crate::events::{DECIDED_EVERY, Events, Order};
use crate::tap::{Decisions, Left, Tap};
use crate::world::{World, bounds, run};
use crate::{Given, Measurement, Part, book};

/// The table of latency.
pub const LATENCY: Measurement = Measurement {
    name: "latency",
    head: "### From event to decision at half load\n\n\
        | customers | events/s at full speed | events/s here | decisions | ms until it is decided, durable and leaves: p50 | p99 | max | \
        ms until it is on its topic: p50 | p99 | max |\n\
        |---|---|---|---|---|---|---|---|---|---|",
    parts: &[Part::new("latency", latency)],
};

const CUSTOMERS: u64 = 10_000;

/// Events at full speed, to know what half load is.
const FULL_SPEED: u64 = 400_000;

/// Seconds at half load.
const SECONDS: u64 = 20;

fn latency(given: &Given) -> Result<()> {
    let dir = tempfile::tempdir()?;
    run(async {
        let left = Decisions::default();
        let tapped = left.clone();
        let mut world = World::start(dir.path(), book::deciding(), bounds(), Tap::around(tapped))?;
        let mut events = world.events(CUSTOMERS, Order::Random);
        world.feed(&mut events, given.of(FULL_SPEED) / 2).await?;
        let begin = world.used().await;
        world.feed(&mut events, given.of(FULL_SPEED) / 2).await?;
        let full = world.used().await.since(&begin).rate();
        left.take();
        let count = (full / 2.0) as u64 * given.of(SECONDS).max(4);
        let handed = paced(&world, &mut events, full / 2.0, count).await?;
        world.node.settle().await?;
        print(full, &handed, &left.take())?;
        world.node.stop().await?;
        Ok(())
    })
}

/// Feeds events at a rate, whatever becomes of them; returns when each was handed to the log that leads to a decision.
pub async fn paced(
    world: &World,
    events: &mut Events,
    rate: f64,
    count: u64,
) -> Result<HashMap<u64, Duration>> {
    let (start, before) = (world.clock.boot(), events.made());
    let mut handed = HashMap::new();
    let mut appends = FuturesUnordered::new();
    while events.made() - before < count {
        let due = ((world.clock.boot() - start).as_secs_f64() * rate) as u64;
        let missing = due.saturating_sub(events.made() - before);
        if missing > 0 {
            let batch = events.batch(missing as usize, world.clock.now());
            let now = world.clock.boot();
            let made = events.made();
            let decided = (made - missing + 1..=made).filter(|number| number.is_multiple_of(DECIDED_EVERY));
            handed.extend(decided.map(|number| (number, now)));
            appends.push(world.append(batch));
        }
        let tick = world.clock.sleep(Duration::from_millis(1));
        tokio::pin!(tick);
        while let futures_util::future::Either::Left((Some(appended), _)) =
            futures_util::future::select(appends.next(), &mut tick).await
        {
            appended?;
        }
        tick.await;
    }
    while let Some(appended) = appends.next().await {
        appended?;
    }
    Ok(handed)
}

fn print(full: f64, handed: &HashMap<u64, Duration>, left: &[Left]) -> Result<()> {
    let (mut decided, mut on_topic) = decided(handed, left)?;
    println!(
        "| {CUSTOMERS} | {full:.0} | {:.0} | {} | {} | {} |",
        full / 2.0,
        decided.len(),
        quantiles(&mut decided),
        quantiles(&mut on_topic)
    );
    Ok(())
}

/// Returns the times from when events were handed to the log until their decisions left, and until these were on their topic.
///
/// Errors: an event has no decision.
pub fn decided(handed: &HashMap<u64, Duration>, left: &[Left]) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let (mut decided, mut on_topic) = (Vec::new(), Vec::new());
    for one in left {
        let decision: Decision = serde_json::from_slice(&one.body)?;
        if let Some(at) = Events::number(&decision.opened_by).and_then(|number| handed.get(&number)) {
            decided.push(one.handed_on.saturating_sub(*at));
            on_topic.push(one.on_topic.saturating_sub(*at));
        }
    }
    ensure!(decided.len() == handed.len(), "{} events led to {} decisions", handed.len(), decided.len());
    Ok((decided, on_topic))
}

/// Returns median, 99th percentile and longest as cells of a table. Units: milliseconds.
pub fn quantiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: f64| {
        let place = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    format!("**{:.1}** | **{:.1}** | {:.1}", at(0.5), at(0.99), at(1.0))
}
