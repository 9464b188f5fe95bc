//! A customer that panics, in builds that show what each rule of the protocol is for. The product is built without this.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::partition::cell::Cell;
use crate::partition::turn::{Refused, Turn, Turned};

/// The turn that panics; 0 = none does.
static UNLUCKY: AtomicU64 = AtomicU64::new(0);
/// Turns so far.
static TURNS: AtomicU64 = AtomicU64::new(0);

/// Has the turn of this number, of whichever customer, panic in this process. One only: a record that panics twice is set aside.
pub fn panic_at(turn: u64) {
    UNLUCKY.store(turn, Ordering::Relaxed);
}

/// Takes a turn, or panics.
pub(crate) fn turn(cell: &mut Cell, turn: Turn) -> Result<Turned, Refused> {
    let number = TURNS.fetch_add(1, Ordering::Relaxed) + 1;
    let taken = cell.turn(turn);
    assert!(number != UNLUCKY.load(Ordering::Relaxed), "it was told to panic (--inject panic-at)");
    taken
}
