//! Logistic regression by Newton's method: the baseline beside every network, and the two numbers of a calibration.

/// Pull of the baseline's weights towards zero: half their squares are added to the loss, which is a sum over rows.
pub const PENALTY: f64 = 1.0;

/// Most steps; a handful is usual.
const STEPS_MAX: usize = 50;

/// A step no weight of which moves by more is the last.
const STEP_MIN: f64 = 1e-8;

/// Added to the diagonal of the curvature, so that inputs that say the same still have one answer.
const RIDGE: f64 = 1e-9;

/// Rows to learn from: inputs of one row behind those of another.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    /// Shape: rows × inputs.
    pub inputs: &'a [f32],
    /// What came of each row, in [0, 1].
    pub targets: &'a [f64],
    /// How much each row counts.
    pub weights: &'a [f32],
}

/// A learnt line: log-odds = intercept + weights × inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    /// Log-odds where every input is 0.
    pub intercept: f64,
    /// One per input.
    pub weights: Vec<f64>,
}

impl Logistic {
    /// Learns from rows: the weights, but not the intercept, pulled towards zero by `penalty`.
    pub fn fit(examples: &Examples<'_>, penalty: f64) -> Self {
        let inputs = examples.inputs.len() / examples.targets.len().max(1);
        // The intercept is the last, the input that is always 1.
        let mut at = vec![0.0; inputs + 1];
        let mut loss = objective(examples, penalty, &at);
        for _ in 0..STEPS_MAX {
            let Some(step) = newton_step(examples, penalty, &at) else { break };
            let Some((next, next_loss)) = descend(examples, penalty, (&at, loss), &step) else { break };
            let moved = at.iter().zip(&next).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            (at, loss) = (next, next_loss);
            if moved < STEP_MIN {
                break;
            }
        }
        let intercept = at.pop().unwrap_or_default();
        Self { intercept, weights: at }
    }

    /// Returns the log-odds of a row.
    pub fn logit(&self, row: &[f32]) -> f64 {
        self.intercept
            + row.iter().zip(&self.weights).map(|(input, weight)| f64::from(*input) * weight).sum::<f64>()
    }
}

/// Returns the probability of log-odds.
pub fn sigmoid(logit: f64) -> f64 {
    if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        let e = logit.exp();
        e / (1.0 + e)
    }
}

/// Returns the loss of log-odds against a target in [0, 1]: what the truth costs in nats.
pub fn log_loss(logit: f64, target: f64) -> f64 {
    logit.max(0.0) - logit * target + (-logit.abs()).exp().ln_1p()
}

/// Returns the next place on the way of a step and the loss there: the whole step, or a half, a quarter … of it where that goes up.
fn descend(
    examples: &Examples<'_>,
    penalty: f64,
    from: (&[f64], f64),
    step: &[f64],
) -> Option<(Vec<f64>, f64)> {
    const HALVINGS: i32 = 20;
    let (at, loss) = from;
    (0..HALVINGS).find_map(|halving| {
        let part = 0.5_f64.powi(halving);
        let next: Vec<f64> = at.iter().zip(step).map(|(at, step)| at + part * step).collect();
        let next_loss = objective(examples, penalty, &next);
        (next_loss <= loss).then_some((next, next_loss))
    })
}

/// Returns each row with its inputs, target and weight.
fn rows<'a>(examples: &'a Examples<'_>) -> impl Iterator<Item = (&'a [f32], f64, f64)> {
    let inputs = (examples.inputs.len() / examples.targets.len().max(1)).max(1);
    let rows = examples.inputs.chunks_exact(inputs).zip(examples.targets).zip(examples.weights);
    rows.map(|((row, target), weight)| (row, *target, f64::from(*weight)))
}

fn logit(row: &[f32], at: &[f64]) -> f64 {
    at[row.len()] + row.iter().zip(at).map(|(input, weight)| f64::from(*input) * weight).sum::<f64>()
}

fn objective(examples: &Examples<'_>, penalty: f64, at: &[f64]) -> f64 {
    let pull: f64 = at[..at.len() - 1].iter().map(|weight| weight * weight).sum();
    let losses = rows(examples).map(|(row, target, weight)| weight * log_loss(logit(row, at), target));
    losses.sum::<f64>() + penalty / 2.0 * pull
}

/// Returns where Newton's method goes from a place; `None` where the curvature is none.
fn newton_step(examples: &Examples<'_>, penalty: f64, at: &[f64]) -> Option<Vec<f64>> {
    let size = at.len();
    let mut slope = vec![0.0; size];
    let mut curvature = vec![0.0; size * size];
    let mut with_one = vec![1.0; size];
    for (row, target, weight) in rows(examples) {
        let said = sigmoid(logit(row, at));
        let (error, bend) = (weight * (said - target), weight * said * (1.0 - said));
        with_one.iter_mut().zip(row).for_each(|(place, input)| *place = f64::from(*input));
        for (number, input) in with_one.iter().enumerate() {
            slope[number] += error * input;
            let line = &mut curvature[number * size..=number * size + number];
            line.iter_mut().zip(&with_one).for_each(|(place, other)| *place += bend * input * other);
        }
    }
    for number in 0..size {
        curvature[number * size + number] += RIDGE;
        if number + 1 < size {
            slope[number] += penalty * at[number];
            curvature[number * size + number] += penalty;
        }
    }
    let mut step = solve(curvature, slope)?;
    step.iter_mut().for_each(|value| *value = -*value);
    Some(step)
}

