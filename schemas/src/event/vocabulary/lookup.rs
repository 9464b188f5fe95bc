//! The table of spellings, hashed when the crate is compiled: one look per event, whatever its dialect.

use super::{Known, SPELLINGS};

/// Slots of the table: a power of two, at least twice the spellings.
const SLOTS: usize = 512;

/// In each slot the number of a spelling and one more, or 0. A spelling stands in the first free slot from its hash on.
static TABLE: [u16; SLOTS] = table();

/// Returns the event that has this spelling.
pub fn find(name: &str) -> Option<Known> {
    let name = name.as_bytes();
    let mut slot = first_slot(name);
    while let Some(spelling) = usize::from(TABLE[slot]).checked_sub(1) {
        let (known_as, known) = SPELLINGS[spelling];
        if same(known_as.as_bytes(), name) {
            return Some(known);
        }
        slot = (slot + 1) % SLOTS;
    }
    None
}

/// Fills the table. A spelling that means two things does not compile.
const fn table() -> [u16; SLOTS] {
    assert!(2 * SPELLINGS.len() <= SLOTS);
    let mut table = [0; SLOTS];
    let mut spelling = 0;
    while spelling < SPELLINGS.len() {
        let (name, known) = SPELLINGS[spelling];
        let mut slot = first_slot(name.as_bytes());
        while table[slot] != 0 {
            let (taken, other) = SPELLINGS[table[slot] as usize - 1];
            assert!(!same(taken.as_bytes(), name.as_bytes()) || known as u8 == other as u8);
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = spelling as u16 + 1;
        spelling += 1;
    }
    table
}

/// Returns true for what separates words in one dialect or another.
const fn separates(byte: u8) -> bool {
    matches!(byte, b' ' | b'_' | b'-')
}

/// Returns where a spelling's search begins: its 32-bit FNV-1a hash without separators and letter case.
const fn first_slot(name: &[u8]) -> usize {
    let mut hash: u32 = 0x811c_9dc5;
    let mut place = 0;
    while place < name.len() {
        if !separates(name[place]) {
            hash = (hash ^ name[place].to_ascii_lowercase() as u32).wrapping_mul(0x0100_0193);
        }
        place += 1;
    }
    (hash ^ (hash >> 16)) as usize % SLOTS
}

/// Returns true when two spellings differ in separators and letter case only.
const fn same(one: &[u8], other: &[u8]) -> bool {
    let (mut here, mut there) = (0, 0);
    loop {
        while here < one.len() && separates(one[here]) {
            here += 1;
        }
        while there < other.len() && separates(other[there]) {
            there += 1;
        }
        if here == one.len() || there == other.len() {
            return here == one.len() && there == other.len();
        }
        if !one[here].eq_ignore_ascii_case(&other[there]) {
            return false;
        }
        here += 1;
        there += 1;
    }
}
