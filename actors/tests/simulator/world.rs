//! The outside of the simulated processes: log, store, lease, timer index, group. Faulty, in memory, in virtual time.
//!
//! A call of a port is an operation in flight until the simulator delivers it: it may come late, its reply may be lost, and a write
//! may come a second time. What is written with a lower timestamp loses, whatever the order of arrival.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use actors::port::log::{Commit, Fetched, NewRecord, Topic};
use actors::port::store::{Cas, Lease, Row as StoredRow, WakeUp};
use schemas::ids::{CustomerId, Position};
use schemas::record::{LogRecord, RecordKind};
use schemas::time::Timestamp;

use crate::campaign::Traced;
use crate::chance::Chance;
use crate::odds::{Odds, Shop};
use crate::outbound::{DISPATCHERS, Outbound};
use crate::row::{Kind, Row, Shelf};

/// One step of virtual time. Units: ms.
pub const STEP: i64 = 15_000;
/// What the store may lose of its tail, and the replay margin. Units: ms.
pub const TAIL: i64 = 60 * STEP;
/// Customers of the shop.
const CUSTOMERS: [&str; 8] = ["ann", "bob", "cid", "dan", "eva", "fay", "gus", "hal"];
/// Records of a run.
const LOG_MAX: usize = 26;

/// What writes rows apart by their timestamps, and what the world compares when they are equal.
type Undo = (i64, CustomerId, Option<StoredRow>);

/// An operation in flight.
struct Operation {
    process: usize,
    what: What,
    deliver: Box<dyn FnMut(&mut State) + Send>,
    lose: Box<dyn FnMut() + Send>,
}

/// Classes of operations, for the odds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Read,
    Score,
    Lease,
    Write,
    /// An epoch record.
    Mark,
    /// Any other record.
    Append,
    /// A change of the ledger.
    Ledger,
    /// A call of a channel.
    Call,
}

/// Whose operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Owners,
    Dispatchers,
}

/// Everything outside the processes.
pub struct State {
    pub now: i64,
    pub chance: Chance,
    pub odds: Odds,
    pub trace: Option<Vec<String>>,
    pub log: Vec<LogRecord>,
    pub kinds: Vec<(CustomerId, Kind)>,
    pub rows: BTreeMap<CustomerId, StoredRow>,
    pub lease: Lease,
    pub committed: Commit,
    pub group_owner: usize,
    pub outbound: Outbound,
    pub panicked: BTreeSet<Position>,
    pub generation: u64,
    index: BTreeSet<WakeUp>,
    index_history: Vec<(i64, WakeUp)>,
    history: Vec<Undo>,
    shelf: Vec<Arc<Row>>,
    operations: Vec<Operation>,
}

impl Shelf for State {
    fn put(&mut self, row: Row) -> bytes::Bytes {
        self.shelf.push(Arc::new(row));
        bytes::Bytes::copy_from_slice(&(self.shelf.len() as u64 - 1).to_le_bytes())
    }

    fn get(&self, bytes: &[u8]) -> Arc<Row> {
        let at = u64::from_le_bytes(bytes.try_into().expect("every row is an index"));
        Arc::clone(&self.shelf[at as usize])
    }
}

macro_rules! trace {
    ($state:expr, $($words:tt)*) => {
        if $state.trace.is_some() {
            let line = format!("{:4} {}", $state.now / $crate::world::STEP, format!($($words)*));
            if let Some(trace) = $state.trace.as_mut() {
                trace.push(line);
            }
        }
    };
}
pub(crate) use trace;

impl State {
    pub fn new(seed: u64, odds: Odds, traced: Traced) -> Self {
        Self {
            now: 1_000 * STEP,
            chance: Chance::new(seed),
            odds,
            trace: (traced == Traced::Yes).then(Vec::new),
            log: Vec::new(),
            kinds: Vec::new(),
            rows: BTreeMap::new(),
            lease: Lease::default(),
            committed: Commit::default(),
            group_owner: 0,
            outbound: Outbound::default(),
            panicked: BTreeSet::new(),
            generation: 1,
            index: BTreeSet::new(),
            index_history: Vec::new(),
            history: Vec::new(),
            shelf: Vec::new(),
            operations: Vec::new(),
        }
    }

