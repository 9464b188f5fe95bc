//! Why nothing can be learnt or judged.

use schemas::feature;

use crate::model;

/// Why nothing can be learnt or judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing.
    #[error(
        "there is no row to learn from or to judge by; at least one customer of the head's population is needed"
    )]
    NoRows,
    /// Rows, probabilities and weights do not belong together.
    #[error("{labels} labels have {found} {what}; as many are legal")]
    WrongCount {
        /// What has another number.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many labels there are.
        labels: usize,
    },
    /// A row is not one of the feature table.
    #[error("row {row} has {found} features; {legal} are legal, those of the feature table in its order")]
    WrongShape {
        /// Number of the row, from 0.
        row: usize,
        /// Its features.
        found: usize,
        /// Those of the table.
        legal: usize,
    },
    /// A value is no number.
    #[error("row {row} has no finite {feature}; every finite number is legal")]
    NotFinite {
        /// Number of the row, from 0.
        row: usize,
        /// Name of the value.
        feature: &'static str,
    },
    /// A probability is none.
    #[error("row {row} has the probability {found}; 0 to 1 is legal")]
    NoProbability {
        /// Number of the row, from 0.
        row: usize,
        /// What stands there.
        found: f32,
    },
    /// A row weighs nothing, less than nothing, or no number.
    #[error("row {row} weighs {weight}; a finite number above 0 is legal")]
    BadWeight {
        /// Number of the row, from 0.
        row: usize,
        /// Its weight.
        weight: f32,
    },
    /// Nothing came to pass, or everything did.
    #[error(
        "{positives} of {rows} rows {part}came to pass; at least one that did and one that did not are needed, so take more customers, \
         more dates or another horizon"
    )]
    OneClass {
        /// Of which part, with a blank behind; empty where there are no parts.
        part: &'static str,
        /// Rows that came to pass.
        positives: usize,
        /// All rows.
        rows: usize,
    },
    /// A feature of the settings is none.
    #[error("there is no feature {name}; the nearest is {nearest}", nearest = nearest(name))]
    UnknownFeature {
        /// What was named.
        name: String,
    },
    /// Nothing tells one row from another.
    #[error("no feature ever changes in the training rows, so there is nothing to learn from")]
    NothingChanges,
    /// A setting is out of its range.
    #[error("{setting} is {found}; {legal} is legal")]
    BadSetting {
        /// Its name.
        setting: &'static str,
        /// Its value.
        found: f64,
        /// What would be right.
        legal: &'static str,
    },
    /// Learning led away from every number.
    #[error("the loss is no number any more; a smaller learning_rate may help")]
    Diverged,
    /// Libtorch refused.
    #[error("libtorch failed")]
    Torch(#[from] tch::TchError),
    /// What was learnt is no legal model.
    #[error("the network that was learnt cannot be a model")]
    Model(#[from] model::Error),
}

/// Returns the feature whose name is most like another.
fn nearest(name: &str) -> &'static str {
    let distance = |feature: &&feature::Feature| strsim::osa_distance(feature.name, name);
    feature::TABLE.iter().min_by_key(distance).map_or("none", |feature| feature.name)
}
