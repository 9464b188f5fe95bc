//! `care train`: from a shop's event files to a model and what it is worth.
//!
//! In order: the files are played through the rows that serve, moments become rows with labels, the guard looks for leaks, the network
//! learns, and model and report are written. The same files, options and seed give the same bytes.

mod options;

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::civil::Date;
use schemas::profile::Heads;
use schemas::score::Head;
use schemas::time::Span;
use serde::Serialize;

use self::options::Snapshots;
use super::days::Days;
use super::replay::progress::Progress as FileProgress;
use super::{DataDir, Outcome, Output, Overrides, out};
use crate::learn::{Dataset, FitSettings, Progress, Report, fit};
use crate::model::Artefact;
use crate::replay::input::Source;
use crate::replay::ordered::Ordered;
use crate::replay::{self, Format};
use crate::settings::Settings;
use crate::train::dataset::Settings as RowSettings;
use crate::train::leak::{self, Checked, Replay};
use crate::train::{Collector, Definition, Gathered, History, Rules, Taken, enough};
use crate::words::Count;
use crate::{app, words};

/// Name of the report in the folder of the model.
pub const REPORT_FILE: &str = "report.json";

/// Options of `care train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care simulate --shoppers 5000 --days 30 --seed 1 --events shop.jsonl.gz
  care train --head cart_abandonment --events shop.jsonl.gz \
    --format segment-jsonl
  care train --head churn --events $CARE_DATA/uci_online_retail/*.csv.gz \
    --format uci-online-retail --horizon P90D --snapshots every:P15D \
    --from 2010-03-01 --until 2010-12-31 --out models/churn

History goes through the fold that serves: the features of a row are bit by bit
those that the engine would have asked with. A row's label is what came within
the horizon. Rows that were contacted meanwhile are left out, and the control
arm stands for them. One row per customer is kept in memory, 1 to 4 KB each.
ops/docs/training.md has every definition.
What is written is not used yet: `care models activate` does that.")]
pub struct Arguments {
    /// What is to be predicted
    #[arg(long, value_parser = super::models::head, value_name = "HEAD")]
    head: Head,
    /// Event files, in any order
    #[arg(long, required = true, num_args = 1.., value_name = "FILES")]
    events: Vec<PathBuf>,
    /// What the files hold
    #[arg(long, value_enum, value_name = "F")]
    format: Format,
    /// How far ahead labels look [default: P90D for churn, return and complaint, P1D for carts and visits]
    #[arg(long, value_parser = options::duration, value_name = "P90D")]
    horizon: Option<Span>,
    /// When rows are taken: asks = whenever the engine would ask, every:P15D = that often from --from on, or dates
    #[arg(long, default_value = "asks", value_name = "asks|every:P7D|DATE,DATE")]
    snapshots: Snapshots,
    /// No row before this day
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// No row on this day or later
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    /// What every chance comes from
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Learn from these features only [default: all that concern the head]
    #[arg(long, value_name = "FEATURE,FEATURE", value_delimiter = ',')]
    only: Vec<String>,
    /// Leave a feature out; may be given several times
    #[arg(long, value_name = "FEATURE")]
    without: Vec<String>,
    /// Learn although this feature tells the labels by itself, which mostly is a leak; may be given several times
    #[arg(long, value_name = "FEATURE")]
    allow_suspect: Vec<String>,
    /// How the network learns: hidden=[32,16], members, dropout, weight_decay, learning_rate, batch, epochs_max, patience,
    /// validation_share, test_share, later_share, activation, skip, version
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where the events come from, in words, for the model's manifest [default: the names of the files]
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Folder for model.json, weights.safetensors and report.json [default: the head's and version's among the shop's models]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    data: DataDir,
}

/// What is written beside the model.
#[derive(Debug, Serialize)]
struct Written<'a> {
    /// What became of the moments of the history.
    rows: &'a Gathered,
    /// What the leakage guard looked at.
    guard: &'a Checked,
    /// What was learnt, and what it is worth.
    learnt: &'a Report,
    /// How.
    settings: &'a FitSettings,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.data(&arguments.data).load()?.settings;
    let fitting = arguments.fitting()?;
    let models = settings.predictor.registry(&settings.data.dir).folder(arguments.head);
    let vacant = |version: &str| {
        let place = models.join(version);
        if arguments.out.is_none() && place.exists() {
            bail!(
                "{} is there already: name this model by --set version=NAME, or write it elsewhere by --out",
                place.display()
            );
        }
        Ok(place)
    };
    if !fitting.version.is_empty() {
        vacant(&fitting.version)?;
    }
    let sources = replay::check(&arguments.events, arguments.format, &app::border(&settings))?;
    let (data, gathered, guard) = gather(arguments, sources, &settings)?;
    let place = vacant(&fitting.version_of(&data))?;
    let bar = LearningBar::new(stderr().is_terminal());
    let learnt = fit(&data, &fitting, &mut |progress| bar.show(progress));
    bar.0.finish_and_clear();
    let (artefact, report) = learnt.context("failed to learn")?;
    let written = Written { rows: &gathered, guard: &guard, learnt: &report, settings: &fitting };
    let folder = arguments.out.as_deref().unwrap_or(&place);
    write(folder, &artefact, &written)?;
    match output {
        Output::Json => out::json(&written, out)?,
        Output::Text => {
            tell(arguments.head, &written, out)?;
            next(arguments, (folder, &place), out)?;
        }
    }
    Ok(Outcome::Good)
}

impl Arguments {
    /// Returns how the network learns.
    fn fitting(&self) -> Result<FitSettings> {
        let names =
            |path: &PathBuf| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let source = self.source.clone();
        let source = source.unwrap_or_else(|| self.events.iter().map(names).collect::<Vec<_>>().join(", "));
        let features = options::features(self.head, &self.only, &self.without)?;
        Ok(FitSettings { seed: self.seed, source, features, ..options::fitting(&self.set)? })
    }
}

/// Plays the files, makes rows of them, and lets the guard look for leaks.
fn gather(
    arguments: &Arguments,
    sources: Vec<Source>,
    settings: &Settings,
) -> Result<(Dataset, Gathered, Checked)> {
    let days = Days::of(arguments.format);
    let (from, until) = (days.opt(arguments.from)?, days.opt(arguments.until)?);
    let definition = Definition::of(arguments.head);
    let definition = Definition { horizon: arguments.horizon.unwrap_or(definition.horizon), ..definition };
    let dates = arguments.snapshots.dates((from, until), &days)?;
    let (taken, heads) = match arguments.snapshots {
        Snapshots::Asks => (Taken::Asks, Heads::of(&[arguments.head])),
        Snapshots::Every(_) | Snapshots::Dates(_) => (Taken::Dates, Heads::NONE),
    };
    let rows = RowSettings { taken, from, until, seed: arguments.seed, ..RowSettings::new(definition) };
    let rules = Rules { dates, ..Rules::new(settings, arguments.format, heads) };
    let ordered = Ordered::of(sources, &rules.read)?;
    let mut collector = Collector::new(rows);
    let bar = FileProgress::new(stderr().is_terminal());
    let history = History::new(rules.clone());
    let played = history.play(&ordered.sources, &mut |moment| collector.take(&moment), &bar);
    let played = played.context("failed to play the events")?;
    if played.first.is_none() {
        bail!("the files hold no event of any customer");
    }
    let (data, gathered, samples) = collector.finish(played.end);
    enough(&data).map_err(|lack| anyhow!(lack))?;
    let again = Replay { rules: &rules, sources: &ordered.sources, seed: arguments.seed, report: &bar };
    let guard = leak::guard(&data, &samples, again, &arguments.allow_suspect);
    bar.finish();
    Ok((data, gathered, guard.context("failed the check for leaks")?))
}

/// Writes model and report into the folder.
fn write(folder: &Path, artefact: &Artefact, written: &Written<'_>) -> Result<()> {
    artefact.save(folder).with_context(|| format!("failed to write the model to {}", folder.display()))?;
    let mut report = serde_json::to_vec_pretty(written).context("failed to put the report into words")?;
    report.push(b'\n');
    let path = folder.join(REPORT_FILE);
    fs::write(&path, report).with_context(|| format!("failed to write {}", path.display()))
}

/// Tells a person what came of it.
fn tell(head: Head, written: &Written<'_>, out: &mut dyn Write) -> Result<()> {
    let Written { rows, guard, learnt, .. } = written;
    writeln!(out, "{} {}\n", head.as_str(), learnt.version)?;
    let (kept, customers) = (Count(rows.rows, "row"), Count(rows.customers, "customer"));
    writeln!(out, "{kept} of {customers}, {} came to pass; left out:", rows.positives)?;
    for (moments, why) in [
        (rows.too_soon, "too soon behind another of the same customer"),
        (rows.beyond_end, "whose horizon lies beyond the end of the files"),
        (rows.arms.contacted, "contacted within the horizon"),
        (rows.drawn_out, "of customers with too many"),
    ] {
        writeln!(out, "  {moments:>9}  {why}")?;
    }
    writeln!(
        out,
        "no leak: {} played again hold what was known then, and no more",
        Count(guard.recomputed as u64, "row")
    )?;
    for warning in &rows.warnings {
        writeln!(out, "careful: {warning}")?;
    }
    writeln!(out, "\n{learnt}")?;
    Ok(())
}

/// Tells a person what is to be done so that the model answers.
fn next(arguments: &Arguments, (folder, place): (&Path, &Path), out: &mut dyn Write) -> Result<()> {
    let (head, shown) =
        (arguments.head.as_str(), |path: &Path| words::printable(&path.display().to_string()));
    writeln!(out, "written to {}; to let it answer:", shown(folder))?;
    if folder != place {
        writeln!(out, "  mkdir -p {0} && cp -r {1}/. {0}", shown(place), shown(folder))?;
    }
    let version = place.file_name().unwrap_or_default().to_string_lossy();
    writeln!(out, "  care models activate {head} {version}{}", arguments.data.again())?;
    Ok(())
}

/// How far the learning is, on the terminal.
struct LearningBar(ProgressBar);

impl LearningBar {
    fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let template = "learning  {bar:30} {percent:>3} %  {msg}  {elapsed}";
        let style = ProgressStyle::with_template(template).expect("the template is a constant");
        Self(ProgressBar::with_draw_target(Some(0), target).with_style(style))
    }

    fn show(&self, progress: &Progress) {
        let Progress { member, members, epoch, epochs_max, train_loss, validation_loss } = *progress;
        self.0.set_length((members * epochs_max) as u64);
        self.0.set_position((member * epochs_max + epoch) as u64);
        let network = member + 1;
        self.0.set_message(format!(
            "network {network} of {members}, loss {train_loss:.4}, of others {validation_loss:.4}"
        ));
    }
}
