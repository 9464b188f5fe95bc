//! The codec: golden bytes of older versions, damaged bytes, and every row that grows by itself.

use proptest::prelude::*;

use super::*;
use crate::customer::identity::{Message, Relay};
use crate::customer::tests::story::{Teller, busy_book};
use crate::customer::{Effects, Outgoing};
use crate::event::{self, Border};
use crate::ids::{CustomerId, Position};
use crate::profile::tests::shop::NOON;
use crate::record::{Input, Record, Sender};
use crate::rulebook::Rulebook;
use crate::score::Head;
use crate::time::{Span, Timestamp};
use crate::trigger::machine::tests::{Desk, added, cart_idle, min, ordered};
use crate::trigger::spec::{Compare, Condition, Trigger};

/// Noon of the day of the golden rows.
const GOLDEN_NOON: Timestamp = Timestamp(1_795_608_000_000);

/// `anon:a`, an alias whose snapshot is on its way.
const ALIAS: &str = "\
    0106616e6f6e3a610105c0a7c2a9c268000000000000000ea0ead994a1342affde71fd5f90d20000000001000000000000000000000000\
    00000000000000000300030000000000000000000100010502017506616e6f6e3a610500010901c0d4b3a9c26801c0d4b3a9c26801c0d4\
    b3a9c2680000014555520ea0ead994a1342affde71fd5f90d200000102000100000ba0b2c0eba03480b899290008aea201040100060100\
    01c0d4b3a9c268c0d4b3a9c268c0b18fabc2680100000100010163c0d4b3a9c268c0d4b3a9c2680000c0f4a9d1d56801017001f4030000\
    455552000000000000000000000000000d4575726f70652f4265726c696e0002656e03000000000000000000010000000101a2d29d8fef\
    f9bcf08df2dbc7899790d5b3bc0109000101750900000000";

/// `u`, with an order, an open request, a question, a decision and an outreach.
const USER: &str = "\
    0101750109c0cddfa9c268000180a4d8a9c26801c0cddfa9c2680180a4d8a9c268010001455552198092ec94a13480c01a2f199b97d2e0\
    d403e74ce38c41f02f80000002060001000d000100000fe0aed6eba034a0e3952900e0d403010baea201000100010100040101aea201c0\
    3e0180a4d8a9c26880a4d8a9c2688081b4abc26801000001000001016f0080a4d8a9c26845555201c03e000001000000010001455552c0\
    3e000180a4d8a9c2680180a4d8a9c2680001096d61726b6574696e670000c0cddfa9c26800035554430302656e030000c0cddfa9c26800\
    0000000000030001090206616e6f6e3a61017509000001010901b5d0c2e185a7d0abeec590e9a995cfd3dc4e0175046361727403017509\
    0200016380d89da9c26880d89da9c26805170111636172742e76616c756520e289a5203430020000000000c04440010001020000803e05\
    72756c65730080d89da9c2683333733f026d3902010900b5d0c2e185a7d0abeec590e9a995cfd3dc4e0175046361727403017509020001\
    01036c6f670174010a636172742e76616c7565020000000000c0444080d89da9c268c0a7c2a9c268030109010280d89da9c2682f000000\
    000000803f00002042000020420000000000000000000000000000803f0000803f00002042000020420000803f00000000000000000000\
    000000000000000000000020644500000000000000000000803f0000803f00000000000000000000803f00000000000000000000000000\
    00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    0000803f002064450000803f0000000000000000010109010100000106616e6f6e3a6109000000";

/// `u1` with a score, a question about it and a cart that a trigger waits for.
const WAITING: &str = "\
    0202753101030380bbec9fc863000180e8dd9fc8630180bbec9fc8630180bbec9fc8630100014555522480f4ee8fe4310760f998aba5\
    3472e0d403fec8af737b68b702e0d403cc4b17ec8557dec700000202000200060001000013c0e5dce6e331c08e922900e0d40301e0d4\
    03000ed59a010001000101000401000602000180e8dd9fc86380bbec9fc8638098c8a1c863030000010001016380e8dd9fc86380bbec\
    9fc863000080dbe2c7db6301017002d00f00004555520000010162010162c091e59fc863000000000000010000000100000001c091e5\
    9fc86301c091e59fc8630000035554430302656e03000000000000000001000000803e016d00c091e59fc86300000103030080bbec9f\
    c8632f610b363a0000803f00000000000000000000000000000000000000000000803f0000803f00000000000000000000803f000000\
    000000000000000000000000000000000000206445610bb63a000000000000803f0000803f0000004000000000000040400000000000\
    000000000000000000000000000040000000000000000000000000000000000000a041000000408988083d0000000000000000000000\
    00000000000000000000000000002064450000803f0000000000000000010103030300010109636172742d69646c6501016302753101\
    000080e8dd9fc8638098c8a1c86300000000001b50726f64756374204164646564403137313035303430303030303000000000";

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().as_chunks::<2>().0;
    let text = digits.iter().map(|two| std::str::from_utf8(two).expect("hex"));
    text.map(|two| u8::from_str_radix(two, 16).expect("hex")).collect()
}

