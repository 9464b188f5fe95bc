//! `care live`: runs the engine on a simulated shop; what it sends changes what shoppers do.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors::port::clock::Clock;
use actors::port::predictor::Predictor;
use anyhow::{Context, Result};
use clap::Args;
use schemas::score::Head;
use schemas::time::Span;
use serde::Serialize;

use super::replay::asked_to_stop;
use super::{DataDir, Outcome, Output, Overrides, TriggerDir, out, wait_for};
use crate::app;
use crate::predict::Kind;
use crate::predict::rules::Rules;
use crate::replay::Speed;
use crate::settings::Settings;
use crate::shop::{Shop, ShopSettings};
use crate::simulate::drive::{Course, Drive, Ran};
use crate::simulate::effect::Report;
use crate::simulate::engine::{Driven, Parts};
use crate::simulate::record::Recorder;
use crate::simulate::risks::{Explain, Heard, Risks};
use crate::simulate::scores::Scores;
use crate::simulate::treated::Arm;
use crate::simulate::watch::Watch;
use crate::words::Count;

/// Length of a step: shoppers hear of outreach at its end. People read no sooner.
const STEP: Span = Span::minutes(5);

/// Options of `care live`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care live --watch --speed 10000 --data-dir new
  care live --shoppers 50000 --days 30 --data-dir shop --events shop.jsonl --json

The same options and seed give the same run, whatever the machine's speed. The
data folder must be new; afterwards `care customer` and `care why` tell of it.
ops/docs/experiments.md says how to read the figures.
Ctrl-C ends the run where it is; what has happened is told.
Exit status 1 when it was ended so, or anything was lost or doubled.")]
pub struct Arguments {
    /// Number of shoppers
    #[arg(long, default_value_t = 20_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    shoppers: u32,
    /// Days that the shop is open
    #[arg(long, default_value_t = 14, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=90))]
    days: u32,
    /// The same seed makes the same shop
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Seconds of the shop per second of yours; max = as fast as it goes
    #[arg(long, default_value = "max", value_name = "N|max", allow_hyphen_values = true)]
    speed: Speed,
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    triggers: TriggerDir,
    /// Also write the events, and what the engine did about shoppers, to this file (Segment JSON lines)
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Show the shop as it lives, on standard error
    #[arg(long)]
    watch: bool,
}

/// What a run came to.
#[derive(Debug, Serialize)]
struct Summary {
    shoppers: u32,
    days: u32,
    seed: u64,
    interrupted: bool,
    events: u64,
    customers: u64,
    orders: u64,
    /// Decisions of each trigger, by what became of the shopper.
    triggers: BTreeMap<String, Reached>,
    not_sent: u64,
    delivered: u64,
    lost: u64,
    doubled: u64,
    scored: u64,
    score_fallbacks: u64,
    outreach_effect: Report,
    wall_s: f64,
    cpu_s: f64,
    events_per_s: f64,
}

/// Whom one trigger reached.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Reached {
    contacted: u64,
    held_back: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.folders(&arguments.data, &arguments.triggers).load()?.settings;
    let summary = wait_for(live(arguments, &settings))?;
    match output {
        Output::Json => out::json(&summary, out)?,
        Output::Text => summary.print(out)?,
    }
    let is_good = summary.lost == 0 && summary.doubled == 0 && !summary.interrupted;
    Ok(if is_good { Outcome::Good } else { Outcome::Bad })
}

async fn live(arguments: &Arguments, settings: &Settings) -> Result<Summary> {
    let book = Arc::new(app::replay_rulebook(settings)?);
    let recorder = arguments
        .events
        .as_deref()
        .map(|path| Recorder::create(path).with_context(|| format!("failed to make {}", path.display())));
    let heard = Heard::default();
    let listening = |inner: Arc<dyn Predictor>| if arguments.watch { heard.before(inner) } else { inner };
    let parts = Parts { settings, book, budget: u64::MAX, predictor: &listening };
    let engine = Driven::start(parts).await?;
    let shop = arguments.shop();
    let (from, until) = (shop.starts, shop.starts + Span::days(i64::from(shop.days)));
    let (speed, border) = (arguments.speed, app::border(settings));
    let course = Course { from, until, step: STEP, speed, border, recorder: recorder.transpose()? };
    let mut drive = Drive::new(Shop::new(shop), engine, course)?;
    let mut watch = None;
    if arguments.watch {
        let title = format!("A shop of {} simulated shoppers, seed {}", shop.shoppers, shop.seed);
        watch = Some(Watch::new(title, (from, until), Risks::new(heard.clone(), explain(settings)?)));
    }
    let begun = Spent::now(&drive);
    let stop = stop_flag();
    let mut triggers: BTreeMap<String, Reached> = BTreeMap::new();
    let mut interrupted = false;
    while let Some(stepped) = drive.step().await? {
        for treated in &stepped.treated {
            triggers.entry(treated.trigger.to_string()).or_default().note(treated.arm);
        }
        if let Some(watch) = &mut watch {
            watch.see(&drive, &stepped);
        }
        if stop.load(Ordering::Acquire) {
            interrupted = true;
            break;
        }
    }
    let spent = Spent::now(&drive).since(&begun);
    if let Some(watch) = watch {
        watch.finish(&drive);
    }
    let scores = Scores::of(drive.engine().metrics());
    let ran = drive.finish().await?;
    Ok(Summary::new(arguments, ran, (scores, spent)).with(triggers, interrupted))
}

