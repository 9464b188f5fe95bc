//! Learning: from rows with labels to a calibrated model and a judgement of it.
//!
//! | file | in the order of the way of a row |
//! |---|---|
//! | `dataset` | rows with labels |
//! | `settings` | how a model is learnt |
//! | `fit` | the whole way |
//! | `split` | who is learnt from, who judges |
//! | `scale` | which features, and how each is made ready |
//! | `matrix` | rows as a network sees them |
//! | `member` | how one network learns |
//! | `logistic` | the baseline, and the method of the calibration |
//! | `calibrate` | log-odds put right |
//! | `measure` | what probabilities are worth |
//! | `report` | what came of it |
//!
//! Where rows come from is the affair of those who make a [`Dataset`]; what a model is, that of [`crate::model`].

pub mod dataset;
pub mod settings;

pub mod fit;

mod scale;
pub mod split;

mod matrix;
mod member;

mod logistic;

mod calibrate;

pub mod measure;

pub mod report;

pub mod error;

pub use dataset::{Dataset, Row};
pub use error::Error;
pub use fit::fit;
pub use measure::{Measures, measures};
pub use member::Progress;
pub use report::Report;
pub use settings::FitSettings;

#[cfg(test)]
mod tests;
