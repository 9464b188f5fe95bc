//! The shop of the world of merges: Segment events, some of which say that an anonymous shopper is a user; commands; repeats.

use bytes::Bytes;
use schemas::ids::{CustomerId, PartitionId};
use schemas::record::{Command, RecordKind, encode_command};
use smol_str::SmolStr;

use crate::world::{State, trace};

/// Partitions of the log.
pub const PARTITIONS: u32 = 2;
/// Identified customers, one in each partition.
pub const USERS: [&str; 2] = ["uma", "ned"];
/// Anonymous ids: the first two share a partition.
pub const ANONYMOUS: [&str; 3] = ["a", "b", "c"];
/// Records that the shop appends in a run. A profile counts so many unknown names exactly.
const RECORDS_MAX: usize = 28;

/// Appends an event, an event that names an anonymous id beside the user, a command, or an earlier event again.
pub fn shop(state: &mut State) {
    let number = state.told;
    if number >= RECORDS_MAX {
        return;
    }
    state.told += 1;
    let (repeats, erases) = (state.odds.repeats, state.odds.erases);
    let user = USERS[state.chance.below(USERS.len())];
    let anonymous = ANONYMOUS[state.chance.below(ANONYMOUS.len())];
    if state.chance.percent(repeats) {
        return repeat(state);
    }
    if state.chance.percent(erases) {
        return erase(state, user, anonymous);
    }
    match state.chance.below(20) {
        0..=4 => event(state, CustomerId::user(user), &format!(r#""userId":"{user}""#), number),
        5..=10 => {
            let ids = format!(r#""userId":"{user}","anonymousId":"{anonymous}""#);
            event(state, CustomerId::user(user), &ids, number);
        }
        11 => append(state, CustomerId::user(user), RecordKind::Command, encode_command(Command::Suppress)),
        12 => {
            let customer = CustomerId::anonymous(anonymous);
            append(state, customer, RecordKind::Command, encode_command(Command::Suppress));
        }
        _ => {
            let ids = format!(r#""anonymousId":"{anonymous}""#);
            event(state, CustomerId::anonymous(anonymous), &ids, number);
        }
    }
}

/// Erases a user, or whoever an anonymous id leads to.
pub fn erase(state: &mut State, user: &str, anonymous: &str) {
    let customer = match state.chance.below(3) {
        0 => CustomerId::anonymous(anonymous),
        _ => CustomerId::user(user),
    };
    append(state, customer, RecordKind::Command, encode_command(Command::Erase));
}

fn event(state: &mut State, customer: CustomerId, ids: &str, number: usize) {
    let body = format!(r#"{{"type":"track","event":"Seen {number}","messageId":"m{number}",{ids}}}"#);
    append(state, customer, RecordKind::Event, body.into());
}

/// Sends an earlier event again, as a client does that got no answer.
pub fn repeat(state: &mut State) {
    let at = state.chance.below(PARTITIONS as usize);
    let events = state.partitions[at].log.iter().filter(|record| record.kind == RecordKind::Event);
    let events: Vec<(SmolStr, Bytes)> =
        events.map(|record| (record.key.clone(), record.body.clone())).collect();
    if let Some((key, body)) = events.get(state.chance.below(events.len())) {
        append(state, CustomerId::of_key(key.clone()), RecordKind::Event, body.clone());
    }
}

pub fn append(state: &mut State, customer: CustomerId, kind: RecordKind, body: Bytes) {
    let partition = PartitionId::of(customer.as_str(), PARTITIONS);
    let at = state.partition(partition).log.len();
    trace!(state, "events[{at}] of {}: {customer} {}", partition.0, String::from_utf8_lossy(&body));
    state.append_event(partition, customer.as_str().into(), kind, body);
}