impl Arguments {
    fn shop(&self) -> ShopSettings {
        let Self { seed, shoppers, days, .. } = *self;
        ShopSettings { seed, shoppers, days, ..ShopSettings::default() }
    }
}

/// Returns a flag that is set when Ctrl-C is pressed or the process is asked to end.
pub(super) fn stop_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    actix::spawn(async move {
        // Without signals the run goes on to its end.
        if asked_to_stop().await.is_ok() {
            set.store(true, Ordering::Release);
        }
    });
    flag
}

/// Returns what says why a score is as it is: the model that is active, or the rules where there is none.
///
/// Errors: an active model is refused.
fn explain(settings: &Settings) -> Result<Explain> {
    let registry = settings.predictor.registry(&settings.data.dir);
    let active = |head: &Head| match settings.predictor.kind {
        Kind::Torch => registry.active(*head),
        Kind::Rules => Ok(None),
    };
    let models =
        Head::ALL.iter().map(active).collect::<Result<Vec<_>, _>>().context("failed to read a model")?;
    let rules = Rules::new();
    Ok(Box::new(move |head, features| {
        let parts = match &models[head as usize] {
            Some(model) => model.explain(features),
            None => rules.explain(head, features).collect(),
        };
        parts.into_iter().map(|one| (one.feature.to_owned(), one.value, one.adds)).collect()
    }))
}

/// Processor and wall time.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    cpu: Duration,
    wall: Duration,
}

impl Spent {
    fn now(drive: &Drive) -> Self {
        Self { cpu: crate::clock::process_cpu(), wall: drive.engine().clock().boot() }
    }

    fn since(self, earlier: &Spent) -> Spent {
        Spent { cpu: self.cpu.saturating_sub(earlier.cpu), wall: self.wall.saturating_sub(earlier.wall) }
    }
}

impl Reached {
    fn note(&mut self, arm: Arm) {
        match arm {
            Arm::Contacted => self.contacted += 1,
            Arm::Holdout | Arm::GlobalControl => self.held_back += 1,
            Arm::Offered => {}
        }
    }
}

impl Summary {
    fn new(arguments: &Arguments, ran: Ran, (scores, spent): (Scores, Spent)) -> Self {
        let Ran { flow, balance, effect, .. } = ran;
        let round = |value: f64| (value * 1_000.0).round() / 1_000.0;
        Self {
            shoppers: arguments.shoppers,
            days: arguments.days,
            seed: arguments.seed,
            interrupted: false,
            events: balance.applied,
            customers: flow.customers(),
            orders: flow.orders,
            triggers: BTreeMap::new(),
            not_sent: flow.decided.not_sent,
            delivered: balance.delivered,
            lost: balance.lost,
            doubled: balance.doubled,
            scored: scores.scored,
            score_fallbacks: scores.fallbacks,
            outreach_effect: effect.report(),
            wall_s: round(spent.wall.as_secs_f64()),
            cpu_s: round(spent.cpu.as_secs_f64()),
            events_per_s: round(balance.applied as f64 / spent.wall.as_secs_f64().max(1e-3)),
        }
    }

    fn with(self, triggers: BTreeMap<String, Reached>, interrupted: bool) -> Self {
        Self { triggers, interrupted, ..self }
    }

    /// Prints the summary for people.
    fn print(&self, out: &mut dyn Write) -> Result<()> {
        let (events, orders) = (Count(self.events, "event"), Count(self.orders, "order"));
        writeln!(out, "shop       {events} of {}, {orders}", Count(self.customers, "shopper"))?;
        writeln!(
            out,
            "scores     {}, {} of them stood in for a model",
            Count(self.scored, "score"),
            self.score_fallbacks
        )?;
        for (trigger, Reached { contacted, held_back }) in &self.triggers {
            writeln!(out, "outreach   {trigger}: {contacted} contacted, {held_back} held back")?;
        }
        self.print_effect(out)?;
        writeln!(
            out,
            "took       {} s, {} s of processor time, {} events per second",
            self.wall_s, self.cpu_s, self.events_per_s
        )?;
        Ok(writeln!(out, "lost {}, doubled {}", self.lost, self.doubled)?)
    }

    fn print_effect(&self, out: &mut dyn Write) -> Result<()> {
        let Report {
            purchase_rate_offered, purchase_rate_control, difference, interval, true_effect, ..
        } = self.outreach_effect;
        let (Some(offered), Some(control)) = (purchase_rate_offered, purchase_rate_control) else {
            return Ok(writeln!(
                out,
                "effect     not known: nobody was offered anything, or nobody held back"
            )?);
        };
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        writeln!(
            out,
            "effect     {} of those offered bought within a day, {} of those held back",
            percent(offered),
            percent(control)
        )?;
        if let (Some(difference), Some([low, high])) = (difference, interval) {
            let points = |share: f64| format!("{:+.1}", share * 100.0);
            let truth = true_effect.map_or(String::new(), |of| format!("; in truth {}", points(of)));
            writeln!(
                out,
                "           {} points, 95 % interval {} to {}{truth}",
                points(difference),
                points(low),
                points(high)
            )?;
        }
        Ok(())
    }
}
