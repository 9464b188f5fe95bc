//! Curves as a terminal shows them.

use std::fmt::{self, Display};

use crate::learn::measure::calibration::Bin;
use crate::learn::measure::curve::Point;

/// Characters of a picture of the ROC curve, across and down.
const WIDTH: usize = 41;
const HEIGHT: usize = 13;

/// Characters of a bar that says 100 %.
const BAR: usize = 40;

/// The ROC curve over the diagonal of chance.
pub(super) struct Roc<'a>(pub(super) &'a [Point]);

impl Display for Roc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in 0..HEIGHT {
            let label = match row {
                0 => "100 %",
                _ if row == HEIGHT - 1 => "  0 %",
                _ if row == HEIGHT / 2 => " 50 %",
                _ => "     ",
            };
            let text: String = (0..WIDTH).map(|column| self.mark(row, column)).collect();
            writeln!(f, "  {label} │{}", text.trim_end())?;
        }
        writeln!(f, "        └{}", "─".repeat(WIDTH))
    }
}

impl Roc<'_> {
    /// Returns what stands in a place of the picture.
    fn mark(&self, row: usize, column: usize) -> char {
        let x = column as f64 / (WIDTH - 1) as f64;
        if line(height(self.0, x)) == row {
            '●'
        } else if line(x) == row {
            '·'
        } else {
            ' '
        }
    }
}

/// Returns the line of the picture for a height from 0 to 1.
fn line(y: f64) -> usize {
    HEIGHT - 1 - (y.clamp(0.0, 1.0) * (HEIGHT - 1) as f64).round() as usize
}

/// Returns the height of a curve at `x`: straight between its points, the highest where it stands upright.
fn height(points: &[Point], x: f64) -> f64 {
    let behind = points.partition_point(|point| point.x <= x);
    match (points.get(behind.wrapping_sub(1)), points.get(behind)) {
        (Some(a), Some(b)) => a.y + (b.y - a.y) * (x - a.x) / (b.x - a.x),
        (Some(end), None) => end.y,
        (None, Some(begin)) => begin.y,
        (None, None) => 0.0,
    }
}

/// What was said against what came: a bar per bin, with a mark where it should end.
pub(super) struct Reliability<'a>(pub(super) &'a [Bin]);

impl Display for Reliability<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: f64 = self.0.iter().map(|bin| bin.weight).sum();
        for bin in self.0 {
            let place = |share: f64| (share.clamp(0.0, 1.0) * BAR as f64).round() as usize;
            let mut bar: Vec<char> = vec!['█'; place(bin.came)];
            bar.resize(BAR + 1, ' ');
            bar[place(bin.said)] = '┃';
            let (said, came, rows) = (100.0 * bin.said, 100.0 * bin.came, 100.0 * bin.weight / all);
            let text: String = bar.into_iter().collect();
            writeln!(f, "  {said:5.1} % {came:5.1} % │{text}│ {rows:5.1} %")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_drawn_from_corner_to_corner_above_chance() {
        let points = [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)].map(|(x, y)| Point { x, y });
        let picture = Roc(&points).to_string();
        let lines: Vec<&str> = picture.lines().collect();
        assert_eq!(lines.len(), HEIGHT + 1);
        assert!(lines[0].starts_with("  100 % │") && lines[0].ends_with('●'), "{picture}");
        assert!(lines[HEIGHT / 2].starts_with("   50 % │●"), "{picture}");
        assert!(lines[HEIGHT - 1].starts_with("    0 % │·"), "{picture}");
    }

    #[test]
    fn a_bar_is_as_long_as_what_came_with_a_mark_at_what_was_said() {
        let bins = [Bin { weight: 3.0, said: 0.25, came: 0.5 }, Bin { weight: 1.0, said: 1.0, came: 0.0 }];
        let picture = Reliability(&bins).to_string();
        let lines: Vec<&str> = picture.lines().collect();
        assert_eq!(lines[0].matches('█').count(), 19, "{picture}");
        assert!(lines[0].ends_with("│  75.0 %") && lines[1].ends_with("┃│  25.0 %"), "{picture}");
    }
}