/// Solves a symmetric positive system, of which the lower half is given, by Cholesky's method.
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for row in 0..size {
        for column in 0..=row {
            let products: f64 = (0..column).map(|k| matrix[row * size + k] * matrix[column * size + k]).sum();
            let rest = matrix[row * size + column] - products;
            matrix[row * size + column] = if row > column {
                rest / matrix[column * size + column]
            } else if rest > 0.0 {
                rest.sqrt()
            } else {
                return None;
            };
        }
    }
    for row in 0..size {
        let known: f64 = (0..row).map(|k| matrix[row * size + k] * right[k]).sum();
        right[row] = (right[row] - known) / matrix[row * size + row];
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|k| matrix[k * size + row] * right[k]).sum();
        right[row] = (right[row] - known) / matrix[row * size + row];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn near(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() < within, "{found} instead of {expected}");
    }

    #[test]
    fn a_single_input_of_two_values_has_the_log_odds_of_the_shares() {
        // Of the rows with input 0 one in four came to pass, of those with 1 three in five.
        let inputs = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let targets = [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0];
        let found = Logistic::fit(&Examples { inputs: &inputs, targets: &targets, weights: &[1.0; 9] }, 0.0);
        near(found.intercept, (1.0_f64 / 3.0).ln(), 1e-6);
        near(found.weights[0], (3.0_f64 / 2.0).ln() - (1.0_f64 / 3.0).ln(), 1e-6);
        near(sigmoid(found.logit(&[1.0])), 0.6, 1e-6);
    }

    #[test]
    fn weights_count_as_rows_and_targets_may_be_shares() {
        let by_weight = Examples {
            inputs: &[0.0, 0.0, 1.0, 1.0],
            targets: &[1.0, 0.0, 1.0, 0.0],
            weights: &[1.0, 3.0, 3.0, 2.0],
        };
        let by_share = Examples { inputs: &[0.0, 1.0], targets: &[0.25, 0.6], weights: &[4.0, 5.0] };
        let (one, other) = (Logistic::fit(&by_weight, 0.5), Logistic::fit(&by_share, 0.5));
        near(one.intercept, other.intercept, 1e-6);
        near(one.weights[0], other.weights[0], 1e-6);
    }

    #[test]
    fn the_weights_that_drew_the_outcomes_are_found() {
        let mut chance = ChaCha8Rng::seed_from_u64(1);
        let (truth, rows) = ([0.8, -1.5, 0.0], 20_000);
        let inputs: Vec<f32> = (0..rows * 3).map(|_| chance.random_range(-1.5..1.5)).collect();
        let targets: Vec<f64> = inputs
            .chunks_exact(3)
            .map(|row| {
                let logit: f64 = row.iter().zip(truth).map(|(x, w)| f64::from(*x) * w).sum::<f64>() - 0.4;
                f64::from(u8::from(chance.random::<f64>() < sigmoid(logit)))
            })
            .collect();
        let found = Logistic::fit(
            &Examples { inputs: &inputs, targets: &targets, weights: &vec![1.0; rows] },
            PENALTY,
        );
        found.weights.iter().zip(truth).for_each(|(found, truth)| near(*found, truth, 0.08));
        near(found.intercept, -0.4, 0.08);
    }

    #[test]
    fn what_separates_the_classes_or_repeats_another_input_still_has_finite_weights() {
        let separable =
            Examples { inputs: &[-1.0, -2.0, 1.0, 2.0], targets: &[0.0, 0.0, 1.0, 1.0], weights: &[1.0; 4] };
        let twice = Examples {
            inputs: &[-1.0, -1.0, 1.0, 1.0, 0.5, 0.5],
            targets: &[0.0, 1.0, 0.0],
            weights: &[1.0; 3],
        };
        for (examples, penalty) in [(separable, PENALTY), (separable, 0.0), (twice, PENALTY), (twice, 0.0)] {
            let found = Logistic::fit(&examples, penalty);
            assert!(found.intercept.is_finite() && found.weights.iter().all(|weight| weight.is_finite()));
        }
        let found = Logistic::fit(&twice, PENALTY);
        near(found.weights[0], found.weights[1], 1e-6);
    }

    #[test]
    fn probabilities_and_losses_stay_finite_at_the_ends() {
        for logit in [-1e4, -40.0, 0.0, 40.0, 1e4] {
            assert!((0.0..=1.0).contains(&sigmoid(logit)));
            assert!(log_loss(logit, 1.0).is_finite() && log_loss(logit, 0.0).is_finite());
        }
        near(log_loss(0.0, 1.0), 2.0_f64.ln(), 1e-12);
        near(log_loss(2.0, 1.0), -sigmoid(2.0).ln(), 1e-12);
    }
}
