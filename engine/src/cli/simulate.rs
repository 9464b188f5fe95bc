//! `care simulate`: writes the events of a simulated shop, and apart from them what is true of its shoppers.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use flate2::Compression;
use flate2::write::GzEncoder;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Outcome, Output, out};
use crate::clock::thread_cpu;
use crate::shop::rates::{Counts, RATES};
use crate::shop::{Event, Moment, Policy, Shop, ShopSettings, Truth};

/// Moments between two movements of the progress bar.
const REPORT_EVERY: u64 = 5_000;

const HOUR_MS: i64 = 3_600_000;

/// Options of `care simulate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care simulate --shoppers 1000 --days 30 --events shop.jsonl
  care simulate --shoppers 100000 --days 30 --seed 7 --events shop.jsonl.gz \\
    --truth truth.jsonl.gz
  care replay shop.jsonl --format segment-jsonl --data-dir shop-data

Files that end in .gz are packed. The same seed makes the same files, whatever
the machine's speed. ops/docs/shop.md tells how shoppers behave, where the
rates come from, and what each line of the truth means.")]
pub struct Arguments {
    /// Number of shoppers
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    shoppers: u32,
    /// Days over which they come
    #[arg(long, default_value_t = 30, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// The same seed makes the same shop
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Where the events go: Segment JSON, one a line
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Where the truth goes: what is likely and what will be, with and without outreach
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Whom the shop writes to about a cart that was left half an hour ago
    #[arg(long, value_enum, default_value_t = Outreach::None, value_name = "WHOM")]
    outreach: Outreach,
}

/// Whom the shop itself writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Outreach {
    /// Nobody
    None,
    /// Half of those who agreed, by chance
    Random,
    /// Nine in ten where the true risk is high, one in ten elsewhere
    Risky,
}

impl Outreach {
    fn policy(self) -> Policy {
        match self {
            Outreach::None => Policy::Silent,
            Outreach::Random => Policy::Random { share: 0.5 },
            Outreach::Risky => Policy::Risky { above: 0.9, below: 0.1 },
        }
    }
}

/// What a run made.
#[derive(Debug, Serialize)]
struct Summary {
    shoppers: u32,
    days: u32,
    seed: u64,
    events: u64,
    visits: u64,
    carts: u64,
    truths: u64,
    /// Processor time of the run.
    cpu_s: f64,
    events_per_cpu_second: f64,
    by_name: Map<String, Value>,
    rates: Map<String, Value>,
}

/// Writes the files.
pub fn run(arguments: &Arguments, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = ShopSettings {
        seed: arguments.seed,
        shoppers: arguments.shoppers,
        days: arguments.days,
        policy: arguments.outreach.policy(),
        ..ShopSettings::default()
    };
    let begun = thread_cpu();
    let mut files = Files::create(arguments)?;
    let bar = bar(output == Output::Text && io::stderr().is_terminal(), settings.days);
    let mut shop = Shop::new(settings);
    let mut counts = Counts::default();
    let mut moments = 0_u64;
    while let Some(moment) = shop.moment() {
        files.take(&moment, &shop)?;
        if let Moment::Event(Event { name, .. }) = moment {
            counts.note(name);
        }
        moments += 1;
        if moments.is_multiple_of(REPORT_EVERY) {
            bar.set_position(((shop.now() - settings.starts).0 / HOUR_MS) as u64);
            bar.set_message(format!("{} events", HumanCount(counts.total())));
        }
    }
    let truths = files.finish(&shop)?;
    bar.finish_and_clear();
    let cpu_s = (thread_cpu() - begun).as_secs_f64();
    let summary = Summary {
        shoppers: settings.shoppers,
        days: settings.days,
        seed: settings.seed,
        events: counts.total(),
        visits: shop.visits(),
        carts: shop.carts(),
        truths,
        cpu_s,
        events_per_cpu_second: counts.total() as f64 / cpu_s.max(1e-9),
        by_name: counts.iter().map(|(name, count)| (name.to_owned(), json!(count))).collect(),
        rates: RATES.iter().map(|rate| (rate.name.to_owned(), json!(rate.of(&shop, &counts)))).collect(),
    };
    match output {
        Output::Json => out::json(&summary, out)?,
        Output::Text => summary.print(out)?,
    }
    Ok(Outcome::Good)
}

impl Summary {
    fn print(&self, out: &mut dyn Write) -> Result<()> {
        writeln!(
            out,
            "{} shoppers, {} days: {} visits, {} carts, {} events in {:.1} s of processor time ({} per second)",
            HumanCount(self.shoppers.into()),
            self.days,
            HumanCount(self.visits),
            HumanCount(self.carts),
            HumanCount(self.events),
            self.cpu_s,
            HumanCount(self.events_per_cpu_second as u64)
        )?;
        writeln!(out, "\nrates, and where shops report them")?;
        for rate in RATES {
            let found = self.rates.get(rate.name).and_then(Value::as_f64);
            let found = found.map_or("nothing to tell".to_owned(), |found| format!("{found:.3}"));
            writeln!(out, "  {:<18} {found:>8}   {} to {}", rate.name, rate.from, rate.to)?;
        }
        writeln!(out, "\nevents")?;
        for (name, count) in &self.by_name {
            writeln!(out, "  {name:<24} {count:>10}")?;
        }
        Ok(())
    }
}

/// Returns a bar over the hours of the shop; a hidden one where nobody looks.
fn bar(shown: bool, days: u32) -> ProgressBar {
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let template = "{bar:30} {percent:>3} %  {msg}  {elapsed}, {eta} to go";
    let style = ProgressStyle::with_template(template).expect("the template is a constant");
    ProgressBar::with_draw_target(Some(u64::from(days) * 24), target).with_style(style)
}