fn encoded(row: &Customer) -> Vec<u8> {
    encoded_as(Codec::NEWEST, row)
}

fn encoded_as(codec: Codec, row: &Customer) -> Vec<u8> {
    let mut bytes = Vec::new();
    row.encode(codec, &mut bytes);
    bytes
}

/// Every version that this engine writes.
fn written() -> impl Iterator<Item = Codec> {
    (0..=u8::MAX).filter_map(Codec::of)
}

#[test]
fn versions_that_are_written_follow_each_other_from_the_oldest_to_the_newest() {
    let numbers: Vec<u8> = written().map(Codec::number).collect();
    let (oldest, newest) = (Codec::OLDEST.number(), Codec::NEWEST.number());
    assert_eq!(numbers, (oldest..=newest).collect::<Vec<_>>());
    assert_eq!(newest, CODEC_VERSION);
}

fn said(key: &str, position: u64, body: &str) -> Record {
    let stamp = GOLDEN_NOON + Span::minutes(position as i64);
    let event = event::decode(key, body.as_bytes(), stamp, &Border::default()).expect("a good call");
    Record { position: Position(position), stamp, input: Input::Event(Box::new(event)) }
}

#[test]
fn an_alias_of_version_1_is_the_row_that_its_records_make_today() {
    let mut row = Customer::new(CustomerId::anonymous("a"));
    let added = r#"{"anonymousId":"a","event":"add_to_cart","messageId":"m3","properties":{"product_id":"p","price":2.5,"cart_id":"c"},"context":{"timezone":"Europe/Berlin"}}"#;
    let sender = Sender { customer: CustomerId::user("u"), position: Position(9), nth: 0 };
    let request = Relay { sender, message: Message::Request };
    let stamp = GOLDEN_NOON + Span::minutes(5);
    let request = Record { position: Position(5), stamp, input: Input::Relay(Box::new(request)) };
    for record in [said("anon:a", 3, added), request] {
        row.apply(&Rulebook::default(), &record, &mut Effects::default());
    }
    assert_eq!(Customer::decode(&bytes_of(ALIAS)), Ok(row));
}

#[test]
fn a_user_of_version_1_keeps_all_it_had_and_is_written_anew() {
    let read = Customer::decode(&bytes_of(USER)).expect("golden bytes");
    let mut row = Customer::new(CustomerId::user("u"));
    for (position, body) in [
        (
            8,
            r#"{"userId":"u","event":"purchase","messageId":"m8","properties":{"order_id":"o","total":40,"currency":"EUR"}}"#,
        ),
        (
            9,
            r#"{"type":"identify","userId":"u","anonymousId":"a","messageId":"m9","traits":{"marketing_consent":true}}"#,
        ),
    ] {
        row.apply(&Rulebook::default(), &said("u", position, body), &mut Effects::default());
    }
    assert_eq!((read.id(), read.profile(), read.high_water()), (row.id(), row.profile(), row.high_water()));
    assert_eq!((read.heard, read.next_due(), &read.rare), (row.heard, row.next_due(), &row.rare));
    assert_eq!(read.pending_asks()[0].id.position, Position(9));
    let kinds: Vec<_> =
        read.outbox().iter().map(|entry| (entry.number, entry.cause, kind(&entry.body))).collect();
    let held = Some(Position(9));
    assert_eq!(kinds, [(0, held, "relay"), (1, held, "decision"), (2, held, "outreach")]);
    let again = encoded(&read);
    assert_eq!((again[0], Customer::decode(&again)), (CODEC_VERSION, Ok(read)));
}

