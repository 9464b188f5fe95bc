//! The shop of the world of strays: some of its events and commands go where they do not belong.

use bytes::Bytes;
use schemas::ids::{CustomerId, PartitionId};
use schemas::record::{Command, RecordKind, encode_command};

use crate::world::{State, trace};

/// Partitions of the log.
pub const PARTITIONS: u32 = 2;
/// Customers, two in each partition.
pub const USERS: [&str; 4] = ["uma", "ned", "ann", "bob"];
/// Records that the shop appends in a run. A profile counts so many unknown names exactly.
const RECORDS_MAX: usize = 28;

/// Returns what the event of a number is called.
pub fn name(number: usize) -> String {
    format!("Seen {number}")
}

/// Appends an event, now and then a suppression: with the key and to the partition of the customer, or not.
pub fn shop(state: &mut State) {
    let number = state.told;
    if number >= RECORDS_MAX {
        return;
    }
    state.told += 1;
    let user = CustomerId::user(USERS[state.chance.below(USERS.len())]);
    let (kind, body) = match state.chance.below(10) {
        0 => (RecordKind::Command, encode_command(Command::Suppress)),
        _ => (RecordKind::Event, event(&user, number)),
    };
    let home = PartitionId::of(user.as_str(), PARTITIONS);
    let anywhere = PartitionId(state.chance.below(PARTITIONS as usize) as u32);
    let (partition, key) = match (state.chance.below(4), kind) {
        (0, RecordKind::Event) => (anywhere, ""),
        (0 | 1, _) => (anywhere, user.as_str()),
        (_, _) => (home, user.as_str()),
    };
    let at = state.partition(partition).log.len();
    trace!(
        state,
        "events[{at}] of {}: {key:?} of {} {}",
        partition.0,
        home.0,
        String::from_utf8_lossy(&body)
    );
    state.append_event(partition, key.into(), kind, body);
}

fn event(user: &CustomerId, number: usize) -> Bytes {
    let name = name(number);
    Bytes::from(format!(r#"{{"type":"track","event":"{name}","messageId":"m{number}","userId":"{user}"}}"#))
}
