//! `care replay`: plays event files through the engine, and says what became of every row.
//!
//! In order: the world is opened, a data folder or servers; what an earlier run left in its log is finished; the files are appended in
//! step with the engine;
//! when nothing is left to do, the summary is printed. Killed anywhere, the same command goes on where it stopped.

mod backlog;
pub(super) mod progress;
mod summary;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actors::metrics::Metrics;
use actors::node::Node;
use actors::partition::core::Counts;
use actors::port::Ports;
use actors::port::clock::Clock;
use anyhow::{Context, Result, bail};
use clap::Args;
use futures_util::future::{self, Either};
use schemas::rulebook::Rulebook;
use tokio::signal::unix::{SignalKind, signal};

use self::progress::Progress;
use self::summary::{Account, Summary};
use super::{DataDir, Outcome, Output, Overrides, TriggerDir, out, wait_for};
use crate::app::{self, PlayedWorld};
use crate::clock::ReplayClock;
use crate::live;
use crate::outreach::counted::{self, Deliveries};
use crate::replay::gate::NodeGate;
use crate::replay::input::Source;
use crate::replay::{self, Format, Replay, Speed, Tally};
use crate::settings::{AssumedConsent, Settings};

/// How often a wait looks whether the engine has stopped.
const STOPPED_LOOK: Duration = Duration::from_millis(100);

