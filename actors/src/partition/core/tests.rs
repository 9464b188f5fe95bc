//! What the core asks for, input by input, without ports; what it keeps under faults the simulator shows.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use schemas::record::{Command, RecordKind, encode_command};
use schemas::time::Timestamp;

use super::alarms::wake_up;
use super::*;
use crate::partition::cell::Cell;
use crate::port::log::Fetched;
use crate::port::store::{Cas, Lease, WakeUp};

/// Log time, and the wall clock.
const NOW: Timestamp = Timestamp(1_795_507_200_000);

struct Bench {
    core: Core,
    now: Now,
    /// The live customers.
    cells: FxHashMap<CellId, Cell>,
    /// What was asked for and not answered, oldest first.
    asked: VecDeque<Io>,
    /// The rest of the log.
    log: Vec<LogRecord>,
    /// The timer index.
    wake_ups: Vec<WakeUp>,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let params = Params {
            partition: PartitionId(0),
            partitions: 1,
            settings: Settings { replay_margin: Duration::ZERO, ..settings },
            rules: Rules::default(),
            decode: schemas::record::decode,
            border: Border::default(),
            agreed: Agreed::default(),
        };
        let now = Now { wall: NOW, boot: Duration::from_secs(50) };
        let (cells, asked) = (FxHashMap::default(), VecDeque::new());
        let mut bench =
            Self { core: Core::new(params), now, cells, asked, log: Vec::new(), wake_ups: Vec::new() };
        bench.handle(Input::Start { nonce: 7 });
        bench
    }

    fn handle(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.core.handle(self.now, input, &mut actions);
        for action in actions {
            match action {
                Action::Do(io) => self.asked.push_back(io),
                Action::Turn(turn) => {
                    let cell = self.cells.entry(turn.cell).or_insert_with(|| Cell::new(Arc::default()));
                    let turned = cell.turn(turn).expect("rows can be read");
                    self.handle(Input::Turned(Box::new(turned)));
                }
                Action::Close(_) | Action::Ask(_) | Action::Hush(_) | Action::End(_) => {}
            }
        }
    }

    fn tick_after(&mut self, span: Duration) {
        self.now.boot += span;
        self.handle(Input::Tick);
    }

    fn loading(&self) -> usize {
        self.asked.iter().filter(|io| matches!(io, Io::LoadRow { .. })).count()
    }

    /// Answers what was asked for as log and store would, the store without rows.
    fn answer(&mut self, io: Io) {
        let done = match io {
            Io::ReadLease => {
                let timer_cursor = alarms::slot_of(NOW) - 10;
                Done::Lease(Lease { timer_cursor, ..Lease::default() })
            }
            Io::CasLease { new, .. } => Done::LeaseCas { new, cas: Cas::Applied },
            Io::AppendEpochRecords(_) => Done::EpochRecords,
            Io::Commit(_) => Done::Committed,
            Io::Fetch { from, .. } => {
                let records = std::mem::take(&mut self.log);
                let next = records.last().map_or(from, |last| last.position.next());
                Done::Fetched { from, fetched: Fetched { records, next, end_at: Some(NOW) } }
            }
            Io::ScanWakeUps { to, .. } => Done::WakeUps { to, wake_ups: std::mem::take(&mut self.wake_ups) },
            Io::LoadRow { cell, customer } => Done::Row { cell, customer, row: None },
            Io::Index { group, .. } => Done::Indexed { group, generation: None },
            Io::WriteRows { group, .. } => Done::RowsWritten { group, generation: 0 },
            other => panic!("not expected: {other:?}"),
        };
        self.handle(Input::Done(done));
    }

    /// Answers everything but writes of rows, and a fetch only while the log has more.
    fn answer_all_but_writes(&mut self) {
        loop {
            let has_more = !self.log.is_empty();
            let answered = |io: &Io| match io {
                Io::WriteRows { .. } => false,
                Io::Fetch { .. } => has_more,
                _ => true,
            };
            let Some(at) = self.asked.iter().position(answered) else { return };
            let io = self.asked.remove(at).expect("it stands there");
            self.answer(io);
        }
    }

    /// Time passes, and everything but writes of rows is answered.
    fn pass(&mut self, span: Duration) {
        self.tick_after(span);
        self.answer_all_but_writes();
    }

    /// The log goes on with a record of each of these customers.
    fn hears(&mut self, customers: &[&str], kind: RecordKind, body: impl Fn(u64, &str) -> Bytes) {
        let from = self.core.levels().next.0 + self.log.len() as u64;
        let records = (from..).zip(customers).map(|(position, key)| LogRecord {
            position: Position(position),
            stamp: NOW,
            key: (*key).into(),
            kind,
            epoch: None,
            body: body(position, key),
        });
        self.log.extend(records);
        self.answer_all_but_writes();
    }

    /// Each of these customers looks at something: their rows can wait.
    fn look(&mut self, customers: &[&str]) {
        self.hears(customers, RecordKind::Event, |position, customer| {
            let event = r#""type":"track","event":"Product Viewed""#;
            format!(r#"{{{event},"userId":"{customer}","messageId":"m{position}"}}"#).into()
        });
    }

    /// Each of these customers wants to hear nothing any more: their rows cannot wait.
    fn refuse(&mut self, customers: &[&str]) {
        self.hears(customers, RecordKind::Command, |_, _| encode_command(Command::Suppress));
    }

    /// Returns whose rows are being written, write by write, the oldest first.
    fn writes(&self) -> Vec<Vec<&str>> {
        let rows = self.asked.iter().filter_map(|io| match io {
            Io::WriteRows { rows, .. } => Some(rows),
            _ => None,
        });
        rows.map(|rows| rows.iter().map(|row| row.customer.as_str()).collect()).collect()
    }

    /// The store acknowledges the oldest write.
    fn acknowledge(&mut self) {
        let at = self.asked.iter().position(|io| matches!(io, Io::WriteRows { .. }));
        let io = at.and_then(|at| self.asked.remove(at)).expect("a write is under way");
        self.answer(io);
        self.answer_all_but_writes();
    }
}

