//! Tests of the buffer: jumps, bounds, gaps, promises.

use bytes::Bytes;
use schemas::record::RecordKind;

use super::*;

const BOUNDS: Bounds = Bounds { records: 4, bytes: 1 << 20, silence_max: Span::seconds(5) };

fn record(position: u64, stamp: i64) -> LogRecord {
    LogRecord {
        position: Position(position),
        stamp: Timestamp(stamp),
        key: "u".into(),
        kind: RecordKind::Event,
        epoch: None,
        body: Bytes::from_static(b"{}"),
    }
}

fn extent(start: u64, end: u64) -> Extent {
    Extent { start: Position(start), end: Position(end) }
}

/// Returns a buffer whose consumer delivers from a position on.
fn flowing(from: u64, end: u64) -> Buffer {
    let mut buffer = Buffer::new(BOUNDS);
    buffer.hold();
    assert_eq!(buffer.look(Position(from), 10), Look::Ask);
    buffer.checked(extent(0, end), Timestamp(100));
    assert_eq!(buffer.wanted(), ToDo::Seek(Position(from)));
    buffer.sought(Position(from));
    buffer
}

fn positions(look: Look) -> Vec<u64> {
    let Look::Here(fetched) = look else { panic!("{look:?}") };
    fetched.records.iter().map(|record| record.position.0).collect()
}

fn end_at(look: Look) -> Option<i64> {
    let Look::Here(fetched) = look else { panic!("{look:?}") };
    fetched.end_at.map(|at| at.0)
}

#[test]
fn a_partition_that_is_not_held_is_not_read() {
    let mut buffer = Buffer::new(BOUNDS);
    assert_eq!(buffer.look(Position(0), 1), Look::NotHeld);
    let mut buffer = flowing(0, 9);
    buffer.push(record(0, 1));
    buffer.let_go();
    assert_eq!(buffer.look(Position(0), 1), Look::NotHeld);
    assert_eq!(buffer.push(record(1, 1)), Pushed::Dropped);
}

#[test]
fn what_comes_before_the_first_fetch_and_before_the_seek_is_dropped() {
    let mut buffer = Buffer::new(BOUNDS);
    buffer.hold();
    assert_eq!(buffer.push(record(7, 1)), Pushed::Dropped);
    assert_eq!(buffer.look(Position(3), 10), Look::Ask);
    assert_eq!(buffer.look(Position(3), 10), Look::Wait, "asked once");
    assert_eq!(buffer.push(record(8, 1)), Pushed::Dropped);
    buffer.checked(extent(0, 9), Timestamp(0));
    assert_eq!(
        buffer.push(record(8, 1)),
        Pushed::Dropped,
        "of the old place: it would pass for one behind a gap"
    );
    buffer.sought(Position(3));
    assert_eq!(buffer.push(record(3, 1)), Pushed::Taken);
}

#[test]
fn records_are_handed_out_in_order_and_at_most_as_many_as_asked_for() {
    let mut buffer = flowing(5, 9);
    for position in [5, 6, 8] {
        assert_eq!(buffer.push(record(position, 1)), Pushed::Taken);
    }
    assert_eq!(buffer.push(record(6, 1)), Pushed::Dropped, "delivered again");
    assert_eq!(positions(buffer.look(Position(5), 2)), [5, 6]);
    assert_eq!(positions(buffer.look(Position(7), 2)), [8]);
    assert_eq!(buffer.look(Position(9), 2), Look::Wait);
}

#[test]
fn a_fetch_further_on_in_the_buffer_needs_no_seek_and_one_elsewhere_does() {
    let mut buffer = flowing(5, 20);
    for position in 5..9 {
        buffer.push(record(position, 1));
    }
    assert_eq!(positions(buffer.look(Position(7), 1)), [7]);
    assert_eq!(buffer.look(Position(5), 1), Look::Ask, "handed out already");
    buffer.checked(extent(0, 20), Timestamp(0));
    assert_eq!(buffer.wanted(), ToDo::Seek(Position(5)));
    buffer.sought(Position(6));
    assert_eq!(buffer.wanted(), ToDo::Seek(Position(5)), "another place was sought");
}

#[test]
fn a_position_outside_is_refused_until_another_is_asked_for() {
    for (from, found) in [(3, extent(5, 9)), (10, extent(5, 9))] {
        let mut buffer = Buffer::new(BOUNDS);
        buffer.hold();
        assert_eq!(buffer.look(Position(from), 1), Look::Ask);
        buffer.checked(found, Timestamp(0));
        assert_eq!(buffer.look(Position(from), 1), Look::Outside(found));
        assert_eq!(buffer.look(Position(5), 1), Look::Ask);
        buffer.checked(found, Timestamp(0));
        assert_eq!(buffer.wanted(), ToDo::Seek(Position(5)));
    }
}

