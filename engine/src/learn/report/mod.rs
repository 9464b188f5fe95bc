//! What a run of learning came to: for machines as JSON, for people as [`text`].

mod picture;
mod text;

use schemas::score::Head;
use schemas::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::error::Error;
use super::measure::curve::{Curves, curves};
use super::measure::{Measures, measures};
use crate::model::Calibration;

/// What a run of learning came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What is predicted.
    pub head: Head,
    /// How far ahead the labels look, in ms; none where they end by themselves.
    pub horizon: Option<Span>,
    /// Name of the model.
    pub version: SmolStr,
    /// Names the rows: the same for the same rows in the same order.
    pub data_fingerprint: String,
    /// Training lies before this instant, the rest behind it; `None` where all parts have all times.
    pub cut: Option<Timestamp>,
    /// What was learnt from.
    pub train: Part,
    /// What stopped the learning and calibrated.
    pub validation: Part,
    /// What judged, unless nobody was left for it: then validation judged, a little too well.
    pub test: Option<Part>,
    /// Names of the features that are used, in the order of the table.
    pub features: Vec<String>,
    /// Names of the features that were left out because they never changed in training.
    pub constant: Vec<String>,
    /// How the members learnt.
    pub members: Vec<Member>,
    /// How the log-odds were put right.
    pub calibration: Calibration,
    /// What the network is worth.
    pub network: Judgement,
    /// What a logistic regression is worth, of the same inputs, from the same rows and calibrated alike.
    pub baseline: Judgement,
    /// What to be careful of.
    pub warnings: Vec<String>,
}

/// Some of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// How many.
    pub rows: usize,
    /// Of how many customers.
    pub customers: usize,
    /// How many came to pass.
    pub positives: usize,
    /// The time of the first.
    pub from: Timestamp,
    /// The time of the last.
    pub until: Timestamp,
}

/// How a member learnt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Times that it saw every row of training.
    pub epochs: usize,
    /// After how many of them it was best; its weights are those.
    pub best_epoch: usize,
    /// Mean loss on the training rows during that one.
    pub train_loss: f64,
    /// Mean loss on the validation rows after it.
    pub validation_loss: f64,
}

/// What a model is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// In figures.
    pub measures: Measures,
    /// To draw.
    pub curves: Curves,
}

/// Rows that came to pass, and others, below which training says little.
const TRAIN_CLASS_MIN: usize = 200;

/// The same of the part that judges.
const TEST_CLASS_MIN: usize = 50;

/// Customers of training below which a model knows few people.
const TRAIN_CUSTOMERS_MIN: usize = 500;

impl Judgement {
    /// Judges probabilities by what came to pass; every row counts 1 where no weights are given.
    ///
    /// Errors: as for [`measures`].
    pub fn of(probabilities: &[f32], labels: &[bool], weights: Option<&[f32]>) -> Result<Self, Error> {
        Ok(Self {
            measures: measures(probabilities, labels, weights)?,
            curves: curves(probabilities, labels, weights)?,
        })
    }
}

impl Report {
    /// Returns the part that judged.
    pub fn judges(&self) -> &Part {
        self.test.as_ref().unwrap_or(&self.validation)
    }

    /// Writes down what to be careful of.
    pub(super) fn warn(&mut self) {
        let mut warnings = Vec::new();
        let (train, judges) = (self.train, *self.judges());
        let rarer = |part: Part| part.positives.min(part.rows - part.positives);
        if rarer(train) < TRAIN_CLASS_MIN {
            warnings.push(format!(
                "only {} training rows of the rarer outcome; from {TRAIN_CLASS_MIN} on a model is worth trusting",
                rarer(train)
            ));
        }
        if train.customers < TRAIN_CUSTOMERS_MIN {
            warnings.push(format!(
                "only {} customers to learn from; from {TRAIN_CUSTOMERS_MIN} on they stand for others",
                train.customers
            ));
        }
        if rarer(judges) < TEST_CLASS_MIN {
            warnings.push(format!(
                "only {} judging rows of the rarer outcome; below {TEST_CLASS_MIN} the intervals are rough",
                rarer(judges)
            ));
        }
        if self.test.is_none() {
            warnings.push(
                "no test part: the customers that stopped the learning judge it, a little too well".into(),
            );
        }
        if self.cut.is_none() {
            warnings
                .push("no cut in time: the judgement is of other customers, but not of the future".into());
        }
        if self.network.measures.auroc < self.baseline.measures.auroc {
            warnings.push("the network orders no better than the logistic regression".into());
        }
        self.warnings = warnings;
    }
}

#[cfg(test)]
mod tests;
