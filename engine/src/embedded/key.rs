//! Keys of the embedded database: bytes that sort as what they stand for.

use actors::port::log::Topic;
use actors::port::store::WakeUp;
use schemas::customer::{Link, LinkKind};
use schemas::decision::Decision;
use schemas::ids::{CustomerId, OutreachId, PartitionId, Position};
use schemas::time::Timestamp;

/// Key of the number of partitions.
pub const PARTITIONS: &[u8] = &[State::Partitions as u8];

/// Key of what all engines go by.
pub const AGREEMENT: &[u8] = &[State::Agreement as u8];

/// Key of the position below which no record is appended: where the shop's log of today begins.
pub const BEGIN: &[u8] = &[State::Begin as u8];

/// What the rows of the state table are.
#[derive(Clone, Copy)]
#[repr(u8)]
enum State {
    Partitions = 1,
    Lease = 2,
    Commit = 3,
    Progress = 4,
    NewestRow = 5,
    Floor = 6,
    Agreement = 7,
    Begin = 8,
    ErasedTurns = 9,
}

/// Returns the key of a partition's lease.
pub fn lease(partition: PartitionId) -> Vec<u8> {
    state(State::Lease, &partition.0.to_be_bytes())
}

/// Returns the key of a reader's committed position.
pub fn commit(topic: Topic, partition: PartitionId) -> Vec<u8> {
    state(State::Commit, &topic_partition(topic, partition))
}

/// Returns the key of the progress of a replayed source.
pub fn progress(source: u64) -> Vec<u8> {
    state(State::Progress, &source.to_be_bytes())
}

/// Returns the source of a key of progress.
pub fn progress_of(key: &[u8]) -> Option<u64> {
    let source = key.strip_prefix(&[State::Progress as u8])?;
    Some(u64::from_be_bytes(*source.first_chunk()?))
}

/// Returns the key of a partition's largest write timestamp.
pub fn newest_row(partition: PartitionId) -> Vec<u8> {
    state(State::NewestRow, &partition.0.to_be_bytes())
}

/// Returns the key of the stamp below which nothing is appended any more.
pub fn floor(topic: Topic, partition: PartitionId) -> Vec<u8> {
    state(State::Floor, &topic_partition(topic, partition))
}

fn state(kind: State, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + rest.len());
    key.push(kind as u8);
    key.extend(rest);
    key
}

/// Returns the start of the keys of a partition's blocks.
pub fn topic_partition(topic: Topic, partition: PartitionId) -> [u8; 5] {
    let [a, b, c, d] = partition.0.to_be_bytes();
    [topic_number(topic), a, b, c, d]
}

/// Returns the key of the block that begins at `first`.
pub fn block(topic: Topic, partition: PartitionId, first: Position) -> Vec<u8> {
    let mut key = Vec::with_capacity(13);
    key.extend(topic_partition(topic, partition));
    key.extend(first.0.to_be_bytes());
    key
}

/// Returns the first position of a block from its key.
pub fn block_first(key: &[u8]) -> Option<Position> {
    key.last_chunk().map(|bytes| Position(u64::from_be_bytes(*bytes)))
}

/// Returns topic, partition and first position of a block from its key.
pub fn block_of(key: &[u8]) -> Option<(Topic, PartitionId, Position)> {
    let (number, rest) = key.split_first()?;
    let topic = Topic::ALL.into_iter().find(|topic| topic_number(*topic) == *number)?;
    Some((topic, PartitionId(u32::from_be_bytes(*rest.first_chunk()?)), block_first(key)?))
}

fn topic_number(topic: Topic) -> u8 {
    match topic {
        Topic::Events => 0,
        Topic::Outreach => 1,
        Topic::Decisions => 2,
        Topic::DeadLetter => 3,
        Topic::Replies => 4,
    }
}

/// Returns the key of a customer row.
pub fn row(partition: PartitionId, customer: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(4 + customer.len());
    key.extend(partition.0.to_be_bytes());
    key.extend(customer.as_bytes());
    key
}

/// Returns the customer of a row's key.
pub fn row_customer(key: &[u8]) -> Option<CustomerId> {
    Some(CustomerId::user(std::str::from_utf8(key.get(4..)?).ok()?))
}

/// Returns the key of an entry of the timer index.
pub fn wake_up(partition: PartitionId, wake_up: &WakeUp) -> Vec<u8> {
    let mut key = wake_up_slot(partition, wake_up.slot);
    key.extend(ordered(wake_up.due.0));
    key.extend(wake_up.customer.as_str().as_bytes());
    key
}

/// Returns the key before all entries of a slot of the timer index.
pub fn wake_up_slot(partition: PartitionId, slot: i64) -> Vec<u8> {
    let mut key = Vec::with_capacity(52);
    key.extend(partition.0.to_be_bytes());
    key.extend(ordered(slot));
    key
}