#[test]
fn what_retention_took_while_it_was_read_is_told_behind_what_is_still_there() {
    let mut buffer = flowing(5, 20);
    buffer.push(record(5, 1));
    assert!(buffer.doubt());
    assert!(!buffer.doubt(), "once");
    buffer.checked(extent(12, 20), Timestamp(0));
    assert_eq!(positions(buffer.look(Position(5), 9)), [5]);
    assert_eq!(buffer.look(Position(6), 9), Look::Outside(extent(12, 20)));
    let mut spared = flowing(5, 20);
    spared.push(record(5, 1));
    spared.doubt();
    spared.checked(extent(2, 20), Timestamp(0));
    assert_eq!(spared.wanted(), ToDo::Seek(Position(6)), "goes on where it was");
}

#[test]
fn a_full_buffer_pauses_and_a_half_empty_one_resumes() {
    let mut buffer = flowing(0, 99);
    for position in 0..4 {
        buffer.push(record(position, 1));
    }
    assert_eq!(buffer.wanted(), ToDo::Pause);
    buffer.set_paused(true);
    assert_eq!(buffer.wanted(), ToDo::Nothing);
    buffer.look(Position(0), 1);
    assert_eq!(buffer.wanted(), ToDo::Nothing, "not for every record");
    buffer.look(Position(1), 1);
    assert_eq!(buffer.wanted(), ToDo::Resume);
    let mut heavy = flowing(0, 99);
    heavy.push(LogRecord { body: Bytes::from(vec![0; 2 << 20]), ..record(0, 1) });
    assert_eq!(heavy.wanted(), ToDo::Pause, "one record may be larger than the bound");
    heavy.set_paused(true);
    heavy.look(Position(0), 1);
    assert_eq!(heavy.wanted(), ToDo::Resume);
}

#[test]
fn a_partition_that_is_lost_while_it_is_paused_is_resumed_when_it_comes_back() {
    let mut buffer = flowing(0, 99);
    for position in 0..4 {
        buffer.push(record(position, 1));
    }
    assert_eq!(buffer.wanted(), ToDo::Pause);
    buffer.set_paused(true);
    buffer.let_go();
    assert_eq!(buffer.wanted(), ToDo::Nothing, "it is another's");
    assert!(!buffer.is_paused());
    buffer.hold();
    assert_eq!(buffer.wanted(), ToDo::Resume);
    buffer.set_paused(false);
    assert_eq!(buffer.wanted(), ToDo::Nothing);
}

#[test]
fn an_empty_partition_is_read_to_its_end_at_once() {
    let mut buffer = Buffer::new(BOUNDS);
    buffer.hold();
    buffer.look(Position(0), 1);
    buffer.checked(extent(0, 0), Timestamp(50));
    assert_eq!(end_at(buffer.look(Position(0), 1)), Some(50));
    assert_eq!(buffer.look(Position(0), 1), Look::Wait, "told once");
    buffer.ended(Position(0), Timestamp(60));
    assert_eq!(end_at(buffer.look(Position(0), 1)), Some(60));
    assert_eq!(buffer.nothing().end_at, Some(Timestamp(60)), "true for whoever waited in vain");
}

#[test]
fn the_end_is_promised_only_with_the_last_record() {
    let mut buffer = flowing(0, 2);
    for position in 0..2 {
        buffer.push(record(position, 70));
    }
    buffer.ended(Position(2), Timestamp(90));
    assert_eq!(end_at(buffer.look(Position(0), 1)), None);
    assert_eq!(end_at(buffer.look(Position(1), 1)), Some(90));
    buffer.ended(Position(3), Timestamp(95));
    assert_eq!(buffer.nothing().end_at, Some(Timestamp(90)), "a record is unread");
}

#[test]
fn promises_never_go_back_and_never_below_the_last_stamp() {
    let mut buffer = flowing(0, 1);
    buffer.push(record(0, 500));
    buffer.ended(Position(1), Timestamp(90));
    assert_eq!(end_at(buffer.look(Position(0), 1)), Some(500));
    buffer.ended(Position(1), Timestamp(80));
    assert_eq!(buffer.nothing().end_at, Some(Timestamp(500)));
}

#[test]
fn a_record_below_a_promise_or_the_one_before_is_raised() {
    let mut buffer = flowing(0, 0);
    buffer.ended(Position(0), Timestamp(200));
    assert_eq!(buffer.push(record(0, 150)), Pushed::Raised);
    assert_eq!(buffer.push(record(1, 300)), Pushed::Taken);
    assert_eq!(buffer.push(record(2, 299)), Pushed::Raised);
    let Look::Here(fetched) = buffer.look(Position(0), 9) else { panic!("three records") };
    assert_eq!(fetched.records.iter().map(|record| record.stamp.0).collect::<Vec<_>>(), [200, 300, 300]);
}

