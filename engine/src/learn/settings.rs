//! How a model is learnt; the defaults suit some thousand to some million rows.

/// How a model is learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct FitSettings {
    /// What every chance of the run comes from: the same rows and settings with the same seed give the same bytes.
    pub seed: u64,
    /// Names of the features to use, in any order; empty = those that the feature table has for the head.
    pub features: Vec<String>,
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// Networks that learn apart, each from another beginning, and answer with the mean of their log-odds.
    pub members: usize,
    /// Most times that every training row is seen.
    pub epochs_max: usize,
    /// Times without progress on the validation part after which learning ends.
    pub patience: usize,
    /// Rows of a step.
    pub batch: usize,
    /// Length of a step (AdamW).
    pub learning_rate: f64,
    /// Pull of the weights towards zero (AdamW, apart from the gradient).
    pub weight_decay: f64,
    /// Share of hidden units that are silent in a step.
    pub dropout: f64,
    /// Share of the customers by whom learning is stopped and the probabilities are calibrated.
    pub validation_share: f64,
    /// Share of the customers by whom the result is judged, seen by nothing before.
    pub test_share: f64,
}

impl Default for FitSettings {
    fn default() -> Self {
        Self {
            seed: 1,
            features: Vec::new(),
            hidden: vec![32, 16],
            members: 5,
            epochs_max: 60,
            patience: 8,
            batch: 256,
            learning_rate: 2e-3,
            weight_decay: 1e-2,
            dropout: 0.1,
            validation_share: 0.15,
            test_share: 0.15,
        }
    }
}