/// Returns the entry of a key of the timer index.
pub fn wake_up_of(key: &[u8]) -> Option<WakeUp> {
    let slot = unordered(*key.get(4..12)?.first_chunk()?);
    let due = Timestamp(unordered(*key.get(12..20)?.first_chunk()?));
    let customer = CustomerId::user(std::str::from_utf8(key.get(20..)?).ok()?);
    Some(WakeUp { slot, due, customer })
}

/// Returns the key of an outreach in the ledger.
pub fn ledger(origin: &CustomerId, id: OutreachId) -> Vec<u8> {
    let mut key = customer_prefix(origin);
    key.extend(id.0.to_be_bytes());
    key
}

/// Returns the key of a decision: newest first within its customer.
pub fn decision(decision: &Decision) -> Vec<u8> {
    let mut key = customer_prefix(&decision.customer);
    key.extend(ordered(decision.at.0).map(|byte| !byte));
    key.extend((!decision.id.0).to_be_bytes());
    key
}

/// Returns the key of a turn: in the order of the thread.
pub fn turn(customer: &CustomerId, number: u32) -> Vec<u8> {
    let mut key = customer_prefix(customer);
    key.extend(number.to_be_bytes());
    key
}

/// Returns the key of the number below which a customer's turns were erased.
pub fn erased_turns(customer: &CustomerId) -> Vec<u8> {
    state(State::ErasedTurns, customer.as_str().as_bytes())
}

/// Returns the start of every key of a customer in the ledger, the decision and the turn table. Ends with a terminator that no customer id can
/// hold, so that no id's keys lie among those of another.
pub fn customer_prefix(customer: &CustomerId) -> Vec<u8> {
    let mut key = Vec::with_capacity(customer.as_str().len() + 26);
    for byte in customer.as_str().bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key.extend([0, 1]);
    key
}

/// Returns the key of a link.
pub fn link(link: Link, customer: &CustomerId) -> Vec<u8> {
    let mut key = Vec::with_capacity(17 + customer.as_str().len());
    key.extend(link_prefix(link));
    key.extend(customer.as_str().as_bytes());
    key
}

/// Returns the start of the keys of every customer that a value leads to.
pub fn link_prefix(link: Link) -> [u8; 17] {
    let mut key = [0; 17];
    key[0] = match link.kind {
        LinkKind::Email => 0,
        LinkKind::Phone => 1,
        LinkKind::Order => 2,
    };
    key[1..].copy_from_slice(&link.hash.to_be_bytes());
    key
}

/// Returns the customer of a link's key.
pub fn link_customer(key: &[u8]) -> Option<CustomerId> {
    Some(CustomerId::user(std::str::from_utf8(key.get(17..)?).ok()?))
}

/// Returns the link of its key.
pub fn link_of(key: &[u8]) -> Option<Link> {
    let kind = match key.first()? {
        0 => LinkKind::Email,
        1 => LinkKind::Phone,
        2 => LinkKind::Order,
        _ => return None,
    };
    Some(Link { kind, hash: u128::from_be_bytes(*key.get(1..17)?.first_chunk()?) })
}

/// Bytes of a signed number that sort as the number does.
fn ordered(value: i64) -> [u8; 8] {
    (value ^ i64::MIN).to_be_bytes()
}

fn unordered(bytes: [u8; 8]) -> i64 {
    i64::from_be_bytes(bytes) ^ i64::MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_numbers_sort_as_bytes_and_come_back() {
        let numbers = [i64::MIN, -300_000, -1, 0, 1, 1_700_000_000_000, i64::MAX];
        assert!(numbers.is_sorted_by_key(|number| ordered(*number)));
        assert!(numbers.iter().all(|number| unordered(ordered(*number)) == *number));
    }

    #[test]
    fn what_an_import_reads_from_keys_is_what_was_written() {
        for kind in [LinkKind::Email, LinkKind::Phone, LinkKind::Order] {
            let (written, customer) = (Link { kind, hash: u128::MAX - 9 }, CustomerId::user("ada"));
            let key = link(written, &customer);
            assert_eq!((link_of(&key), link_customer(&key)), (Some(written), Some(customer)));
        }
        assert_eq!(link_of(&[3; 20]), None);
        assert_eq!(progress_of(&progress(7)), Some(7));
        assert_eq!(progress_of(&lease(PartitionId(7))), None);
    }

    #[test]
    fn keys_of_one_customer_never_lie_among_those_of_another() {
        let ids = ["", "a", "a\0", "a\0b", "ab", "b"].map(CustomerId::user);
        for one in &ids {
            let prefix = customer_prefix(one);
            for other in ids.iter().filter(|other| *other != one) {
                assert!(!ledger(other, OutreachId(7)).starts_with(&prefix), "{one:?} {other:?}");
            }
        }
        assert!(ids.is_sorted_by_key(customer_prefix));
    }
}