#[test]
fn a_record_read_again_keeps_its_stamp_though_a_later_time_was_promised() {
    let mut buffer = flowing(0, 1);
    buffer.push(record(0, 150));
    buffer.ended(Position(1), Timestamp(200));
    buffer.look(Position(0), 9);
    assert_eq!(buffer.look(Position(0), 9), Look::Ask);
    buffer.checked(extent(0, 1), Timestamp(210));
    buffer.sought(Position(0));
    assert_eq!(buffer.push(record(0, 150)), Pushed::Taken);
    assert_eq!(buffer.push(record(1, 190)), Pushed::Raised, "behind the promise");
}

#[test]
fn markers_at_the_end_are_passed_when_an_end_is_reached_from_there_again() {
    let mut buffer = flowing(0, 3);
    buffer.push(record(0, 10));
    buffer.reached_end();
    assert_eq!(positions(buffer.look(Position(0), 9)), [0]);
    buffer.ended(Position(3), Timestamp(20));
    assert_eq!(buffer.wanted(), ToDo::Seek(Position(1)), "told twice, and the consumer saw an end");
    buffer.sought(Position(1));
    buffer.ended(Position(3), Timestamp(30));
    assert_eq!(buffer.look(Position(1), 9), Look::Wait, "an end before the seek proves nothing");
    buffer.reached_end();
    buffer.ended(Position(3), Timestamp(40));
    let Look::Here(fetched) = buffer.look(Position(1), 9) else { panic!("an end") };
    assert_eq!((fetched.next, fetched.end_at), (Position(3), Some(Timestamp(40))));
    assert_eq!(buffer.look(Position(3), 9), Look::Wait);
}

#[test]
fn a_record_between_the_seek_and_the_end_is_not_passed() {
    let mut buffer = flowing(0, 3);
    buffer.push(record(0, 10));
    buffer.reached_end();
    buffer.ended(Position(3), Timestamp(20));
    buffer.sought(Position(1));
    buffer.push(record(2, 15));
    buffer.reached_end();
    assert_eq!(positions(buffer.look(Position(0), 9)), [0, 2]);
}

#[test]
fn a_slow_consumer_is_not_sought_again() {
    let mut buffer = flowing(0, 3);
    for at in 0..5 {
        buffer.ended(Position(3), Timestamp(at));
        assert_eq!(buffer.wanted(), ToDo::Nothing, "records are on their way");
    }
    assert_eq!(buffer.unread(), 3);
}

#[test]
fn a_consumer_that_delivers_nothing_of_what_there_is_stands_still() {
    let mut buffer = flowing(0, 3);
    for at in (100..30_100).step_by(1_000) {
        buffer.ended(Position(3), Timestamp(at));
        assert!(!buffer.stands_still(), "at {at}");
    }
    buffer.ended(Position(3), Timestamp(30_100));
    assert!(buffer.stands_still());
    buffer.push(record(0, 1));
    buffer.ended(Position(3), Timestamp(31_000));
    assert!(!buffer.stands_still(), "it goes on");
    assert!(buffer.begin_anew(), "a new one is put to the place of the old");
    assert!(buffer.wants_check());
    buffer.checked(extent(0, 3), Timestamp(32_000));
    assert_eq!(buffer.wanted(), ToDo::Seek(Position(1)));
}

#[test]
fn a_consumer_that_has_a_reason_does_not_stand_still() {
    let (mut full, mut done, mut alone) = (flowing(0, 9), flowing(0, 0), flowing(0, 3));
    for position in 0..4 {
        full.push(record(position, 1));
    }
    full.set_paused(true);
    let (end, of_nothing) = (Position(9), Position(0));
    for at in (0..90_000).step_by(1_000).map(Timestamp) {
        full.ended(end, at);
        done.ended(of_nothing, at);
        if at.0 % 20_000 < 10_000 {
            // Of a broker that is away every ten seconds no ends are told meanwhile.
            alone.ended(Position(3), at);
        }
        assert!([&full, &done, &alone].iter().all(|buffer| !buffer.stands_still()), "{at:?}");
    }
}

#[test]
fn what_its_reader_has_left_is_dropped_and_paused_until_one_asks() {
    let mut buffer = flowing(0, 1);
    buffer.push(record(0, 1));
    buffer.leave();
    assert!(!buffer.wants_ends());
    assert_eq!(buffer.wanted(), ToDo::Pause);
    buffer.set_paused(true);
    assert!(!buffer.is_paused(), "not because it is full");
    assert_eq!(buffer.wanted(), ToDo::Nothing);
    assert_eq!(buffer.look(Position(0), 9), Look::Ask);
    buffer.leave();
    assert_eq!(buffer.wanted(), ToDo::Resume, "one asks: it is put to its place first");
    buffer.set_paused(false);
    buffer.checked(extent(0, 1), Timestamp(0));
    assert_eq!(buffer.wanted(), ToDo::Seek(Position(0)));
}
