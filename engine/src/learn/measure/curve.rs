//! Curves for drawing: few points, the ends among them.

use serde::{Deserialize, Serialize};

use super::calibration::{Bin, reliability};
use super::ranking::{Ranking, Weights};
use super::{Error, judged};

/// Most points of a curve.
pub const POINTS_MAX: usize = 50;

/// What there is to draw of one judgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// Share of false alarms against share of hits, both rising from 0 to 1.
    pub roc: Vec<Point>,
    /// Recall against precision, by rising recall.
    pub precision_recall: Vec<Point>,
    /// What was said against what came, the bins of the expected calibration error that hold rows.
    pub reliability: Vec<Bin>,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Upwards.
    pub y: f64,
}

/// Returns the curves of probabilities.
///
/// Errors: as for [`super::measures`].
pub fn curves(probabilities: &[f32], labels: &[bool], weights: Option<&[f32]>) -> Result<Curves, Error> {
    let rows = judged(probabilities, labels, weights)?;
    let ranking = Ranking::of(&rows);
    let totals = ranking.totals();
    let mut above = Weights::default();
    let mut roc = vec![Point { x: 0.0, y: 0.0 }];
    let mut precision_recall = Vec::new();
    ranking.each_tie(|_, tie, _| {
        above.positive += tie.positive;
        above.negative += tie.negative;
        let hits = above.positive / totals.positive;
        roc.push(Point { x: above.negative / totals.negative, y: hits });
        precision_recall.push(Point { x: hits, y: above.positive / above.all() });
    });
    Ok(Curves {
        roc: thinned(&roc),
        precision_recall: thinned(&precision_recall),
        reliability: reliability(&rows),
    })
}

/// Returns at most [`POINTS_MAX`] points of a curve, evenly along the way, the first and the last among them.
fn thinned(points: &[Point]) -> Vec<Point> {
    if points.len() <= POINTS_MAX {
        return points.to_vec();
    }
    let last = points.len() - 1;
    (0..POINTS_MAX).map(|number| points[number * last / (POINTS_MAX - 1)]).collect()
}