    /// The shop appends an event.
    pub fn shop(&mut self) {
        if self.log.len() >= LOG_MAX {
            return;
        }
        let customer = CustomerId::user(CUSTOMERS[self.chance.below(self.odds.customers)]);
        let kind = match (self.odds.shop, self.chance.below(10)) {
            (Shop::Mixed, 0..=3) | (Shop::Scores, 0..=2) | (Shop::Timers, 0..=1) | (Shop::Plain, _) => {
                Kind::Plain
            }
            (Shop::Mixed, 4 | 5) | (Shop::Scores, 3) => Kind::Fire,
            (Shop::Mixed, 6) | (Shop::Scores, 4..=8) => Kind::Score,
            (Shop::Mixed, 7 | 8) => Kind::Wait((5 + self.chance.below(60) as i64) * STEP),
            (Shop::Timers, 2..=8) => Kind::Wait((2 + self.chance.below(20) as i64) * STEP),
            (Shop::Mixed | Shop::Scores | Shop::Timers, _) => Kind::Exit,
        };
        trace!(self, "log[{}] = {customer} {kind:?}", self.log.len());
        self.log.push(LogRecord {
            position: Position(self.log.len() as u64),
            stamp: Timestamp(self.now),
            key: customer.as_str().into(),
            kind: RecordKind::Event,
            epoch: None,
            body: kind.encode().into(),
        });
        self.kinds.push((customer, kind));
    }

    pub fn fetch(&self, from: Position, max: usize) -> Fetched {
        let start = from.0 as usize;
        let end = (start + max).min(self.log.len());
        let records = self.log.get(start..end).unwrap_or_default().to_vec();
        let at_end = end == self.log.len();
        Fetched {
            next: Position(end.max(start) as u64),
            records,
            end_at: at_end.then_some(Timestamp(self.now)),
        }
    }

    pub fn append(&mut self, process: usize, topic: Topic, records: Vec<NewRecord>) -> Vec<Position> {
        for record in records {
            match topic {
                Topic::Outreach => self.append_outreach(process, record),
                Topic::Events if record.kind == RecordKind::Outcome => self.note_outcome(&record),
                Topic::DeadLetter | Topic::Events | Topic::Decisions => {}
            }
        }
        Vec::new()
    }

    pub fn write_rows(&mut self, process: usize, rows: &[StoredRow]) {
        for row in rows {
            let old = self.rows.get(&row.customer);
            let wins = match old {
                None => true,
                Some(old) if old.written_at == row.written_at => self.chance.percent(50),
                Some(old) => row.written_at > old.written_at,
            };
            let high_water = self.get(&row.state).high_water;
            trace!(
                self,
                "store: {} of owner {process} at {} {:?} {}",
                row.customer,
                row.written_at % 1_000_000_000_000,
                high_water,
                if wins { "wins" } else { "is shadowed" }
            );
            if wins {
                let old = self.rows.insert(row.customer.clone(), row.clone());
                self.history.push((self.now, row.customer.clone(), old));
            }
        }
    }

    pub fn cas_lease(&mut self, process: usize, expect: Lease, new: Lease) -> Cas<Lease> {
        if self.lease != expect {
            trace!(self, "lease: owner {process} is refused");
            return Cas::Refused(self.lease);
        }
        trace!(
            self,
            "lease: owner {process} epoch {} position {} cursor {}",
            new.epoch.0,
            new.position.0,
            new.timer_cursor
        );
        self.lease = new;
        Cas::Applied
    }

    pub fn add_wake_ups(&mut self, wake_ups: &[WakeUp]) {
        for wake_up in wake_ups {
            trace!(self, "index: {} at {}", wake_up.customer, wake_up.due.0 / STEP);
            if self.index.insert(wake_up.clone()) {
                self.index_history.push((self.now, wake_up.clone()));
            }
        }
    }

    pub fn scan(&self, from: i64, to: i64) -> Vec<WakeUp> {
        self.index.iter().filter(|wake_up| (from..to).contains(&wake_up.slot)).cloned().collect()
    }

