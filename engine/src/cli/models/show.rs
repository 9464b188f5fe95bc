//! `care models show`: a model's manifest in words.

use std::io::Write;

use anyhow::Result;
use schemas::score::Head;

use crate::cli::{Outcome, Output, out};
use crate::model::{Architecture, Choice, Input, Manifest, Registry, Skip, Training, Transform};
use crate::words::{Instant, Length};

/// Shows what is known of a model.
pub(super) fn show(
    registry: &Registry,
    (head, choice): (Head, &Choice),
    output: Output,
    out: &mut dyn Write,
) -> Result<Outcome> {
    let model = registry.load(head, choice)?;
    match (output, model.as_ref().map(|model| model.manifest())) {
        (Output::Json, manifest) => out::json(&manifest, out)?,
        (Output::Text, Some(manifest)) => print(manifest, out)?,
        (Output::Text, None) => writeln!(
            out,
            "{} goes by the rule score: weights that a person chose, no training; `care models activate` chooses a model",
            head.as_str()
        )?,
    }
    Ok(Outcome::Good)
}

fn print(of: &Manifest, out: &mut dyn Write) -> Result<()> {
    let horizon = of.horizon_ms.map_or(String::new(), |span| format!(", within {}", Length(span)));
    writeln!(out, "{:<11}{} {}{horizon}", "model", of.head.as_str(), of.version)?;
    writeln!(out, "{:<11}{}", "network", network(&of.architecture))?;
    writeln!(
        out,
        "{:<11}log-odds × {:.3} {:+.3}; {:.3} stands in where no score comes",
        "calibrated", of.calibration.slope, of.calibration.intercept, of.prior
    )?;
    writeln!(out, "{:<11}{}", "worth", worth(of))?;
    writeln!(out, "{:<11}{}", "trained", of.training.as_ref().map_or("not stated".to_owned(), trained))?;
    let mut heading = "inputs";
    for input in &of.inputs {
        writeln!(out, "{:<11}{}", std::mem::take(&mut heading), in_words(input))?;
    }
    Ok(())
}

fn network(architecture: &Architecture) -> String {
    let Architecture::Mlp { hidden, activation, skip, members } = architecture;
    let skip = match skip {
        Skip::None => "",
        Skip::Linear => ", a straight line beside it",
    };
    let each = match hidden.as_slice() {
        [] => "a logistic regression".to_owned(),
        units => {
            let units: Vec<String> = units.iter().map(ToString::to_string).collect();
            format!("{} units ({activation:?}){skip}", units.join(" → ")).to_lowercase()
        }
    };
    if *members == 1 { each } else { format!("the mean of {members} of {each}") }
}

fn worth(of: &Manifest) -> String {
    let Some(of) = &of.metrics else { return "not stated".to_owned() };
    let ([low, high], [ap_low, ap_high]) = (of.auroc_ci, of.auprc_ci);
    format!(
        "auROC {:.3} ({low:.3} to {high:.3}), AP {:.3} ({ap_low:.3} to {ap_high:.3}), ECE {:.3}, Brier {:.3}, of {} rows, {} of them positive",
        of.auroc, of.auprc, of.ece, of.brier, of.n, of.positives
    )
}

fn trained(of: &Training) -> String {
    let Training { seed, from_ms, until_ms, rows, fingerprint, source, code } = of;
    let from = if source.is_empty() { String::new() } else { format!(" of {source}") };
    format!(
        "from {rows} rows{from}, {} to {}, seed {seed}, fingerprint {fingerprint}, by version {code}",
        Instant(*from_ms),
        Instant(*until_ms)
    )
}

fn in_words(input: &Input) -> String {
    let Input { feature, unit, transform, mean, scale } = input;
    let shape = match transform {
        Transform::Identity => "",
        Transform::Log1p => ", ln(1 + x)",
        Transform::SignedLog1p => ", ±ln(1 + |x|)",
    };
    format!("{feature} in {unit}{shape}, mean {mean:.3}, scale {scale:.3}")
}
