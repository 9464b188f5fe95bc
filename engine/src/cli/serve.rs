//! `care serve`: the engine as a long-running process, and what it says of its life.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actors::node::{Left, NodeRules};
use actors::port::clock::Clock;
use anyhow::{Context, Result, bail};
use clap::Args;
use schemas::rulebook::Rulebook;
use schemas::score::Head;
use schemas::time::Span;
use serde_json::{Value, json};

use super::{DataDir, Outcome, Output, Overrides, TriggerDir, out, wait_for};
use crate::app;
use crate::clock::SystemClock;
use crate::model::registry::RULES;
use crate::predict::Kind;
use crate::replay::{self, Format, Speed};
use crate::serve::{self, Feed, Files, Said, Service, Stop, Stopped, Through};
use crate::settings::{Settings, World};
use crate::shop::ShopSettings;
use crate::words::Count;

/// A shop has been open for so long when the service starts: its shoppers are on their way.
const SHOP_OPEN_FOR: Span = Span::hours(6);

/// The shop closes so many days after it opened.
const SHOP_DAYS: u32 = 365;

/// Options of `care serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care serve --simulate 5000 --data-dir shop
  care serve --replay ops/demo-data/shop.jsonl --format segment-jsonl \\
    --speed 60 --data-dir new
  CARE__LOG__KIND=kafka CARE__STORE__KIND=cql care serve --config shop.toml
  care serve --http 127.0.0.1:8080 --data-dir shop
  curl -s http://127.0.0.1:9464/readyz

Two worlds, by the settings: log.kind and store.kind are both embedded (a data
folder, one process), or kafka and cql (topics and tables, shared by the
processes of a group). With --http platforms send events over HTTP, in both
worlds: keys are made by `care keys create`. The embedded world is also fed in
process: by --replay (time as it stands in the files) or --simulate (a shop in
real time).

SIGTERM or Ctrl-C stops it gracefully: partitions drain, positions are
confirmed, the group is left, in serve.stop_ms at most. A second signal ends it
at once; nothing is lost by that either, a restart reads more of the log again.

