//! The report as people read it.

use std::fmt::{self, Display};

use super::picture::{Reliability, Roc};
use super::{Judgement, Part, Report};
use crate::learn::measure::{Interval, Measures};
use crate::words::{Count, Instant, Length};

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.head.as_str())?;
        if let Some(horizon) = self.horizon {
            write!(f, " within {}", Length(horizon))?;
        }
        writeln!(f, ": {}", self.version)?;
        writeln!(f)?;
        part(f, "train", &self.train)?;
        part(f, "validation", &self.validation)?;
        if let Some(test) = &self.test {
            part(f, "test", test)?;
        }
        writeln!(f)?;
        let judged_by = if self.test.is_some() { "test" } else { "validation" };
        table(f, judged_by, &[("network", &self.network.measures), ("logistic", &self.baseline.measures)])?;
        pictures(f, &self.network)?;
        self.tail(f)
    }
}

impl Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table(f, "", &[("", &self.measures)])?;
        pictures(f, self)
    }
}

fn pictures(f: &mut fmt::Formatter<'_>, of: &Judgement) -> fmt::Result {
    writeln!(f, "\nSaid, and how often it came (┃ where the bar should end), share of the rows:")?;
    write!(f, "{}", Reliability(&of.curves.reliability))?;
    writeln!(f, "\nFound (up) against false alarms (right); chance is ·:")?;
    write!(f, "{}", Roc(&of.curves.roc))
}

impl Report {
    fn tail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let epochs: Vec<String> = self.members.iter().map(|member| member.best_epoch.to_string()).collect();
        let networks = Count(self.members.len() as u64, "network");
        writeln!(
            f,
            "\n{networks} of {}, best after epoch {}",
            Count(self.features.len() as u64, "feature"),
            epochs.join(", ")
        )?;
        writeln!(
            f,
            "calibrated log-odds = {:.3} × log-odds {} {:.3}",
            self.calibration.slope,
            if self.calibration.intercept < 0.0 { '−' } else { '+' },
            self.calibration.intercept.abs()
        )?;
        if !self.constant.is_empty() {
            writeln!(f, "left out, since they never changed: {}", self.constant.join(", "))?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "careful: {warning}"))
    }
}

fn part(f: &mut fmt::Formatter<'_>, name: &str, part: &Part) -> fmt::Result {
    let share = 100.0 * part.positives as f64 / part.rows.max(1) as f64;
    writeln!(
        f,
        "{name:<11}{} of {}, {share:.1} % came to pass, {} to {}",
        Count(part.rows as u64, "row"),
        Count(part.customers as u64, "customer"),
        Instant(part.from),
        Instant(part.until)
    )
}

/// Writes a table of measures, a column per model; without a head where nothing is named.
fn table(f: &mut fmt::Formatter<'_>, judged_by: &str, models: &[(&str, &Measures)]) -> fmt::Result {
    if !judged_by.is_empty() {
        let names: String = models.iter().map(|(name, _)| format!("{name:<24}")).collect();
        writeln!(f, "{judged_by:<28}{}", names.trim_end())?;
    }
    let mut line = |name: &str, cell: &dyn Fn(&Measures) -> String| -> fmt::Result {
        let cells: String = models.iter().map(|(_, measures)| format!("{:<24}", cell(measures))).collect();
        writeln!(f, "{name:<28}{}", cells.trim_end())
    };
    line("auROC", &|m| with_interval(m.auroc, m.auroc_ci))?;
    line("average precision", &|m| with_interval(m.auprc, m.auprc_ci))?;
    line("calibration error (ECE 15)", &|m| with_interval(m.ece, m.ece_ci))?;
    line("Brier score", &|m| format!("{:.4}", m.brier))?;
    line("lift of the top tenth", &|m| format!("{:.2}", m.lift_10))?;
    line("base rate", &|m| format!("{:.4}", m.base_rate))
}

fn with_interval(value: f64, [low, high]: Interval) -> String {
    format!("{value:.4} ({low:.3}–{high:.3})")
}
