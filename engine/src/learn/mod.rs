//! Learning: from rows with labels to a calibrated model and a judgement of it.
//!
//! In the order of the way of a row: [`dataset`] holds them; [`measure`] judges probabilities against labels. Where rows come from
//! is the affair of those who make a [`Dataset`]; what a model is, that of [`crate::model`].

pub mod dataset;
pub mod error;
pub mod settings;

pub mod measure;

pub use dataset::{Dataset, Row};
pub use error::Error;
pub use measure::{Measures, measures};
pub use settings::FitSettings;
