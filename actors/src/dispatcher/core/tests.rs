//! What the core asks for, input by input, without ports.

use std::sync::Arc;

use bytes::Bytes;
use schemas::decision::{Outcome, OutcomeStatus, Outreach, Reason};
use schemas::ids::{Epoch, LogId};
use schemas::record::{LogRecord, RecordKind};
use schemas::time::{Span, Timestamp};
use schemas::value::{Properties, Value};

use super::*;
use crate::dispatcher::settings::Recheck;
use crate::kit::contract::sample;
use crate::port::agreement::Doubtful;
use crate::port::channel::{Delivery, Repeat};
use crate::port::log::{Fetched, NewRecord};
use crate::port::store::{self, LedgerChange, LedgerEntry, LedgerStage, LedgerState};

/// This dispatcher's name in the ledger, and another's.
const OWN: u128 = 7;
const FOREIGN: u128 = 8;
/// A wall-clock time, and the boot-time clock then.
const WALL: Timestamp = Timestamp(1_000_000);

struct Bench {
    core: Core,
    now: Now,
    counted: Vec<Noted>,
}

fn promises() -> Promises {
    [("twice", Repeat::Idempotent), ("once", Repeat::AtMostOnce)].map(|(name, one)| (name.into(), one)).into()
}

fn outreach(channel: &str, attempt: u32) -> Outreach {
    Outreach { channel: channel.into(), attempt, ..sample::outreach("ada", 1) }
}

fn record(position: u64, epoch: u64, outreach: &Outreach) -> LogRecord {
    LogRecord {
        position: Position(position),
        stamp: Timestamp(5),
        key: outreach.customer.as_str().into(),
        kind: RecordKind::Outreach,
        epoch: Some(Epoch(epoch)),
        body: serde_json::to_vec(outreach).unwrap().into(),
    }
}

fn epoch_record(position: u64, epoch: u64) -> LogRecord {
    let body = Bytes::new();
    let record = record(position, epoch, &outreach("twice", 0));
    LogRecord { kind: RecordKind::Epoch, key: "".into(), body, ..record }
}

impl Bench {
    fn with(settings: Settings, rules: Rules, commit: Commit) -> Self {
        let params = Params {
            partition: PartitionId(0),
            partitions: 4,
            settings,
            rules,
            promises: promises(),
            book: Arc::default(),
            restored: None,
        };
        let now = Now { wall: WALL, boot: Duration::from_secs(50) };
        let mut bench = Self { core: Core::new(params), now, counted: Vec::new() };
        assert_eq!(bench.asks(Input::Start { nonce: OWN }), [Io::ReadCommit]);
        let asks = bench.done(Done::Commit(commit));
        assert!(matches!(asks[..], [Io::Fetch { from, .. }] if from == commit.position), "{asks:?}");
        bench
    }

    fn new() -> Self {
        let settings = Settings { recheck: Recheck::AsOfDecision, ..Settings::default() };
        Self::with(settings, Rules::default(), Commit::default())
    }

    fn handle(&mut self, input: Input) -> (Vec<Io>, Option<End>) {
        let (mut actions, mut asks, mut end) = (Vec::new(), Vec::new(), None);
        self.core.handle(self.now, input, &mut actions);
        for action in actions {
            match action {
                Action::Do(io) => asks.push(io),
                Action::Count(noted) => self.counted.push(noted),
                Action::End(how) => end = Some(how),
            }
        }
        (asks, end)
    }

    fn asks(&mut self, input: Input) -> Vec<Io> {
        self.handle(input).0
    }

    fn done(&mut self, done: Done) -> Vec<Io> {
        self.asks(Input::Done(done))
    }

    /// The one thing that is asked for.
    fn one(&mut self, done: Done) -> Io {
        let mut asks = self.done(done);
        assert_eq!(asks.len(), 1, "{asks:?}");
        asks.remove(0)
    }

