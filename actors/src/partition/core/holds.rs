//! What holds the position: per live customer the lowest record whose effects are not safe, ordered.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use schemas::ids::Position;

/// The lowest hold of every customer. Records come in rising order, so adding is cheap; what was raised or released since is dropped
/// when it comes to the top.
#[derive(Debug, Default)]
pub(super) struct Holds {
    heap: BinaryHeap<Reverse<(Position, u32)>>,
}

impl Holds {
    /// Notes that the customer at `index` holds `position` from now on. To be called whenever its lowest hold changes.
    pub(super) fn add(&mut self, position: Position, index: u32) {
        self.heap.push(Reverse((position, index)));
    }

    /// Returns the lowest position held; `current` tells what a customer holds now.
    pub(super) fn lowest(&mut self, current: impl Fn(u32) -> Option<Position>) -> Option<Position> {
        while let Some(Reverse((position, index))) = self.heap.peek() {
            if current(*index) == Some(*position) {
                return Some(*position);
            }
            self.heap.pop();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_hold_is_passed_and_a_raised_one_moves() {
        let mut holds = Holds::default();
        let mut current = [Some(Position(3)), Some(Position(5))];
        holds.add(Position(3), 0);
        holds.add(Position(5), 1);
        assert_eq!(holds.lowest(|i| current[i as usize]), Some(Position(3)));
        current[0] = Some(Position(9));
        holds.add(Position(9), 0);
        assert_eq!(holds.lowest(|i| current[i as usize]), Some(Position(5)));
        current = [Some(Position(9)), None];
        assert_eq!(holds.lowest(|i| current[i as usize]), Some(Position(9)));
        current = [None, None];
        assert_eq!(holds.lowest(|i| current[i as usize]), None);
    }
}
