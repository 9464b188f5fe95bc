//! The ports of one simulated process: every call is an operation in flight in the shared world.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use actors::port::agreement::Agreement;
use actors::port::clock::Clock;
use actors::port::log::{self, Assignment, Commit, Fetched, LogSink, LogSource, NewRecord, Topic};
use actors::port::predictor::{self, Predictor};
use actors::port::store::{
    self, Cas, DecisionRow, Lease, LedgerChange, LedgerEntry, Links, Row, RowPage, Store, WakeUp, Written,
};
use actors::port::{BoxFuture, Ports, Reply};
use schemas::conversation::Turn;
use schemas::customer::Link;
use schemas::decision::Decision;
use schemas::ids::{CustomerId, OutreachId, PartitionId, Position};
use schemas::record::RecordKind;
use schemas::score::{Answer, Ask, Head, Score};
use schemas::time::Timestamp;

use crate::flight::{What, submit};
use crate::outbound::channels;
use crate::run::Scores;
use crate::world::{Shared, locked, score_of};

/// Returns the ports of a process.
pub fn ports(shared: &Shared, process: usize) -> Ports {
    let handle = Arc::new(Handle { shared: Arc::clone(shared), process });
    Ports {
        source: handle.clone(),
        sink: handle.clone(),
        store: handle.clone(),
        predictor: handle.clone(),
        answers: Arc::new(actors::port::answers::Nobody),
        channels: Arc::new(channels(shared, process)),
        clock: handle,
    }
}

struct Handle {
    shared: Shared,
    process: usize,
}

fn log_lost() -> log::Error {
    log::Error::Unavailable("no reply".into())
}

fn store_lost() -> store::Error {
    store::Error::Unavailable("no reply".into())
}

fn predictor_lost() -> predictor::Error {
    predictor::Error::Full
}

fn ready<T: Send + 'static, E: Send + 'static>(reply: T) -> Reply<T, E> {
    Box::pin(std::future::ready(Ok(reply)))
}

impl Clock for Handle {
    fn now(&self) -> Timestamp {
        Timestamp(locked(&self.shared).now)
    }

    fn boot(&self) -> Duration {
        Duration::from_millis(locked(&self.shared).now as u64)
    }

    fn thread_cpu(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let until = self.boot() + span;
        let shared = Arc::clone(&self.shared);
        Box::pin(std::future::poll_fn(move |_| {
            match Duration::from_millis(locked(&shared).now as u64) >= until {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }))
    }
}

impl Predictor for Handle {
    fn score(&self, ask: Ask) -> Reply<Answer, predictor::Error> {
        submit(&self.shared, self.process, What::Score, predictor_lost, move |state| {
            let value = (state.chance.next() % 2) as f32;
            let score = match state.scores {
                Scores::Differ => Score { value, ..score_of(&ask) },
                Scores::Live | Scores::Held => score_of(&ask),
            };
            Ok(Answer { id: ask.id, head: ask.head, score })
        })
    }

    fn prior(&self, _: Head) -> f32 {
        0.0
    }
}

impl LogSource for Handle {
    fn partitions(&self) -> u32 {
        locked(&self.shared).partitions.len() as u32
    }

    fn assignment(&self) -> BoxFuture<'static, Assignment> {
        Box::pin(std::future::pending())
    }

    fn released(&self, _: PartitionId) {}

    fn prove(&self, _: PartitionId) -> Reply<(), log::Error> {
        ready(())
    }

    fn fetch(&self, topic: Topic, at: PartitionId, from: Position, max: usize) -> Reply<Fetched, log::Error> {
        submit(&self.shared, self.process, What::Read, log_lost, move |state| {
            Ok(match topic {
                Topic::Outreach => state.fetch_outreach(at, from, max),
                Topic::Events | Topic::Decisions | Topic::Replies | Topic::DeadLetter => {
                    state.fetch(at, from, max)
                }
            })
        })
    }

    fn end(&self, _: Topic, at: PartitionId) -> Reply<Position, log::Error> {
        ready(Position(locked(&self.shared).partition(at).log.len() as u64))
    }

    fn commit(&self, topic: Topic, at: PartitionId, commit: Commit) -> Reply<(), log::Error> {
        let process = self.process;
        submit(&self.shared, process, What::Read, log_lost, move |state| {
            if topic == Topic::Outreach {
                state.commit_outreach(process, at, commit);
                return Ok(());
            }
            // The broker knows who the member is, and nothing else.
            let refused = state.odds.refused_commits;
            let partition = state.partition(at);
            if partition.group_owner == process {
                partition.committed.position = partition.committed.position.max(commit.position);
            } else if state.chance.percent(refused) {
                return Err(log::Error::NotOwned(at));
            }
            Ok(())
        })
    }

    fn committed(&self, topic: Topic, at: PartitionId) -> Reply<Commit, log::Error> {
        submit(&self.shared, self.process, What::Read, log_lost, move |state| {
            Ok(match topic {
                Topic::Outreach => state.lane(at).committed,
                Topic::Events | Topic::Decisions | Topic::Replies | Topic::DeadLetter => {
                    state.partition(at).committed
                }
            })
        })
    }
}

