//! A round: a hostile while by seed, then everything is mended, and when nothing moves any more it is judged.

use std::time::Duration;

use actors::port::clock::Clock;
use serde_json::{Value, json};

use super::engine::Signal;
use super::fault::{Fault, Planned, Weather, plan};
use super::story::{LOOKED_AND_LEFT_MS, Story};
use super::verdict::Verdict;
use super::world::{Hurt, RATE, World};
use crate::cluster::Server;

/// Records whose stamps were raised.
const RAISED: &str = "care_log_stamps_raised_total";
/// The hostile while. Units: ms.
const HOSTILE_MS: u64 = 8_000;
/// How long everything may take to come to rest after it was mended: on a machine that others use, too.
const REST_WITHIN: Duration = Duration::from_secs(400);
/// What is wrong and stays the same for so long, with everything at the end, stays wrong: no retry waits longer.
const SAME: Duration = Duration::from_secs(45);
/// Behind the last event for so long every wait is over: the longest one, and the clocks' difference that is allowed for.
const WAITS: Duration = Duration::from_millis(LOOKED_AND_LEFT_MS as u64 + 1_500);

/// How a round went.
#[derive(Clone, Debug)]
pub struct Round {
    /// Its seed.
    pub seed: u64,
    /// What it was like.
    pub weather: Weather,
    /// What went wrong, by plan.
    pub faults: Vec<Planned>,
    /// Events sent.
    pub events: u64,
    /// Engines that ended by themselves.
    pub exits: u64,
    /// From the mending until everything was at the end. Units: ms.
    pub rested_ms: u64,
    /// The whole round. Units: ms.
    pub took_ms: u64,
    /// What was wrong at its end.
    pub verdict: Verdict,
    /// Resident memory of each engine at its end. Units: MiB.
    pub memory_mib: Vec<u64>,
    /// Records whose stamps the engines that run have raised since they started: the broker showed them later than the clocks' difference
    /// that is allowed for. Such a row differs from what one thread makes of the topic, by time.
    pub raised: u64,
}

impl Round {
    /// Returns the round as one line.
    pub fn to_json(&self) -> Value {
        let mut line = self.verdict.to_json();
        let faults: Vec<String> = self.faults.iter().map(told).collect();
        let more = json!({
            "seed": self.seed,
            "weather": self.weather.as_str(),
            "faults": faults,
            "events": self.events,
            "exits": self.exits,
            "rested_ms": self.rested_ms,
            "took_ms": self.took_ms,
            "memory_mib": self.memory_mib,
            "raised": self.raised,
            "told": self.verdict.told,
        });
        let more = more.as_object().cloned().unwrap_or_default();
        line.as_object_mut().expect("counts by name").extend(more);
        line
    }
}

fn told(planned: &Planned) -> String {
    format!("{:?} at {} for {} ms", planned.fault, planned.at_ms, planned.for_ms)
}

/// What is due at an instant of the hostile while.
#[derive(Clone, Copy, Debug)]
enum Step {
    Begin(Fault),
    End(Fault),
}

/// Plays the round of a seed.
pub async fn play(world: &mut World, story: &mut Story, seed: u64) -> Round {
    let weather = Weather::of(seed);
    story.turn_the_page(seed, weather.crowd());
    let faults = plan(seed, HOSTILE_MS);
    let began = world.clock.boot();
    let (events, mut exits) = be_hostile(world, story, &faults).await;
    exits += world.revive();
    world.mend().await;
    let mended = world.clock.boot();
    world
        .producer
        .flush(REST_WITHIN)
        .unwrap_or_else(|error| panic!("the broker came back, and yet: {error}"));
    let verdict = rest(world, mended + REST_WITHIN).await;
    let now = world.clock.boot();
    Round {
        seed,
        weather,
        faults,
        events,
        exits,
        rested_ms: (now - mended).as_millis() as u64,
        took_ms: (now - began).as_millis() as u64,
        verdict,
        memory_mib: world.engines.iter().filter_map(|engine| engine.memory_mib()).collect(),
        raised: world.engines.iter().filter_map(|engine| engine.metric(RAISED)).sum::<f64>() as u64,
    }
}