/// How long a group waits for more rows.
const GROUP: Duration = Duration::from_millis(5);
const SECOND: Duration = Duration::from_secs(1);
const NOBODY: [Vec<&str>; 0] = [];

fn bounds() -> Settings {
    Settings {
        flush_quiet: SECOND,
        flush_quiet_max: 10 * SECOND,
        flush_urgent: GROUP,
        group_rows_max: 2,
        ..Settings::default()
    }
}

#[test]
fn rows_that_can_wait_are_written_a_group_at_a_time_and_one_that_cannot_does_not_stand_behind_them() {
    let mut bench = Bench::new(bounds());
    bench.answer_all_but_writes();
    bench.look(&["a", "b", "c", "d", "e"]);
    assert_eq!(bench.writes(), NOBODY);
    bench.pass(SECOND);
    assert_eq!(bench.writes(), [["a", "b"]]);
    bench.pass(GROUP);
    bench.refuse(&["e", "f"]);
    assert_eq!(bench.writes(), [vec!["a", "b"], vec!["e"]], "the first at once, alone");
    bench.pass(GROUP);
    assert_eq!(bench.writes(), [vec!["a", "b"], vec!["e"], vec!["f"]], "what comes behind it a moment later");
    bench.acknowledge();
    assert_eq!(bench.writes(), [vec!["e"], vec!["f"], vec!["c", "d"]]);
    (0..3).for_each(|_| bench.acknowledge());
    bench.pass(GROUP);
    assert_eq!(
        (bench.writes(), bench.core.levels().dirty),
        (NOBODY.to_vec(), 0),
        "e was written before its turn"
    );
}

#[test]
fn while_as_many_groups_as_may_be_are_under_way_nobody_looks_for_another() {
    let mut bench = Bench::new(Settings { groups_max: 1, ..bounds() });
    bench.answer_all_but_writes();
    bench.refuse(&["a"]);
    bench.refuse(&["b"]);
    bench.pass(GROUP);
    assert_eq!(bench.writes(), [["a"]]);
    assert!(bench.core.deadline() > Some(bench.now.boot), "it would be asked again and again");
    bench.acknowledge();
    assert_eq!(bench.writes(), [["b"]]);
}

#[test]
fn behind_a_run_comes_a_rest_nine_times_as_long_and_no_row_waits_longer_than_it_may() {
    let mut bench = Bench::new(bounds());
    bench.answer_all_but_writes();
    bench.look(&["a", "b"]);
    bench.pass(SECOND);
    assert_eq!(bench.writes(), [["a", "b"]]);
    bench.now.boot += SECOND / 2;
    bench.acknowledge();
    bench.look(&["c", "d"]);
    bench.pass(9 * SECOND / 2 - GROUP);
    assert_eq!(bench.writes(), NOBODY);
    bench.pass(GROUP);
    assert_eq!(bench.writes(), [["c", "d"]]);
    bench.now.boot += 3 * SECOND;
    bench.look(&["e", "f"]);
    bench.acknowledge();
    bench.pass(10 * SECOND - GROUP);
    assert_eq!(bench.writes(), NOBODY, "the rest is 27 s long");
    bench.pass(GROUP);
    assert_eq!(bench.writes(), [["e", "f"]]);
}

#[test]
fn too_many_rows_that_differ_begin_a_run_at_once() {
    let mut bench = Bench::new(Settings { dirty_max: 2, ..bounds() });
    bench.answer_all_but_writes();
    bench.look(&["a"]);
    bench.pass(GROUP);
    assert_eq!(bench.writes(), NOBODY);
    bench.look(&["b"]);
    bench.pass(GROUP);
    assert_eq!(bench.writes(), [["a", "b"]]);
}

#[test]
fn a_start_with_many_overdue_timers_reads_few_rows_at_a_time_and_all_in_the_end() {
    const OVERDUE: usize = 5_000;
    const LOADING_MAX: usize = 40;
    let settings = Settings { loading_max: LOADING_MAX, ..Settings::default() };
    let grid = settings.timer_grid;
    let mut bench = Bench::new(settings);
    let due = |n: usize| Timestamp(NOW.0 - 1 - n as i64);
    bench.wake_ups = (0..OVERDUE).map(|n| wake_up(due(n), CustomerId::user(&format!("u{n}")))).collect();
    let (mut loaded, mut most, mut fetches) = (0, 0, 0);
    while loaded < OVERDUE {
        most = most.max(bench.loading());
        // The log is looked at again and again; rows come one at a time.
        let row = bench.asked.iter().position(|io| matches!(io, Io::LoadRow { .. }));
        let next = row.filter(|_| fetches > loaded).unwrap_or(0);
        match bench.asked.remove(next) {
            Some(io) => {
                loaded += usize::from(matches!(io, Io::LoadRow { .. }));
                fetches += usize::from(matches!(io, Io::Fetch { .. }));
                bench.answer(io);
            }
            None => bench.tick_after(grid),
        }
        if fetches > loaded + 1 && bench.loading() == 0 {
            bench.tick_after(grid);
        }
    }
    assert_eq!(most, LOADING_MAX);
    assert_eq!(bench.core.counts().wakes, OVERDUE as u64);
}