Exit status: 0 stopped with everything safe, 1 it could not start or go on, or
left something to be read again; 130 or 143 ended by a second signal.")]
pub struct Arguments {
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    triggers: TriggerDir,
    /// Where /metrics, /livez and /readyz answer [default: serve.listen of the settings]
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
    /// Where the HTTP server listens, for events [default: http.listen of the settings]
    #[arg(long, value_name = "IP:PORT")]
    http: Option<SocketAddr>,
    /// Event files to be fed, in order; embedded world only
    #[arg(long, num_args = 1.., value_name = "FILES", requires = "format", conflicts_with = "simulate")]
    replay: Vec<PathBuf>,
    /// What the files hold
    #[arg(long, value_enum, value_name = "F", requires = "replay")]
    format: Option<Format>,
    /// Seconds of the files per second of yours; max = as fast as it goes
    #[arg(
        long,
        default_value = "max",
        value_name = "N|max",
        requires = "replay",
        allow_hyphen_values = true
    )]
    speed: Speed,
    /// Shoppers of a simulated shop that feeds it in real time; embedded world only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    simulate: Option<u32>,
    /// Rules of the protocol to take away, with commas between them; in builds that show what each is for
    #[cfg(feature = "ablation")]
    #[arg(long, value_name = "RULES")]
    without: Option<String>,
    /// Accidents to put in, with commas between them: late-news=MS, torn-appends=N, slow-marks=MS, slow-relays=MS, slow-scores=MS, panic-at=N
    #[cfg(feature = "ablation")]
    #[arg(long, value_name = "FAULTS", default_value = "")]
    inject: crate::ablation::Faults,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let set = set
        .folders(&arguments.data, &arguments.triggers)
        .option("serve.listen", arguments.listen)
        .option("http.listen", arguments.http);
    let (settings, _traces) = set.load_for_service()?;
    let stop = Stop::listen().context("failed to listen for signals")?;
    let feed = arguments.feed(&settings)?;
    let mut book = match arguments.format {
        Some(format) => app::rulebook_of_files(&settings, format)?,
        None => app::rulebook(&settings)?,
    };
    let rules = arguments.rules(&mut book)?;
    let book = Arc::new(book);
    let fed_by = arguments.fed_by(&settings);
    let mut teller = Teller { settings: &settings, book: book.clone(), fed_by, output, out };
    let through = arguments.through();
    let service = Service { settings: &settings, book, feed, rules, through };
    let served = wait_for(async { serve::run(service, stop, &mut |said: Said<'_>| teller.say(&said)).await });
    teller.stopped(served?)
}

impl Arguments {
    /// Returns the rules that are kept: all.
    #[cfg(not(feature = "ablation"))]
    fn rules(&self, _: &mut Rulebook) -> Result<NodeRules> {
        Ok(NodeRules::default())
    }

    /// Returns the rules that are kept: all but those that are to be taken away.
    ///
    /// Errors: there is no rule of a name.
    #[cfg(feature = "ablation")]
    fn rules(&self, book: &mut Rulebook) -> Result<NodeRules> {
        let mut rules = NodeRules::default();
        if let Some(names) = &self.without {
            crate::ablation::take_away(names, &mut rules, book)?;
        }
        Ok(rules)
    }

    /// Returns what the ports go through: nothing.
    #[cfg(not(feature = "ablation"))]
    fn through(&self) -> Through {
        Box::new(|ports| ports)
    }

    /// Returns what the ports go through: the faults that are to be put in.
    #[cfg(feature = "ablation")]
    fn through(&self) -> Through {
        let faults = self.inject;
        Box::new(move |ports| faults.put_in(ports))
    }

    /// Returns what feeds the service.
    ///
    /// Errors: a feed in the world of servers · a file that cannot be read or is not of the format.
    fn feed(&self, settings: &Settings) -> Result<Feed> {
        let asked = !self.replay.is_empty() || self.simulate.is_some();
        if asked && settings.world() == Ok(World::Servers) {
            bail!(
                "--replay and --simulate feed the embedded world; with log.kind = kafka events come from the topic, where `care replay` and any producer put them"
            );
        }
        if !self.replay.is_empty() && settings.http.address().is_some() {
            bail!(
                "--replay does not go with http.listen: its log has the time of the files, and what happens now would count as of then"
            );
        }
        if let Some(format) = self.format {
            let sources = replay::check(&self.replay, format, &app::border(settings))?;
            return Ok(Feed::Files(Files { sources, format, speed: self.speed }));
        }
        let Some(shoppers) = self.simulate else { return Ok(Feed::Others) };
        let starts = SystemClock.now() - SHOP_OPEN_FOR;
        // Each start is another shop: events of an earlier one would be taken for its repetitions.
        let seed = starts.0.unsigned_abs();
        Ok(Feed::Shop(ShopSettings { seed, shoppers, days: SHOP_DAYS, starts, ..ShopSettings::default() }))
    }

    /// Returns in words what feeds the service.
    fn fed_by(&self, settings: &Settings) -> String {
        let is_open = settings.http.address().is_some();
        let fed = match (self.simulate, self.replay.len(), settings.world()) {
            (Some(shoppers), _, _) => format!("a simulated shop of {shoppers} shoppers, in real time"),
            (None, 1.., _) => format!("{}, by their own time", Count(self.replay.len() as u64, "file")),
            (None, 0, Ok(World::Servers)) => "the topic".to_owned(),
            (None, 0, Ok(World::Embedded) | Err(_)) if is_open => {
                return "whoever sends over HTTP".to_owned();
            }
            (None, 0, Ok(World::Embedded) | Err(_)) => {
                "nothing (--http, --replay or --simulate would); what its log holds is served".to_owned()
            }
        };
        if is_open { fed + ", and whoever sends over HTTP" } else { fed }
    }
}

/// Tells of the service's life on standard output.
struct Teller<'a> {
    settings: &'a Settings,
    book: Arc<Rulebook>,
    fed_by: String,
    output: Output,
    out: &'a mut dyn Write,
}

impl Teller<'_> {
    /// Tells a step. That nobody reads any more is no reason to stop.
    fn say(&mut self, said: &Said<'_>) {
        let told = match self.output {
            Output::Json => out::json(&self.json(said), self.out),
            Output::Text => self.text(said),
        };
        if let Err(error) = told.and_then(|()| Ok(self.out.flush()?)) {
            tracing::debug!(%error, "nobody reads what is said");
        }
    }

    fn text(&mut self, said: &Said<'_>) -> Result<()> {
        let out = &mut self.out;
        match said {
            Said::Started { place, partitions, endpoint, http } => {
                let world = self.settings.world().map_or("", World::as_str);
                writeln!(out, "care {} serves: {world}, {place}", env!("CARGO_PKG_VERSION"))?;
                writeln!(out, "  partitions  {partitions} of every topic")?;
                let models: Vec<String> =
                    models(self.settings).map(|(head, model)| format!("{head} {model}")).collect();
                writeln!(out, "  models      {}", models.join(", "))?;
                let triggers: Vec<&str> = self.book.triggers.iter().map(|one| one.name.as_str()).collect();
                writeln!(out, "  triggers    {} ({})", triggers.len(), triggers.join(", "))?;
                writeln!(out, "  fed by      {}", self.fed_by)?;
                match http {
                    Some(http) => writeln!(out, "  collector   http://{http}/v1/batch and its neighbours")?,
                    None => writeln!(out, "  collector   off (http.listen, or --http)")?,
                }
                Ok(writeln!(out, "  endpoint    http://{endpoint}/metrics, /livez, /readyz")?)
            }
            Said::Ready { partitions } => {
                Ok(writeln!(out, "ready: {} at work", Count(*partitions as u64, "partition"))?)
            }
            Said::Stopping { why, at_most } => {
                Ok(writeln!(out, "stopping ({why}): draining, {} at most", seconds(*at_most))?)
            }
        }
    }

    fn json(&self, said: &Said<'_>) -> Value {
        match said {
            Said::Started { place, partitions, endpoint, http } => json!({
                "said": "started",
                "version": env!("CARGO_PKG_VERSION"),
                "world": self.settings.world().map_or("", World::as_str),
                "place": place,
                "partitions": partitions,
                "models": models(self.settings).collect::<std::collections::BTreeMap<_, _>>(),
                "triggers": self.book.triggers.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
                "fed_by": self.fed_by,
                "endpoint": format!("http://{endpoint}"),
                "http": http.map(|http| format!("http://{http}")),
            }),
            Said::Ready { partitions } => json!({ "said": "ready", "partitions": partitions }),
            Said::Stopping { why, at_most } => {
                json!({ "said": "stopping", "why": why, "at_most_s": at_most.as_secs_f64() })
            }
        }
    }

    /// Tells how it ended.
    fn stopped(self, stopped: Stopped) -> Result<Outcome> {
        let Stopped { left, took } = stopped;
        let Left { partitions, rows, unsent } = &left;
        let safe = partitions.is_empty();
        match self.output {
            Output::Json => {
                let left = json!({ "partitions": partitions.iter().map(|one| one.0).collect::<Vec<_>>(), "rows": rows, "unsent": unsent });
                let took_s = (took.as_secs_f64() * 1_000.0).round() / 1_000.0;
                out::json(
                    &json!({ "said": "stopped", "safe": safe, "took_s": took_s, "left": left }),
                    self.out,
                )?;
            }
            Output::Text if safe => {
                writeln!(self.out, "stopped after {}: everything is durable and confirmed", seconds(took))?;
            }
            Output::Text => {
                let of = Count(partitions.len() as u64, "partition");
                let (rows, sends) = (Count(*rows as u64, "row"), Count(*unsent as u64, "record"));
                writeln!(
                    self.out,
                    "stopped after {}: {of} left {rows} that were not durable and {sends} that were not sent; nothing is lost, they are read again from the log",
                    seconds(took)
                )?;
            }
        }
        Ok(if safe { Outcome::Good } else { Outcome::Bad })
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}

/// Returns what answers for each head.
fn models(settings: &Settings) -> impl Iterator<Item = (&'static str, String)> {
    let registry = settings.predictor.registry(&settings.data.dir);
    let kind = settings.predictor.kind;
    Head::ALL.into_iter().map(move |head| {
        let choice = match kind {
            Kind::Rules => RULES.to_owned(),
            Kind::Torch => {
                registry.choice(head).map_or_else(|error| error.to_string(), |of| of.as_str().to_owned())
            }
        };
        (head.as_str(), choice)
    })
}
