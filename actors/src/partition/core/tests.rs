//! What the core asks for, input by input, without ports; what it keeps under faults the simulator shows.

use std::collections::VecDeque;

use schemas::time::Timestamp;

use super::alarms::wake_up;
use super::*;
use crate::port::log::Fetched;
use crate::port::store::{Cas, Lease};

/// Log time, and the wall clock.
const NOW: Timestamp = Timestamp(1_795_507_200_000);

struct Bench {
    core: Core,
    now: Now,
    /// What was asked for and not answered, oldest first.
    asked: VecDeque<Io>,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let params = Params {
            partition: PartitionId(0),
            partitions: 1,
            settings,
            rules: Rules::default(),
            decode: schemas::record::decode,
            border: Border::default(),
            agreed: Agreed::default(),
        };
        let now = Now { wall: NOW, boot: Duration::from_secs(50) };
        Self { core: Core::new(params), now, asked: VecDeque::new() }
    }

    fn handle(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.core.handle(self.now, input, &mut actions);
        let asked = actions.into_iter().filter_map(|action| match action {
            Action::Do(io) => Some(io),
            Action::Turn(_) | Action::Close(_) | Action::Ask(_) | Action::Hush(_) | Action::End(_) => None,
        });
        self.asked.extend(asked);
    }

    fn tick_after(&mut self, span: Duration) {
        self.now.boot += span;
        self.handle(Input::Tick);
    }

    fn loading(&self) -> usize {
        self.asked.iter().filter(|io| matches!(io, Io::LoadRow { .. })).count()
    }

    /// Answers everything that is asked for as an empty log and store would, with these wake-ups in the index.
    fn answer(&mut self, io: Io, wake_ups: &mut Vec<crate::port::store::WakeUp>) {
        let done = match io {
            Io::ReadLease => {
                let timer_cursor = alarms::slot_of(NOW) - 10;
                Done::Lease(Lease { timer_cursor, ..Lease::default() })
            }
            Io::CasLease { new, .. } => Done::LeaseCas { new, cas: Cas::Applied },
            Io::AppendEpochRecords(_) => Done::EpochRecords,
            Io::Commit(_) => Done::Committed,
            Io::Fetch { from, .. } => Done::Fetched {
                from,
                fetched: Fetched { records: Vec::new(), next: from, end_at: Some(NOW) },
            },
            Io::ScanWakeUps { to, .. } => Done::WakeUps { to, wake_ups: std::mem::take(wake_ups) },
            Io::LoadRow { cell, customer } => Done::Row { cell, customer, row: None },
            other => panic!("not expected: {other:?}"),
        };
        self.handle(Input::Done(done));
    }
}

#[test]
fn a_start_with_many_overdue_timers_reads_few_rows_at_a_time_and_all_in_the_end() {
    const OVERDUE: usize = 5_000;
    const LOADING_MAX: usize = 40;
    let settings =
        Settings { loading_max: LOADING_MAX, replay_margin: Duration::ZERO, ..Settings::default() };
    let grid = settings.timer_grid;
    let mut bench = Bench::new(settings);
    let due = |n: usize| Timestamp(NOW.0 - 1 - n as i64);
    let mut overdue: Vec<_> =
        (0..OVERDUE).map(|n| wake_up(due(n), CustomerId::user(&format!("u{n}")))).collect();
    bench.handle(Input::Start { nonce: 7 });
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
                bench.answer(io, &mut overdue);
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