    /// What is asked for beside the next fetch.
    fn fetched(&mut self, records: Vec<LogRecord>) -> Vec<Io> {
        let from = self.core.levels().next.unwrap();
        let next = records.last().map_or(from, |record| record.position.next());
        let mut asks = self.done(Done::Fetched { from, fetched: Fetched { records, next, end_at: None } });
        asks.retain(|io| !matches!(io, Io::Fetch { .. }));
        asks
    }

    fn tick_after(&mut self, span: Duration) -> Vec<Io> {
        self.now.boot += span;
        self.asks(Input::Tick)
    }

    fn refused(&mut self, position: u64, change: Box<LedgerChange>, entry: Option<LedgerEntry>) -> Vec<Io> {
        let cas = Cas::Refused(entry.map(Box::new));
        self.done(Done::Changed { position: Position(position), change, cas })
    }

    fn applied(&mut self, position: u64, change: Box<LedgerChange>) -> Io {
        self.one(Done::Changed { position: Position(position), change, cas: Cas::Applied })
    }

    fn called(&mut self, position: u64, answer: Option<Delivery>) -> Box<LedgerChange> {
        change(self.one(Done::Called { position: Position(position), answer }))
    }
}

fn change(io: Io) -> Box<LedgerChange> {
    let Io::Change { change, .. } = io else { panic!("a change of the ledger, not {io:?}") };
    change
}

fn outcome(record: &NewRecord) -> Outcome {
    assert_eq!(record.kind, RecordKind::Outcome);
    serde_json::from_slice(&record.body).unwrap()
}

fn entry(outreach: &Outreach, reserver: u128, state: LedgerState) -> LedgerEntry {
    let mut outreach = outreach.clone();
    outreach.facts = Properties(vec![("body".into(), Value::Text("as reserved".into()))]);
    LedgerEntry { outreach, reserver, state, at: WALL, provider_ref: None }
}

fn unknown() -> Failure {
    Failure::Store(store::Error::Unavailable("no reply".into()))
}

/// What a refused reservation leads to.
#[derive(Debug, PartialEq)]
enum Next {
    /// The call, with the body that the ledger holds.
    Call,
    /// The note that the call is about to be made.
    MarkCalling,
    /// The reservation of an attempt with the body of the one before.
    Reserve,
    /// A look at the ledger when another's call has had its time.
    Wait,
    /// This conclusion in the ledger.
    Settle(OutcomeStatus),
    /// This report.
    Report(OutcomeStatus),
    /// Nothing: the record is at its end.
    Nothing,
}

