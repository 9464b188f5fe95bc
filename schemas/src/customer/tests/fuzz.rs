//! A fuzz target over the row: hostile stamps, positions, events, messages and outcomes, applied, answered, merged and written.
//!
//! It runs a bounded number of inputs as a test; `cargo bolero test` goes on from here.

use super::story::{Teller, busy_book};
use super::*;
use crate::customer::codec::Codec;
use crate::customer::identity::{Message, Relay, Snapshot};
use crate::ids::Position;
use crate::record::Sender;

/// Inputs per test run.
const INPUTS: usize = 300;

fn hostile(byte: u8, stamp: Timestamp) -> Timestamp {
    match byte % 16 {
        0 => Timestamp(i64::MIN),
        1 => Timestamp(i64::MAX),
        2 => Timestamp(-1),
        3 => stamp - Span::days(400),
        _ => stamp,
    }
}

fn drive(input: &[u8]) {
    let book = busy_book();
    let mut rows = [Customer::new(CustomerId::user("u1")), Customer::new(CustomerId::anonymous("0"))];
    let mut fx = Effects::default();
    let Some((first, story)) = input.split_first() else { return };
    let mut teller = Teller::new(story, hostile(*first, NOON));
    for n in 0_usize.. {
        let odd = usize::from(input[n % input.len()]);
        let row = &mut rows[odd % 2];
        let Some(mut record) = teller.next_record(row) else { break };
        record.stamp = hostile((odd / 2) as u8, record.stamp);
        row.apply(&book, &record, &mut fx);
        if odd % 4 == 0 {
            answer_all(&book, row, &mut fx);
        }
        if odd % 8 == 1 {
            row.wake(&book, hostile((odd / 8) as u8, record.stamp), &mut fx);
        }
        let mut bytes = Vec::new();
        row.encode(Codec::NEWEST, &mut bytes);
        assert_eq!(Customer::decode(&bytes).as_ref(), Ok(&*row));
    }
    let [user, alias] = &mut rows;
    user.rare().identity.requests.push((alias.id.clone(), Position(7)));
    let snapshot = Snapshot { profile: alias.profile.take(), triggers: alias.triggers.take() };
    let sender = Sender { customer: alias.id.clone(), position: Position(u64::MAX), nth: u16::MAX };
    let message = Message::Snapshot { request: Position(7), snapshot: Box::new(snapshot) };
    let input = Input::Relay(Box::new(Relay { sender, message }));
    let record = Record { position: Position(u64::MAX), stamp: user.clock, input };
    user.apply(&book, &record, &mut fx);
    user.wake(&book, Timestamp(i64::MAX), &mut fx);
    assert!(user.triggers.instances().len() <= 256 + 64);
}

#[test]
fn any_bytes_as_records_are_applied_without_panic() {
    bolero::check!().with_iterations(INPUTS).with_max_len(1_024).for_each(|input: &[u8]| drive(input));
}