/// The files of a run.
struct Files {
    events: OutFile,
    truth: Option<OutFile>,
    truths: u64,
}

impl Files {
    fn create(arguments: &Arguments) -> Result<Self> {
        let events = OutFile::create(&arguments.events)?;
        let truth = arguments.truth.as_deref().map(OutFile::create).transpose()?;
        Ok(Self { events, truth, truths: 0 })
    }

    /// Writes an event, and what is true after it or after a silence.
    fn take(&mut self, moment: &Moment, shop: &Shop) -> Result<()> {
        let (at, shopper) = match moment {
            Moment::Event(event) => {
                self.events.line(event.line.as_bytes())?;
                (event.at, event.shopper)
            }
            Moment::Silence { at, shopper } => (*at, *shopper),
        };
        if self.truth.is_none() {
            return Ok(());
        }
        if let Some(truth) = shop.cart_truth(shopper, at) {
            self.tell(&Truth::Cart(truth))?;
        }
        if let Some(truth) = shop.visit_truth(shopper, at) {
            self.tell(&Truth::Visit(truth))?;
        }
        Ok(())
    }

    fn tell(&mut self, truth: &Truth) -> Result<()> {
        if let Some(file) = &mut self.truth {
            file.line(&serde_json::to_vec(truth)?)?;
            self.truths += 1;
        }
        Ok(())
    }

    /// Writes what is true of the shoppers, and gives the files their names; returns the number of truths.
    fn finish(mut self, shop: &Shop) -> Result<u64> {
        if self.truth.is_some() {
            for truth in shop.truth() {
                self.tell(&Truth::Shopper(truth))?;
            }
        }
        self.events.finish()?;
        self.truth.map_or(Ok(()), OutFile::finish)?;
        Ok(self.truths)
    }
}

/// A file that has its name only when it is whole.
struct OutFile {
    path: PathBuf,
    partial: PathBuf,
    writer: Writer,
}

enum Writer {
    Plain(BufWriter<File>),
    Packed(BufWriter<GzEncoder<File>>),
}

impl OutFile {
    fn create(path: &Path) -> Result<Self> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file =
            File::create(&partial).with_context(|| format!("failed to create {}", partial.display()))?;
        let writer = if path.extension().is_some_and(|extension| extension == "gz") {
            Writer::Packed(BufWriter::with_capacity(1 << 18, GzEncoder::new(file, Compression::fast())))
        } else {
            Writer::Plain(BufWriter::with_capacity(1 << 18, file))
        };
        Ok(Self { path: path.to_owned(), partial, writer })
    }

    fn line(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.writer {
            Writer::Plain(writer) => writer.write_all(bytes).and_then(|()| writer.write_all(b"\n")),
            Writer::Packed(writer) => writer.write_all(bytes).and_then(|()| writer.write_all(b"\n")),
        };
        written.with_context(|| format!("failed to write {}", self.partial.display()))
    }

    fn finish(self) -> Result<()> {
        let whole = match self.writer {
            Writer::Plain(writer) => writer.into_inner().map_err(|error| error.into_error()).map(drop),
            Writer::Packed(writer) => {
                writer.into_inner().map_err(|error| error.into_error()).and_then(GzEncoder::finish).map(drop)
            }
        };
        whole.with_context(|| format!("failed to write {}", self.partial.display()))?;
        fs::rename(&self.partial, &self.path)
            .with_context(|| format!("failed to name {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::replay::input::{Input, Line};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn simulate(options: &[&str]) -> Result<Value> {
        let command = Command::try_parse_from([&["simulate"], options].concat())?;
        let mut out = Vec::new();
        run(&command.arguments, Output::Json, &mut out)?;
        Ok(serde_json::from_slice(&out)?)
    }

    fn lines(path: &Path) -> Vec<String> {
        let mut input = Input::open(path).expect("it is there");
        let mut lines = Vec::new();
        while let Some((_, line)) = input.next_line().expect("it is whole") {
            let Line::Text(text) = line else { panic!("{line:?}") };
            lines.push(String::from_utf8(text.to_vec()).expect("text"));
        }
        lines
    }

    #[test]
    fn packed_and_plain_files_hold_the_same_and_the_summary_counts_them() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name).display().to_string();
        let (plain, packed, truth) = (path("a.jsonl"), path("b.jsonl.gz"), path("t.jsonl"));
        let of = ["--shoppers", "150", "--days", "20", "--seed", "9"];
        let first = simulate(&[&of[..], &["--events", &plain, "--truth", &truth]].concat()).expect("a run");
        let second = simulate(&[&of[..], &["--events", &packed]].concat()).expect("a run");
        let events = lines(Path::new(&plain));
        assert_eq!(events, lines(Path::new(&packed)));
        assert_eq!(first["events"].as_u64(), Some(events.len() as u64));
        assert_eq!(first["by_name"], second["by_name"]);
        let truths: Vec<Truth> = lines(Path::new(&truth))
            .iter()
            .map(|line| serde_json::from_str(line).expect("a truth"))
            .collect();
        assert_eq!(first["truths"].as_u64(), Some(truths.len() as u64));
        let shoppers = truths.iter().filter(|truth| matches!(truth, Truth::Shopper(_))).count();
        assert_eq!(shoppers, 150);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let error = simulate(&["--events", "/no/such/folder/shop.jsonl"]).expect_err("no folder");
        assert!(format!("{error:#}").contains("/no/such/folder/shop.jsonl"), "{error:#}");
    }
}