#[test]
fn a_row_of_version_2_is_the_row_that_its_records_make_today_but_for_its_timer_of_scores() {
    let when = Condition::Score { head: Head::CartAbandonment, compare: Compare::Gt(0.5) };
    let mut desk = Desk::new([Trigger { when, ..cart_idle() }]);
    desk.event(added("c", 0)).event(ordered("b", min(1))).answer(Head::CartAbandonment, 0.25);
    desk.event(added("c", 2));
    let read = Customer::decode(&bytes_of(WAITING)).expect("golden bytes");
    assert_eq!(desk.row.rescore.take(), Some(min(7)));
    // The feature table has grown since: the open question holds the features of then.
    let ([then], [today]) = (read.pending_asks(), desk.row.pending_asks()) else { panic!("one question") };
    assert_eq!((then.id, then.head, then.at), (today.id, today.head, today.at));
    assert_eq!(then.features[..], today.features[..then.features.len()]);
    let asking = desk.row.asking.clone();
    assert_eq!(Customer { asking, ..read.clone() }, desk.row);
    let again = encoded(&read);
    assert_eq!((again[0], Customer::decode(&again).as_ref()), (CODEC_VERSION, Ok(&read)));
    desk.answer(Head::CartAbandonment, 0.75).event(added("c", 3));
    assert_eq!(desk.row.rescore, Some(min(8)), "its next record sets the timer");
}

fn kind(body: &Outgoing) -> &'static str {
    match body {
        Outgoing::Outreach(_) => "outreach",
        Outgoing::Decision(_) => "decision",
        Outgoing::Relay { .. } => "relay",
        Outgoing::Turn(_) => "turn",
        Outgoing::Forgotten { .. } => "forgotten",
    }
}

#[test]
fn damaged_bytes_are_named() {
    let row = Customer::new(CustomerId::user("u"));
    let good = encoded(&row);
    assert_eq!(Customer::decode(&[]), Err(Error::Empty));
    assert_eq!(Customer::decode(&[0]), Err(Error::Unknown { found: 0 }));
    assert_eq!(Customer::decode(&[CODEC_VERSION + 1, 1]), Err(Error::Newer { found: CODEC_VERSION + 1 }));
    let old = encoded_as(Codec::V3, &row);
    for len in 1..old.len() {
        assert_eq!(Customer::decode(&old[..len]), Err(Error::Truncated { version: 3, len }), "{len}");
    }
    for len in 1..good.len() {
        assert!(Customer::decode(&good[..len]).is_err(), "{len}");
    }
    let mut long = good.clone();
    long.push(0);
    assert!(matches!(Customer::decode(&long), Err(Error::Corrupt { .. })));
    let mut wrong = bytes_of(ALIAS);
    wrong.push(0);
    assert!(matches!(Customer::decode(&wrong), Err(Error::Corrupt { version: 1, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_row_comes_back_and_equal_rows_are_equal_bytes(story in prop::collection::vec(any::<u8>(), 0..600)) {
        let book = busy_book();
        let mut teller = Teller::new(&story, NOON);
        let mut row = Customer::new(CustomerId::user("u1"));
        while let Some(record) = teller.next_record(&row) {
            row.apply(&book, &record, &mut Effects::default());
            for codec in written() {
                let bytes = encoded_as(codec, &row);
                let read = Customer::decode(&bytes).expect("its own bytes");
                prop_assert_eq!(&read, &row);
                prop_assert_eq!((bytes[0], encoded_as(codec, &read)), (codec.number(), bytes));
                row = read;
            }
        }
    }

    #[test]
    fn any_bytes_are_a_row_or_an_error(mut bytes in prop::collection::vec(any::<u8>(), 1..400), version in 0_u8..12) {
        // The higher ones have a thread behind them.
        bytes[0] = if version < 6 { version } else { (version - 6) | TALKS };
        if let Ok(mut row) = Customer::decode(&bytes) {
            row.wake(&busy_book(), Timestamp(i64::MAX), &mut Effects::default());
        }
    }
}

#[cfg(feature = "next_codec")]
#[test]
fn one_changed_bit_is_no_row_of_the_next_version() {
    let good = encoded_as(Codec::V4, &Customer::new(CustomerId::user("u")));
    for bit in 8..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(Customer::decode(&bad), Err(Error::Corrupt { version: 4, .. })), "{bit}");
    }
}