fn next(bench: &mut Bench, asks: &[Io]) -> Next {
    match asks {
        [] if bench.core.levels().open == 0 => Next::Nothing,
        [] => {
            let deadline = bench.core.params.settings.call_deadline;
            assert!(bench.tick_after(deadline - Duration::from_millis(1)).is_empty());
            let asks = bench.tick_after(Duration::from_millis(1));
            assert!(matches!(asks[..], [Io::ReadLedger { .. }]), "{asks:?}");
            Next::Wait
        }
        [Io::Call { outreach, .. }] => {
            assert_eq!(outreach.facts.get("body"), Some(&Value::Text("as reserved".into())));
            Next::Call
        }
        [Io::Change { change, .. }] => match &change.entry.state {
            LedgerState::Reserved => {
                let before = change.entry.outreach.attempt.checked_sub(1);
                assert_eq!(change.expect, before.map(|before| (before, LedgerStage::Returned)));
                assert_eq!(change.entry.outreach.facts.get("body"), Some(&Value::Text("as reserved".into())));
                Next::Reserve
            }
            LedgerState::Calling => Next::MarkCalling,
            LedgerState::Returned(status) | LedgerState::Done(status) => Next::Settle(status.clone()),
        },
        [Io::Report { record, .. }] => Next::Report(outcome(record).status),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_ledger_says_decides_what_is_left_to_do() {
    use OutcomeStatus::{Delivered, Failed, RetryAt};
    let back = RetryAt(Timestamp(9));
    let returned = || LedgerState::Returned(RetryAt(Timestamp(9)));
    let done = || LedgerState::Done(Delivered);
    // (attempt at hand, what the ledger has, on an idempotent channel, on an at-most-once one)
    let table = [
        (0, Some((0, FOREIGN, LedgerState::Reserved)), Next::Call, Next::MarkCalling),
        (0, Some((0, OWN, LedgerState::Reserved)), Next::Call, Next::MarkCalling),
        (0, Some((0, OWN, LedgerState::Calling)), Next::Call, Next::Call),
        (0, Some((0, FOREIGN, LedgerState::Calling)), Next::Call, Next::Wait),
        (0, Some((0, FOREIGN, returned())), Next::Report(back.clone()), Next::Report(back.clone())),
        (0, Some((0, FOREIGN, done())), Next::Report(Delivered), Next::Report(Delivered)),
        (0, Some((1, FOREIGN, LedgerState::Reserved)), Next::Nothing, Next::Nothing),
        (0, Some((1, FOREIGN, done())), Next::Nothing, Next::Nothing),
        (1, None, Next::Settle(Failed), Next::Settle(Failed)),
        (1, Some((0, FOREIGN, returned())), Next::Reserve, Next::Reserve),
        (1, Some((0, FOREIGN, done())), Next::Report(Delivered), Next::Report(Delivered)),
        (1, Some((0, FOREIGN, LedgerState::Reserved)), Next::Report(Failed), Next::Report(Failed)),
        (1, Some((0, FOREIGN, LedgerState::Calling)), Next::Report(Failed), Next::Report(Failed)),
        (1, Some((1, FOREIGN, returned())), Next::Report(back.clone()), Next::Report(back)),
        (2, Some((0, FOREIGN, returned())), Next::Report(Failed), Next::Report(Failed)),
        (u32::MAX, Some((0, FOREIGN, returned())), Next::Report(Failed), Next::Report(Failed)),
    ];
    for (attempt, held, idempotent, at_most_once) in table {
        for (channel, expected) in [("twice", idempotent), ("once", at_most_once)] {
            let mut bench = Bench::new();
            let asks = bench.fetched(vec![record(0, 1, &outreach(channel, attempt))]);
            let [io] = <[Io; 1]>::try_from(asks).unwrap();
            let held = held.clone().map(|(of, whose, state)| entry(&outreach(channel, of), whose, state));
            let mut asks = match io {
                Io::ReadLedger { position, .. } if attempt > 0 => {
                    bench.done(Done::Ledger { position, entry: held.clone().map(Box::new) })
                }
                io => bench.refused(0, change(io), held.clone()),
            };
            asks.retain(|io| !matches!(io, Io::Fetch { .. }));
            assert_eq!(
                next(&mut bench, &asks),
                expected,
                "attempt {attempt} on {channel:?}, ledger {held:?}"
            );
        }
    }
}

#[test]
fn an_outreach_is_reserved_called_concluded_and_reported_before_its_position_passes() {
    let mut bench = Bench::new();
    let sent = outreach("twice", 0);
    let [io] = <[Io; 1]>::try_from(bench.fetched(vec![record(0, 1, &sent)])).unwrap();
    let reservation = change(io);
    assert_eq!((reservation.expect, &reservation.entry.state), (None, &LedgerState::Reserved));
    let Io::Call { outreach: called, deadline, .. } = bench.applied(0, reservation) else { panic!("a call") };
    assert_eq!((&*called, deadline), (&sent, Duration::from_secs(10)));
    let settle = bench.called(0, Some(Delivery::Delivered(Some("ref".into()))));
    assert_eq!(settle.expect, Some((0, LedgerStage::Reserved)));
    assert_eq!(settle.entry.state, LedgerState::Done(OutcomeStatus::Delivered));
    assert_eq!(settle.entry.provider_ref.as_deref(), Some("ref"));
    let Io::Report { record, .. } = bench.applied(0, settle) else { panic!("a report") };
    assert_eq!((record.key.as_str(), record.partition), ("ada", PartitionId::of("ada", 4)));
    let expected = Outcome { id: sent.id, attempt: 0, status: OutcomeStatus::Delivered, at: sent.at };
    assert_eq!((outcome(&record), record.stamp), (expected, Some(sent.at)), "as of the decision");
    assert_eq!((bench.core.levels().position, bench.counted.len()), (Position(0), 0));
    bench.done(Done::Reported(Position(0)));
    assert_eq!(bench.core.levels().position, Position(1));
    assert_eq!(bench.counted, [Noted::Ended(OutcomeStatus::Delivered)]);
}

#[test]
fn what_the_channel_answers_decides_the_end() {
    use OutcomeStatus::{Delivered, Failed, RetryAt};
    let later = outreach("twice", 0).at + Span::minutes(1);
    let given = Delivery::RetryAt(Timestamp(77));
    let table = [
        ("twice", Some(Delivery::Delivered(None)), LedgerState::Done(Delivered)),
        ("once", Some(Delivery::Delivered(None)), LedgerState::Done(Delivered)),
        ("twice", Some(Delivery::Refused("no".into())), LedgerState::Done(Failed)),
        ("once", Some(given.clone()), LedgerState::Returned(RetryAt(Timestamp(77)))),
        ("twice", Some(given), LedgerState::Returned(RetryAt(Timestamp(77)))),
        ("twice", None, LedgerState::Returned(RetryAt(later))),
        ("once", None, LedgerState::Done(Failed)),
    ];
    for (channel, answer, state) in table {
        let mut bench = Bench::new();
        let [io] = <[Io; 1]>::try_from(bench.fetched(vec![record(0, 1, &outreach(channel, 0))])).unwrap();
        let (mut io, mut stage) = (bench.applied(0, change(io)), LedgerStage::Reserved);
        if channel == "once" {
            (io, stage) = (bench.applied(0, change(io)), LedgerStage::Calling);
        }
        assert!(matches!(io, Io::Call { .. }), "{io:?}");
        let settle = bench.called(0, answer.clone());
        assert_eq!((&settle.entry.state, settle.expect), (&state, Some((0, stage))), "{channel} {answer:?}");
    }
}

#[test]
fn an_unknown_change_is_read_back_and_a_call_that_was_made_is_not_made_again() {
    let mut bench = Bench::new();
    let sent = outreach("once", 0);
    let [io] = <[Io; 1]>::try_from(bench.fetched(vec![record(0, 1, &sent)])).unwrap();
    let mark = change(bench.applied(0, change(io)));
    assert!(matches!(bench.applied(0, mark), Io::Call { .. }));
    let settle = bench.called(0, Some(Delivery::Delivered(None)));
    let io = Io::Change { position: Position(0), change: settle.clone() };
    assert!(bench.asks(Input::Failed(Box::new(io), unknown())).is_empty());
    let asks = bench.tick_after(Duration::from_millis(200));
    assert!(matches!(asks[..], [Io::ReadLedger { .. }]), "{asks:?}");
    // It was not applied: the conclusion is written again.
    let held = Some(Box::new(entry(&sent, OWN, LedgerState::Calling)));
    let again = change(bench.one(Done::Ledger { position: Position(0), entry: held }));
    assert_eq!((again.expect, &again.entry.state), (settle.expect, &settle.entry.state));
    // It was applied: it is reported, as this dispatcher's work.
    let held = Some(Box::new(entry(&sent, OWN, settle.entry.state.clone())));
    let io = bench.one(Done::Ledger { position: Position(0), entry: held });
    assert!(matches!(io, Io::Report { .. }), "{io:?}");
    bench.done(Done::Reported(Position(0)));
    assert_eq!(bench.counted, [Noted::Ended(OutcomeStatus::Delivered)]);
}

#[test]
fn a_call_that_another_never_concluded_ends_as_failed_after_its_time() {
    let mut bench = Bench::new();
    let sent = outreach("once", 0);
    let [io] = <[Io; 1]>::try_from(bench.fetched(vec![record(0, 1, &sent)])).unwrap();
    let held = entry(&sent, FOREIGN, LedgerState::Calling);
    assert!(bench.refused(0, change(io), Some(held.clone())).is_empty());
    assert!(matches!(bench.tick_after(Duration::from_secs(10))[..], [Io::ReadLedger { .. }]));
    let settle = change(bench.one(Done::Ledger { position: Position(0), entry: Some(Box::new(held)) }));
    assert_eq!(settle.expect, Some((0, LedgerStage::Calling)));
    assert_eq!(settle.entry.state, LedgerState::Done(OutcomeStatus::Failed));
}

#[test]
fn a_channel_that_is_not_there_fails_the_outreach() {
    let mut bench = Bench::new();
    let [io] = <[Io; 1]>::try_from(bench.fetched(vec![record(0, 1, &outreach("fax", 0))])).unwrap();
    let settle = change(bench.applied(0, change(io)));
    assert_eq!(settle.entry.state, LedgerState::Done(OutcomeStatus::Failed));
    bench.applied(0, settle);
    bench.done(Done::Reported(Position(0)));
    assert_eq!(bench.counted, [Noted::Ended(OutcomeStatus::Failed)]);
}

#[test]
fn what_is_no_outreach_is_set_aside_and_the_position_waits_for_the_letter() {
    let good = record(0, 1, &outreach("twice", 0));
    let table = [
        (LogRecord { body: Bytes::from_static(b"{"), ..good.clone() }, "body"),
        (LogRecord { body: Bytes::from_static(&[b'['; 9_000]), ..good.clone() }, "body"),
        (LogRecord { kind: RecordKind::Event, ..good.clone() }, "kind"),
        (LogRecord { key: "eve".into(), ..good }, "key"),
    ];
    for (record, reason) in table {
        let mut bench = Bench::new();
        let asks = bench.fetched(vec![record]);
        let [Io::DeadLetter { position, letter }] = &asks[..] else { panic!("{asks:?}") };
        let body: serde_json::Value = serde_json::from_slice(&letter.body).unwrap();
        assert_eq!((*position, body["reason"].as_str()), (Position(0), Some(reason)));
        assert_eq!(bench.core.levels().position, Position(0));
        bench.done(Done::DeadLettered(Position(0)));
        assert_eq!(bench.core.levels().position, Position(1));
        assert_eq!(bench.counted, [Noted::DeadLettered]);
    }
}

#[test]
fn a_lower_epoch_behind_a_higher_one_is_ignored_also_after_a_start() {
    let mut bench = Bench::new();
    let stale = record(1, 1, &outreach("twice", 0));
    assert!(bench.fetched(vec![epoch_record(0, 2), stale.clone()]).is_empty());
    assert_eq!((bench.core.levels().position, &bench.counted[..]), (Position(2), &[Noted::Ignored][..]));
    let asks = bench.tick_after(Duration::from_secs(1));
    let commit = Commit { position: Position(2), epoch: Epoch(2) };
    assert_eq!(asks, [Io::Commit(commit)]);
    let settings = bench.core.params.settings.clone();
    let mut next = Bench::with(settings, Rules::default(), commit);
    assert!(next.fetched(vec![LogRecord { position: Position(2), ..stale }]).is_empty());
    assert_eq!(next.counted, [Noted::Ignored]);
}

#[test]
fn what_is_committed_is_committed_again_after_a_while_since_the_dispatcher_before_may_have_come_late() {
    let mut bench = Bench::new();
    bench.fetched(vec![epoch_record(0, 2)]);
    let commit = Commit { position: Position(1), epoch: Epoch(2) };
    assert_eq!(bench.tick_after(Duration::from_secs(1)), [Io::Commit(commit)]);
    assert!(bench.tick_after(Duration::from_secs(31)).is_empty(), "one at a time");
    assert_eq!(bench.done(Done::Committed(commit)), [Io::Commit(commit)]);
    assert!(bench.done(Done::Committed(commit)).is_empty());
    assert_eq!(bench.core.deadline(), Some(bench.now.boot + Duration::from_secs(30)));
    assert!(bench.tick_after(Duration::from_secs(29)).is_empty());
    assert_eq!(bench.tick_after(Duration::from_secs(1)), [Io::Commit(commit)]);
    bench.done(Done::Committed(commit));
    assert_eq!(bench.handle(Input::Stop), (vec![], Some(End::Stopped)), "not by one that ends");
}

#[test]
fn the_epoch_committed_is_the_one_below_the_position() {
    let mut bench = Bench::new();
    let records =
        vec![epoch_record(0, 1), record(1, 1, &outreach("twice", 0)), epoch_record(2, 2), epoch_record(3, 3)];
    assert_eq!(bench.fetched(records).len(), 1);
    let commit = Commit { position: Position(1), epoch: Epoch(1) };
    assert_eq!(bench.tick_after(Duration::from_secs(1)), [Io::Commit(commit)]);
    let mut next = Bench::with(bench.core.params.settings.clone(), Rules::default(), commit);
    assert_eq!(next.fetched(vec![record(1, 1, &outreach("twice", 0))]).len(), 1, "still to be sent");
}

#[test]
fn two_attempts_of_one_outreach_are_never_in_flight_at_once() {
    let mut bench = Bench::new();
    let asks = bench.fetched(vec![record(0, 1, &outreach("twice", 0)), record(1, 1, &outreach("twice", 1))]);
    let [io] = <[Io; 1]>::try_from(asks).unwrap();
    let (held, id) = (entry(&outreach("twice", 0), FOREIGN, LedgerState::Done(OutcomeStatus::Failed)), 0);
    let asks = bench.refused(id, change(io), Some(held));
    assert!(matches!(asks[..], [Io::Report { position: Position(0), .. }]), "{asks:?}");
    let io = bench.one(Done::Reported(Position(0)));
    assert!(matches!(io, Io::ReadLedger { position: Position(1), .. }), "{io:?}");
}

#[test]
fn outreach_end_out_of_order_and_the_lowest_open_one_holds_the_position() {
    let mut bench = Bench::new();
    let of = |customer: &str| Outreach { channel: "twice".into(), ..sample::outreach(customer, 1) };
    let records = vec![record(0, 1, &of("ada")), record(1, 1, &of("bob"))];
    let [first, second] = <[Io; 2]>::try_from(bench.fetched(records)).unwrap();
    for (position, io) in [(1, second), (0, first)] {
        assert_eq!(bench.core.levels().position, Position(0));
        bench.applied(position, change(io));
        let settle = bench.called(position, Some(Delivery::Delivered(None)));
        bench.applied(position, settle);
        bench.done(Done::Reported(Position(position)));
    }
    assert_eq!(bench.core.levels().position, Position(2));
}

#[test]
fn the_window_bounds_what_is_read() {
    let settings = Settings { window: 2, recheck: Recheck::AsOfDecision, ..Settings::default() };
    let mut bench = Bench::with(settings, Rules::default(), Commit::default());
    let of = |customer: &str| Outreach { channel: "twice".into(), ..sample::outreach(customer, 1) };
    let records = vec![record(0, 1, &of("ada")), record(1, 1, &of("bob"))];
    let fetched = Fetched { records, next: Position(2), end_at: None };
    let asks = bench.done(Done::Fetched { from: Position(0), fetched });
    assert!(asks.iter().all(|io| matches!(io, Io::Change { .. })) && asks.len() == 2, "{asks:?}");
}

#[test]
fn a_stop_finishes_what_is_in_flight_commits_and_ends() {
    let mut bench = Bench::new();
    let [io] = <[Io; 1]>::try_from(bench.fetched(vec![record(0, 1, &outreach("twice", 0))])).unwrap();
    assert_eq!(bench.handle(Input::Stop), (vec![], None));
    // What a fetch brings now is the next dispatcher's.
    let late = Fetched { records: vec![record(1, 1, &outreach("once", 0))], next: Position(2), end_at: None };
    assert!(bench.done(Done::Fetched { from: Position(1), fetched: late }).is_empty());
    bench.applied(0, change(io));
    let settle = bench.called(0, Some(Delivery::Delivered(None)));
    bench.applied(0, settle);
    let commit = Commit { position: Position(1), epoch: Epoch(1) };
    assert_eq!(bench.done(Done::Reported(Position(0))), [Io::Commit(commit)]);
    assert_eq!(bench.handle(Input::Done(Done::Committed(commit))), (vec![], Some(End::Stopped)));
}

#[test]
fn a_stop_does_not_wait_for_ever() {
    let mut bench = Bench::new();
    bench.fetched(vec![record(0, 1, &outreach("twice", 0)), epoch_record(1, 1)]);
    assert_eq!(bench.handle(Input::Stop), (vec![], None));
    bench.now.boot += Duration::from_secs(10);
    let (asks, end) = bench.handle(Input::Tick);
    assert_eq!((asks, end), (vec![], Some(End::Stopped)), "nothing is done, so nothing is committed");
}

#[test]
fn a_port_that_is_away_is_asked_again_and_one_that_failed_ends_the_dispatcher() {
    let mut bench = Bench::new();
    let io = Io::Fetch { from: Position(0), max: 256 };
    assert!(bench.asks(Input::Failed(Box::new(io.clone()), unknown())).is_empty());
    assert_eq!(bench.tick_after(Duration::from_millis(200)), std::slice::from_ref(&io));
    let failure = Failure::Store(store::Error::Failed("disk".into()));
    let (_, end) = bench.handle(Input::Failed(Box::new(io), failure));
    assert!(matches!(end, Some(End::Failed(why)) if why.contains("disk")));
}

#[test]
fn a_row_that_cannot_be_read_ends_the_dispatcher() {
    let settings = Settings { recheck: Recheck::Live, ..Settings::default() };
    let mut bench = Bench::with(settings, Rules::default(), Commit::default());
    let [io] = <[Io; 1]>::try_from(bench.fetched(vec![record(0, 1, &outreach("twice", 0))])).unwrap();
    let Io::ReadRow { customer, .. } = bench.applied(0, change(io)) else { panic!("a look at the row") };
    let state = Bytes::from_static(&[255, 1, 2]);
    let row = store::Row { customer: customer.clone(), written_at: 1, epoch: Epoch(1), state };
    let (_, end) = bench.handle(Input::Done(Done::Row { position: Position(0), customer, row: Some(row) }));
    assert!(matches!(end, Some(End::Failed(_))), "{end:?}");
}

/// Returns what is asked for when an outreach of a restored shop is taken up and reserved.
fn after_a_restore(outreach: &Outreach, doubtful: Doubtful) -> Next {
    let mut bench = Bench::new();
    bench.core.params.restored = Some(Restored { until: Timestamp(500), doubtful, log: LogId(1) });
    let asks = bench.fetched(vec![record(0, 0, outreach)]);
    let [Io::Change { change, .. }] = &asks[..] else { panic!("a reservation, not {asks:?}") };
    let asks = [bench.applied(0, change.clone())];
    match &asks[..] {
        [Io::Call { .. }] => Next::Call,
        other => next(&mut bench, other),
    }
}

#[test]
fn what_a_lost_shop_may_have_sent_is_sent_again_only_under_an_id_that_its_channel_takes_once() {
    let (old, new) = (Position(7), Position::first_of(LogId(1)));
    let withheld = Next::Settle(OutcomeStatus::Withheld(Reason::Restored));
    for (channel, opened, at, expected) in [
        ("twice", old, 500, Next::Call),
        ("twice", new, 500, withheld),
        ("twice", new, 501, Next::Call),
        ("once", old, 500, Next::Settle(OutcomeStatus::Withheld(Reason::Restored))),
        ("once", new, 500, Next::Settle(OutcomeStatus::Withheld(Reason::Restored))),
        ("once", old, 501, Next::MarkCalling),
    ] {
        let mut outreach = Outreach { at: Timestamp(at), ..outreach(channel, 0) };
        outreach.slot.position = opened;
        let case = format!("{channel}, opened at {opened}, decided at {at}");
        assert_eq!(after_a_restore(&outreach, Doubtful::Withheld), expected, "{case}");
        let sent = if channel == "once" { Next::MarkCalling } else { Next::Call };
        assert_eq!(after_a_restore(&outreach, Doubtful::Sent), sent, "{case}");
    }
}
