//! The mean over independent runs, with the interval that Student's distribution gives.

use serde::Serialize;

/// Two-sided 95 % quantiles of Student's distribution for 1 to 30 degrees of freedom; beyond them the next is near enough.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// A mean and its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// Where the interval begins and ends; unknown from fewer than two values.
    pub interval: Option<[f64; 2]>,
}

impl Spread {
    /// Returns the mean of values, and how sure it is.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        if values.is_empty() {
            return Self::default();
        }
        let mean = values.iter().sum::<f64>() / n;
        let freedom = values.len() - 1;
        if freedom == 0 {
            return Self { mean, interval: None };
        }
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / freedom as f64;
        let half = STUDENT[freedom.min(STUDENT.len()) - 1] * (variance / n).sqrt();
        Self { mean, interval: Some([mean - half, mean + half]) }
    }

    /// Returns true when the whole interval lies above nothing.
    pub fn is_above_nothing(&self) -> bool {
        self.interval.is_some_and(|[low, _]| low > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_students() {
        // Sleep data of Student (1908), differences of ten patients: mean 1.58, 95 % interval 0.70 to 2.46.
        let spread = Spread::of(&[1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]);
        let [low, high] = spread.interval.expect("ten values");
        assert!(
            (spread.mean - 1.58).abs() < 1e-9 && (low - 0.700).abs() < 1e-3 && (high - 2.460).abs() < 1e-3
        );
        assert!(spread.is_above_nothing());
        assert_eq!(Spread::of(&[2.0]), Spread { mean: 2.0, interval: None });
        assert!(!Spread::of(&[]).is_above_nothing());
    }
}
