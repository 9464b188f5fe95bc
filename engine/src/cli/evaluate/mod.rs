//! `care evaluate`: judges a model by what customers did behind a date, from files that hold what went before and what came after.

mod as_of;

use std::io::{IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use jiff::civil::Date;
use schemas::score::Head;
use serde::Serialize;

use self::as_of::Question;
use super::days::Days;
use super::replay::progress::Progress;
use super::{DataDir, Outcome, Output, Overrides, out};
use crate::learn::Measures;
use crate::learn::measure::Interval;
use crate::learn::report::Judgement;
use crate::model::Artefact;
use crate::replay::{self, Format};
use crate::settings::Settings;
use crate::words::{Count, Instant, Length};
use crate::{app, model};

/// Rows that are scored together.
const SCORED_TOGETHER: usize = 4_096;

/// Options of `care evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care evaluate --model churn --dataset uci-online-retail --as-of 2011-06-01 \
    $CARE_DATA/uci_online_retail/*.csv.gz
  care evaluate --model my-model --dataset segment-jsonl --as-of 2026-05-01 \
    events/*.jsonl.gz --json

What is known of a customer is what the files say before the date, exclusively;
what came of it is what they say within the model's horizon behind it. Judged is
everybody of the head's population: who bought within the 180 days before. Churn
is no purchase, return is a cancellation, refund or return. Files may stand in
any order and be cut anywhere. A date begins at midnight where the shop is:
London for uci-online-retail, UTC for segment-jsonl.
ops/docs/evaluation.md says how each figure is computed.
Exit status 1 when there is nothing to judge by.")]
pub struct Arguments {
    /// Event files: what went before the date, and what came after
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
    /// Folder of a model, or a head: the model that is active for it
    #[arg(long, value_name = "DIR|HEAD")]
    model: String,
    /// What the files hold
    #[arg(long, value_enum, value_name = "F")]
    dataset: Format,
    /// First day that is not known yet, e.g. 2011-06-01
    #[arg(long, value_name = "DATE")]
    as_of: Date,
    #[command(flatten)]
    data: DataDir,
}

/// What machines are told.
#[derive(Debug, Serialize)]
struct Answer {
    n: usize,
    positives: usize,
    auroc: f64,
    auroc_ci: Interval,
    auprc: f64,
    auprc_ci: Interval,
    ece: f64,
    brier: f64,
}

impl Answer {
    fn of(measures: &Measures) -> Self {
        let Measures { n, positives, auroc, auroc_ci, auprc, auprc_ci, ece, brier, .. } = *measures;
        Self { n, positives, auroc, auroc_ci, auprc, auprc_ci, ece, brier }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.data(&arguments.data).load()?.settings;
    let artefact = model(&arguments.model, &settings)?;
    let question = question(&artefact, arguments)?;
    let sources = replay::check(&arguments.files, arguments.dataset, &app::border(&settings))?;
    let bar = Progress::new(stderr().is_terminal());
    let answered = as_of::rows(sources, (arguments.dataset, &settings), question, &bar);
    bar.finish();
    let answered = answered?;
    if let Some(short) = answered.short {
        eprintln!(
            "care: the files end {} before the labels do; what came then counts as not happened",
            Length(short)
        );
    }
    let rows: Vec<&[f32]> = answered.data.rows.iter().map(|row| &*row.features).collect();
    let said: Vec<f32> = rows.chunks(SCORED_TOGETHER).flat_map(|rows| artefact.score(rows)).collect();
    let labels: Vec<bool> = answered.data.rows.iter().map(|row| row.label).collect();
    let judged = Judgement::of(&said, &labels, None);
    let judged = judged
        .with_context(|| format!("failed to judge {} as of {}", question.head.as_str(), arguments.as_of))?;
    match output {
        Output::Json => out::json(&Answer::of(&judged.measures), out)?,
        Output::Text => {
            let measures = &judged.measures;
            writeln!(out, "{} {}", question.head.as_str(), artefact.manifest().version)?;
            writeln!(
                out,
                "as of {}: {}, {} came to pass within {}\n",
                Instant(question.at),
                Count(measures.n as u64, "customer"),
                measures.positives,
                Length(question.horizon)
            )?;
            write!(out, "{judged}")?;
        }
    }
    Ok(Outcome::Good)
}

/// Returns the model of a folder, or the active one of a head.
fn model(name: &str, settings: &Settings) -> Result<Artefact> {
    let head = Head::ALL.into_iter().find(|head| head.as_str() == name);
    match head {
        Some(head) => {
            let active = settings.predictor.registry(&settings.data.dir).active(head)?;
            active.ok_or_else(|| {
                anyhow!("no model is active for {name}: the rule score answers; train one with `care train`")
            })
        }
        None if Path::new(name).join(model::artefact::MANIFEST_FILE).is_file() => {
            Ok(Artefact::load(Path::new(name))?)
        }
        None => {
            let heads: Vec<&str> = Head::ALL.iter().map(|head| head.as_str()).collect();
            bail!(
                "--model {name} is no folder with a model.json; a folder of a model or one of {} is legal",
                heads.join(", ")
            )
        }
    }
}

/// Returns what is asked of a model as of a date.
fn question(artefact: &Artefact, arguments: &Arguments) -> Result<Question> {
    let manifest = artefact.manifest();
    let head = manifest.head;
    let horizon = match (head, manifest.horizon_ms) {
        (Head::Churn | Head::Return, Some(horizon)) => horizon,
        (Head::Churn | Head::Return, None) => {
            bail!("the model states no horizon_ms, so nothing says how far its labels look")
        }
        (Head::CartAbandonment | Head::PurchaseIntent | Head::Complaint, _) => bail!(
            "the model predicts {}, which is asked while a customer is there, not as of a date; churn or return is legal",
            head.as_str()
        ),
    };
    let at = Days::of(arguments.dataset).midnight(arguments.as_of).context("--as-of")?;
    Ok(Question { head, at, horizon })
}

#[cfg(test)]
mod tests;