impl LogSink for Handle {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, log::Error> {
        let process = self.process;
        let mark = records.iter().any(|record| record.kind == RecordKind::Epoch);
        let what = if mark { What::Mark } else { What::Append };
        submit(&self.shared, process, what, log_lost, move |state| {
            let torn = state.odds.torn_appends;
            if torn > 0 && state.chance.percent(torn) {
                let mut records = records.clone();
                records.retain(|_| state.chance.percent(50));
                state.append(process, topic, records);
                return Err(log_lost());
            }
            let (appended, replaced) = (state.chance.percent(50), state.odds.producers_replaced);
            if state.chance.below(1_000) >= replaced {
                return Ok(state.append(process, topic, records.clone()));
            }
            if appended {
                state.append(process, topic, records.clone());
            }
            Err(log::Error::ProducerReplaced("by chance".into()))
        })
    }
}

impl Store for Handle {
    fn read_row(&self, _: PartitionId, customer: CustomerId) -> Reply<Option<Row>, store::Error> {
        submit(&self.shared, self.process, What::Read, store_lost, move |state| {
            Ok(state.rows.get(&customer).cloned())
        })
    }

    fn write_rows(&self, _: PartitionId, rows: Vec<Row>) -> Reply<Written, store::Error> {
        let process = self.process;
        submit(&self.shared, process, What::Write, store_lost, move |state| {
            state.write_rows(process, &rows);
            Ok(Written { generation: state.generation })
        })
    }

    fn scan_rows(&self, _: PartitionId, _: Option<CustomerId>, _: usize) -> Reply<RowPage, store::Error> {
        ready(RowPage::default())
    }

    fn read_lease(&self, at: PartitionId) -> Reply<Lease, store::Error> {
        submit(&self.shared, self.process, What::Lease, store_lost, move |state| {
            Ok(state.partition(at).lease)
        })
    }

    fn cas_lease(&self, at: PartitionId, expect: Lease, new: Lease) -> Reply<Cas<Lease>, store::Error> {
        let process = self.process;
        submit(&self.shared, process, What::Lease, store_lost, move |state| {
            Ok(state.cas_lease(process, at, expect, new))
        })
    }

    fn add_wake_ups(&self, at: PartitionId, wake_ups: Vec<WakeUp>) -> Reply<Written, store::Error> {
        submit(&self.shared, self.process, What::Write, store_lost, move |state| {
            state.add_wake_ups(at, &wake_ups);
            Ok(Written { generation: state.generation })
        })
    }

    fn scan_wake_ups(&self, at: PartitionId, from: i64, to: i64) -> Reply<Vec<WakeUp>, store::Error> {
        submit(&self.shared, self.process, What::Read, store_lost, move |state| Ok(state.scan(at, from, to)))
    }

    fn read_ledger(&self, origin: CustomerId, id: OutreachId) -> Reply<Option<LedgerEntry>, store::Error> {
        submit(&self.shared, self.process, What::Read, store_lost, move |state| {
            Ok(state.outbound.ledger.get(&(origin.clone(), id)).cloned())
        })
    }

    fn cas_ledger(&self, change: LedgerChange) -> Reply<Cas<Option<Box<LedgerEntry>>>, store::Error> {
        submit(&self.shared, self.process, What::Ledger, store_lost, move |state| {
            Ok(state.cas_ledger(&change))
        })
    }

    fn scan_ledger(&self, _: Option<CustomerId>, _: usize) -> Reply<Vec<LedgerEntry>, store::Error> {
        ready(Vec::new())
    }

    fn write_decisions(&self, _: Vec<DecisionRow>) -> Reply<Written, store::Error> {
        ready(Written { generation: locked(&self.shared).generation })
    }

    fn read_decisions(
        &self,
        _: CustomerId,
        _: Option<String>,
        _: usize,
    ) -> Reply<Vec<Decision>, store::Error> {
        ready(Vec::new())
    }

    fn write_turns(&self, _: Vec<Turn>) -> Reply<Written, store::Error> {
        ready(Written { generation: locked(&self.shared).generation })
    }

    fn erase_turns(&self, _: CustomerId, _: u32, _: Timestamp) -> Reply<Written, store::Error> {
        ready(Written { generation: locked(&self.shared).generation })
    }

    fn read_turns(&self, _: CustomerId, _: u32, _: usize) -> Reply<Vec<Turn>, store::Error> {
        ready(Vec::new())
    }

    fn add_links(&self, _: Vec<Links>) -> Reply<Written, store::Error> {
        ready(Written { generation: locked(&self.shared).generation })
    }

    fn find_links(&self, _: Link, _: usize) -> Reply<Vec<CustomerId>, store::Error> {
        ready(Vec::new())
    }

    fn read_agreement(&self) -> Reply<Agreement, store::Error> {
        ready(Agreement::default())
    }

    fn cas_agreement(&self, _: Agreement, _: Agreement) -> Reply<Cas<Agreement>, store::Error> {
        ready(Cas::Refused(Agreement::default()))
    }
}