    /// The store loses what it acknowledged a short while ago.
    pub fn lose_tail(&mut self) {
        let since = self.now - TAIL + self.chance.below((TAIL / STEP) as usize) as i64 * STEP;
        trace!(self, "store loses writes since {}", since / STEP);
        while let Some((at, customer, old)) = self.history.pop() {
            if at <= since {
                self.history.push((at, customer, old));
                break;
            }
            match old {
                Some(row) => self.rows.insert(customer, row),
                None => self.rows.remove(&customer),
            };
        }
        while let Some((_, wake_up)) = self.index_history.pop_if(|(at, _)| *at > since) {
            self.index.remove(&wake_up);
        }
        self.generation += 1;
    }

    /// Delivers one operation in flight of one side, chosen by chance; a slow one stays in flight.
    pub fn deliver_any(&mut self, side: Side) {
        let of = |operation: &Operation| match operation.process >= DISPATCHERS {
            true => Side::Dispatchers,
            false => Side::Owners,
        };
        let in_flight = self.operations.iter().filter(|one| of(one) == side).count();
        if in_flight == 0 {
            return;
        }
        let nth = self.chance.below(in_flight);
        let mut places = (0..self.operations.len()).filter(|at| of(&self.operations[*at]) == side);
        let at = places.nth(nth).expect("there are as many as were counted");
        let slow = self.odds.slow == Some(self.operations[at].what);
        if !slow || self.chance.percent(20) {
            self.deliver(at);
        }
    }

    fn deliver(&mut self, at: usize) {
        let mut operation = self.operations.swap_remove(at);
        let odds = match operation.what {
            What::Lease | What::Ledger => self.odds.lease_reply_lost,
            What::Read | What::Score | What::Write | What::Mark | What::Append | What::Call => {
                self.odds.reply_lost
            }
        };
        if !self.chance.percent(odds) {
            (operation.deliver)(self);
            // A write may arrive a second time.
            if operation.what == What::Write && self.chance.percent(3) {
                self.operations.push(operation);
            }
            return;
        }
        // The reply is lost. The write may have come, may come later, or never comes.
        (operation.lose)();
        match self.chance.below(3) {
            0 => {
                (operation.deliver)(self);
            }
            1 if matches!(
                operation.what,
                What::Write | What::Mark | What::Append | What::Ledger | What::Call
            ) =>
            {
                self.operations.push(operation)
            }
            _ => {}
        }
    }

    /// A process died: what it had in flight comes all the same, or not.
    pub fn died(&mut self, process: usize) {
        if self.chance.percent(50) {
            self.operations.retain(|operation| operation.process != process);
        }
    }

    /// Everything in flight comes or is lost.
    pub fn settle(&mut self) {
        while !self.operations.is_empty() {
            let at = self.chance.below(self.operations.len());
            if self.chance.percent(80) {
                self.deliver(at);
            } else {
                self.operations.swap_remove(at);
            }
        }
    }
}

/// The world as the processes share it.
pub type Shared = Arc<Mutex<State>>;

pub fn locked(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().expect("nothing panics while it holds the world")
}

/// Puts an operation in flight and returns the future of its reply.
pub fn submit<T, E, Effect>(
    shared: &Shared,
    process: usize,
    what: What,
    lost: fn() -> E,
    mut effect: Effect,
) -> actors::port::Reply<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
    Effect: FnMut(&mut State) -> Result<T, E> + Send + 'static,
{
    let slot: Arc<Mutex<Option<Result<T, E>>>> = Arc::default();
    let (delivered, dropped) = (Arc::clone(&slot), Arc::clone(&slot));
    let put = |slot: &Mutex<Option<Result<T, E>>>, reply| {
        *slot.lock().expect("nothing panics while it holds a reply") = Some(reply);
    };
    let operation = Operation {
        process,
        what,
        deliver: Box::new(move |state| {
            let reply = effect(state);
            let mut slot = delivered.lock().expect("nothing panics while it holds a reply");
            if slot.is_none() {
                *slot = Some(reply);
            }
        }),
        lose: Box::new(move || put(&dropped, Err(lost()))),
    };
    locked(shared).operations.push(operation);
    Box::pin(std::future::poll_fn(move |_: &mut Context<'_>| {
        match slot.lock().expect("nothing panics while it holds a reply").take() {
            Some(reply) => Poll::Ready(reply),
            None => Poll::Pending,
        }
    }))
}
