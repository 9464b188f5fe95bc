//! Why nothing can be learnt or judged.

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
}