/// Sends events while things go wrong; returns how many, and how many engines were found ended though nobody had ended them.
async fn be_hostile(world: &mut World, story: &mut Story, faults: &[Planned]) -> (u64, u64) {
    let mut steps: Vec<(u64, Step)> = Vec::new();
    for planned in faults {
        steps.push((planned.at_ms, Step::Begin(planned.fault)));
        steps.push((planned.at_ms + planned.for_ms, Step::End(planned.fault)));
    }
    steps.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let (began, mut sent, mut exits) = (world.clock.boot(), 0, 0);
    loop {
        let at_ms = (world.clock.boot() - began).as_millis() as u64;
        while let Some((_, step)) = steps.pop_if(|(due, _)| *due <= at_ms) {
            act(world, step);
        }
        exits += world.revive();
        if at_ms >= HOSTILE_MS && steps.is_empty() {
            return (sent, exits);
        }
        sent = world.catch_up(story, sent, at_ms.min(HOSTILE_MS) * RATE / 1_000);
        world.clock.sleep(Duration::from_millis(10)).await;
    }
}

/// Begins or ends a fault.
fn act(world: &mut World, step: Step) {
    match step {
        Step::Begin(Fault::KillEngine(which)) => world.engines[which].kill(),
        Step::Begin(Fault::StopEngine(which)) => {
            world.engines[which].signal(Signal::Terminate);
        }
        Step::End(Fault::StopEngine(which)) => {
            world.engines[which].wait();
            world.engines[which].start();
        }
        Step::Begin(Fault::LoseMachine(which)) => world.lose_machine(which),
        Step::End(Fault::KillEngine(which) | Fault::LoseMachine(which)) => world.engines[which].start(),
        Step::Begin(Fault::StallEngine(which)) => world.engines[which].signal(Signal::Stop),
        Step::End(Fault::StallEngine(which)) => world.engines[which].signal(Signal::Continue),
        Step::Begin(Fault::KillBroker) => world.hurt(Hurt::Kill, Server::Broker(1)),
        Step::Begin(Fault::StallBroker) => world.hurt(Hurt::Pause, Server::Broker(1)),
        Step::End(Fault::KillBroker) => world.hurt(Hurt::Start, Server::Broker(1)),
        Step::End(Fault::StallBroker) => world.hurt(Hurt::Resume, Server::Broker(1)),
        Step::Begin(Fault::KillStore) => world.hurt(Hurt::Kill, Server::Store),
        Step::Begin(Fault::StallStore) => world.hurt(Hurt::Pause, Server::Store),
        Step::End(Fault::KillStore) => world.hurt(Hurt::Start, Server::Store),
        Step::End(Fault::StallStore) => world.hurt(Hurt::Resume, Server::Store),
        Step::Begin(Fault::Cut(which, line, cut, _)) => world.cut(which, line, cut),
        Step::End(Fault::Cut(which, line, _, heal)) => world.heal(which, line, heal),
        Step::Begin(Fault::SlowLine(which, line, ms)) => {
            world.slow(which, line, Duration::from_millis(ms));
        }
        Step::End(Fault::SlowLine(which, line, _)) => world.slow(which, line, Duration::ZERO),
    }
}

/// Waits until everything is at the end and every wait is over, then judges; what is found wrong is looked at again until it is late, or
/// has long been the same.
pub async fn rest(world: &mut World, until: Duration) -> Verdict {
    world.clock.sleep(WAITS).await;
    let mut last: Option<(Verdict, Duration)> = None;
    loop {
        let now = world.clock.boot();
        let is_late = now > until;
        if is_late || world.is_at_the_end().await {
            match world.judge().await {
                Ok(verdict) if verdict.is_clean() || is_late => return verdict,
                Ok(verdict) => {
                    let before = last.filter(|(before, _)| *before == verdict);
                    let since = before.map_or(now, |(_, since)| since);
                    if now > since + SAME {
                        return verdict;
                    }
                    last = Some((verdict, since));
                }
                // A server may stumble over what is done to it after it came back.
                Err(error) if is_late => panic!("{error}"),
                Err(_) => {}
            }
        }
        world.clock.sleep(Duration::from_millis(300)).await;
    }
}