/// Options of `care replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care replay ops/demo-data/shop.jsonl --format segment-jsonl --data-dir data
  care replay ops/demo-data/shop.jsonl --format segment-jsonl --data-dir new \
    --speed 5000 --watch
  care replay $CARE_DATA/uci_online_retail/*.csv.gz --format uci-online-retail \
    --assume-consent marketing --data-dir retail --json

Files may be packed (.gz). The summary accounts for every row; ops/docs/replay.md
says for each format what a row becomes. The same files over the same folder
apply nothing again, however long they are; other files go on behind them.
Ctrl-C stops between two rows, and the same command goes on there.
Exit status 1 when it was stopped, or anything was lost or doubled.")]
pub struct Arguments {
    /// Event files, in order
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
    /// What the files hold
    #[arg(long, value_enum, value_name = "F")]
    format: Format,
    /// Seconds of the files per second of yours; max = as fast as it goes
    #[arg(long, default_value = "max", value_name = "N|max", allow_hyphen_values = true)]
    speed: Speed,
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    triggers: TriggerDir,
    /// Consent that customers without any statement are taken to have given
    #[arg(long, value_enum, value_name = "CATEGORY")]
    assume_consent: Option<AssumedConsent>,
    /// Show events, customers and decisions as they come, on standard error
    #[arg(long)]
    watch: bool,
}

/// A replay that is ready to run.
struct Run<'a> {
    arguments: &'a Arguments,
    sources: Vec<Source>,
    settings: Settings,
    world: PlayedWorld,
    metrics: Metrics,
    deliveries: Deliveries,
}

/// How the source ended.
enum Ended {
    /// All files are read.
    Whole(Tally),
    /// Ctrl-C was pressed.
    Interrupted,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let consent = arguments.assume_consent.map(AssumedConsent::as_str);
    let set = set.folders(&arguments.data, &arguments.triggers).option("policy.assume_consent", consent);
    let settings = set.load()?.settings;
    let book = Arc::new(app::rulebook_of_files(&settings, arguments.format)?);
    let sources = replay::check(&arguments.files, arguments.format, &app::border(&settings))?;
    let summary = wait_for(async {
        let world = PlayedWorld::open(&settings).await?;
        let (metrics, deliveries) = (world.metrics.clone(), Deliveries::default());
        let mut run = Run { arguments, sources, settings, world, metrics, deliveries };
        let summary = run.run(book).await;
        run.world.leave().await;
        summary
    });
    match summary? {
        Some(summary) => {
            match output {
                Output::Json => out::json(&summary, out)?,
                Output::Text => summary.print(out)?,
            }
            Ok(if summary.lost == 0 && summary.doubled == 0 { Outcome::Good } else { Outcome::Bad })
        }
        None => Ok(Outcome::Bad),
    }
}

impl Run<'_> {
    /// Runs to the end; `None` when it was interrupted.
    async fn run(&mut self, book: Arc<Rulebook>) -> Result<Option<Summary>> {
        let backlog = backlog::count(&self.world.ports).await.context("failed to read the log")?;
        let (channels, deliveries) = counted::counted(&self.world.ports.channels);
        self.deliveries = deliveries;
        let ports = Ports { channels: Arc::new(channels), ..self.world.ports.clone() };
        let (ports, passed, view) = if self.arguments.watch {
            let (ports, passed, view) = live::watch(ports);
            (ports, passed, Some(view))
        } else {
            let (ports, passed) = live::count(ports);
            (ports, passed, None)
        };
        let node = Node::start(
            ports,
            book,
            app::border(&self.settings),
            app::replay_node(&self.settings),
            self.metrics.clone(),
        );
        let node = node.context("failed to start")?;
        let ran = self.play(&node, view.is_some()).await;
        let stopped = node.stop().await;
        if let Some(view) = view {
            view.finish();
        }
        let (ended, caught_up, counts, spent) = ran.map_err(|error| self.named(error))?;
        stopped.map_err(|error| self.named(error.into()))?;
        let tally = match ended {
            Ended::Whole(tally) => tally,
            Ended::Interrupted => {
                eprintln!("care: stopped; the same command goes on where it stopped");
                return Ok(None);
            }
        };
        let account = Account { tally, backlog, caught_up, counts, customers: passed.customers() };
        let commit = self.world.commit_cpu();
        Ok(Some(Summary::new(&account, &self.metrics, &self.deliveries, (spent, commit))))
    }

    /// Finishes what an earlier run left, plays the files, and waits until nothing is left to do.
    async fn play(&self, node: &Node, watching: bool) -> Result<(Ended, Counts, Counts, Spent)> {
        node.settle().await.context("failed to finish what an earlier run left")?;
        let caught_up = node.counts();
        let begun = Spent::now(&self.world.clock);
        let bar = Progress::new(!watching && std::io::stderr().is_terminal());
        let gate = NodeGate(node);
        let source = std::pin::pin!(replay::run(self.replay(), &gate, &bar));
        let trouble = std::pin::pin!(self.trouble(node));
        let ended = match future::select(source, trouble).await {
            Either::Left((tally, _)) => Ended::Whole(tally.context("failed to replay")?),
            Either::Right((trouble, _)) => {
                trouble?;
                Ended::Interrupted
            }
        };
        bar.finish();
        // Every partition has to know how far the files have come: what was due by then is of this run, wherever it is cut.
        node.quiet_at(self.world.clock.now()).await.context("failed to finish")?;
        node.settle().await.context("failed to finish")?;
        Ok((ended, caught_up, node.counts() - caught_up, begun.until(&Spent::now(&self.world.clock))))
    }

    /// Resolves when Ctrl-C is pressed, or the process is asked to end (SIGTERM).
    ///
    /// Errors: the engine stopped by itself, with the reason.
    async fn trouble(&self, node: &Node) -> Result<()> {
        let mut interrupted = std::pin::pin!(asked_to_stop());
        loop {
            let look = self.world.clock.sleep(STOPPED_LOOK);
            match future::select(interrupted.as_mut(), std::pin::pin!(look)).await {
                Either::Left((pressed, _)) => return pressed.context("failed to wait for signals"),
                Either::Right(_) => {
                    if let Some(reason) = node.ended() {
                        bail!("the engine stopped: {reason}");
                    }
                }
            }
        }
    }

    fn replay(&self) -> Replay {
        Replay {
            sources: self.sources.clone(),
            format: self.arguments.format,
            speed: self.arguments.speed,
            target: self.world.target.clone(),
            clock: self.world.clock.clone(),
            settings: self.settings.replay.clone(),
            border: app::border(&self.settings),
            scratch: self.world.scratch.clone(),
        }
    }

    /// Says where the data is, and what the database found, beside an error that is not about a file that was read.
    fn named(&self, error: anyhow::Error) -> anyhow::Error {
        if error.downcast_ref::<replay::Error>().is_some_and(replay::Error::is_of_a_file) {
            return error;
        }
        let place = &self.world.place;
        match self.world.failure() {
            Some(failure) => error.context(format!(
                "the data in {place} can take no more ({failure}); with that mended, the same command goes on where it stopped"
            )),
            None => error.context(format!("failed with the data in {place}; the same command goes on where it stopped")),
        }
    }
}

/// Resolves when Ctrl-C is pressed, or the process is asked to end.
pub(super) async fn asked_to_stop() -> io::Result<()> {
    let mut ended = signal(SignalKind::terminate())?;
    match future::select(std::pin::pin!(tokio::signal::ctrl_c()), std::pin::pin!(ended.recv())).await {
        Either::Left((pressed, _)) => pressed,
        Either::Right(_) => Ok(()),
    }
}

/// Processor and wall time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    /// User and system time of the process.
    pub(super) cpu: Duration,
    /// Time since boot.
    pub(super) wall: Duration,
}

impl Spent {
    fn now(clock: &ReplayClock) -> Self {
        Self { cpu: crate::clock::process_cpu(), wall: clock.boot() }
    }

    fn until(&self, later: &Spent) -> Spent {
        Spent { cpu: later.cpu.saturating_sub(self.cpu), wall: later.wall.saturating_sub(self.wall) }
    }
}
