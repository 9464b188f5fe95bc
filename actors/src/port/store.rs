//! The store port: customer rows, leases, the timer index, the outreach ledger, decisions, turns and links.
//!
//! Rows win by their write timestamp, row by row, whatever the order of arrival; leases and the ledger change by compare-and-set.

use bytes::Bytes;
use schemas::conversation::Turn;
use schemas::customer::Link;
use schemas::decision::{Decision, OutcomeStatus, Outreach};
use schemas::ids::{CustomerId, Epoch, OutreachId, PartitionId, Position};
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::agreement::Agreement;
use super::{Kind, Reply};

/// Width of a slot of the timer index.
#[cfg(not(feature = "ablation"))]
pub const TIMER_SLOT_MS: i64 = 5 * 60 * 1_000;
/// Width of a slot of the timer index, so that the cursor passes several within a round of `ops/chaos`.
#[cfg(feature = "ablation")]
pub const TIMER_SLOT_MS: i64 = 1_000;

/// A customer row as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Whose.
    pub customer: CustomerId,
    /// Write timestamp, within the writer's range; no two writes of a row share one.
    pub written_at: i64,
    /// Epoch of the writer.
    pub epoch: Epoch,
    /// The encoded row: state, marks, timers and outbox, one instant.
    pub state: Bytes,
}

/// The lease row of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Counts the owners.
    pub epoch: Epoch,
    /// Random value of the attempt that took it; 0 = nobody yet.
    pub owner: u128,
    /// Highest write timestamp that this epoch may use.
    pub written_at_max: i64,
    /// Where the owner starts: nothing below it has effects that are not safe.
    pub position: Position,
    /// Timer slots below it are done.
    pub timer_cursor: i64,
    /// Newest version of the row codec that the owner reads; 0 = it did not say.
    pub reads: u8,
}

/// How a compare-and-set ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cas<T> {
    /// It was applied.
    Applied,
    /// It was refused; this is what is there.
    Refused(T),
}

/// An entry of the timer index: a customer to look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WakeUp {
    /// `due / TIMER_SLOT_MS`, rounded down.
    pub slot: i64,
    /// When.
    pub due: Timestamp,
    /// Whom.
    pub customer: CustomerId,
}

/// Values that lead to a customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Links {
    /// Whom they lead to.
    pub customer: CustomerId,
    /// The values.
    pub links: Vec<Link>,
}

impl Links {
    /// Returns each link with whom it leads to.
    pub fn each(&self) -> impl Iterator<Item = (Link, &CustomerId)> {
        self.links.iter().map(|link| (*link, &self.customer))
    }
}

/// State of an outreach in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LedgerState {
    /// A dispatcher has it; for a channel without idempotency the call may be under way.
    Reserved,
    /// The channel call of an at-most-once channel is about to be made; never repeated from here.
    Calling,
    /// Given back to the row; attempt n + 1 may follow.
    Returned(OutcomeStatus),
    /// Done.
    Done(OutcomeStatus),
}

/// The kinds of [`LedgerState`], for comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerStage {
    /// [`LedgerState::Reserved`].
    Reserved,
    /// [`LedgerState::Calling`].
    Calling,
    /// [`LedgerState::Returned`], whatever it says.
    Returned,
    /// [`LedgerState::Done`], whatever it says.
    Done,
}

impl LedgerState {
    /// Returns the kind of the state.
    pub fn stage(&self) -> LedgerStage {
        match self {
            LedgerState::Reserved => LedgerStage::Reserved,
            LedgerState::Calling => LedgerStage::Calling,
            LedgerState::Returned(_) => LedgerStage::Returned,
            LedgerState::Done(_) => LedgerStage::Done,
        }
    }
}

/// An outreach in the ledger. Its body is fixed with the reservation, so that an id never names two contents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// What is sent: the first body that was reserved for this id and attempt.
    pub outreach: Outreach,
    /// Random value of the dispatcher that reserved it.
    pub reserver: u128,
    /// Where it stands.
    pub state: LedgerState,
    /// When it changed last.
    pub at: Timestamp,
    /// The channel's own reference.
    pub provider_ref: Option<String>,
}

impl LedgerEntry {
    /// Returns the customer that the ledger has it under: whose record opened the instance. An instance that moves to another row by
    /// a merge keeps its place, so that a further attempt finds the one before.
    pub fn filed_under(&self) -> &CustomerId {
        &self.outreach.slot.origin
    }
}

/// A change of the ledger: applied only if the entry stands as `expect` says.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerChange {
    /// What must be there: `None` = no entry, `Some((attempt, stage))` = that attempt in that stage.
    pub expect: Option<(u32, LedgerStage)>,
    /// What is there afterwards.
    pub entry: LedgerEntry,
}

/// A row was written, the store's tail is as described.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Changes when the store may have lost acknowledged writes (a node came back without its tail): the owner assigns anew.
    pub generation: u64,
}

/// A decision to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionRow {
    /// What was decided, by the row's owner.
    pub decision: Decision,
    /// Write timestamp of the row that says so, in the writer's range.
    pub written_at: i64,
}

/// A page of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowPage {
    /// Rows in key order.
    pub rows: Vec<Row>,
    /// Where the next page starts; `None` = that was all.
    pub next: Option<CustomerId>,
}

/// Rows, leases, timers, ledger, decisions, turns, links.
pub trait Store: Send + Sync {
    /// Returns one row.
    fn read_row(&self, partition: PartitionId, customer: CustomerId) -> Reply<Option<Row>, Error>;

    /// Writes rows of one partition; each wins or loses by its own `written_at`. Resolves when all are durable; idempotent. An empty
    /// list writes nothing and tells the generation as it is then.
    fn write_rows(&self, partition: PartitionId, rows: Vec<Row>) -> Reply<Written, Error>;

    /// Returns rows of a partition in key order from `from` on (from the first on `None`), at most `max`.
    fn scan_rows(
        &self,
        partition: PartitionId,
        from: Option<CustomerId>,
        max: usize,
    ) -> Reply<RowPage, Error>;

    /// Returns the lease row as a serial read sees it, the default before the first owner.
    fn read_lease(&self, partition: PartitionId) -> Reply<Lease, Error>;

    /// Replaces the lease row if it equals `expect` as a whole: a take-over between the reading and the replacing of which the owner
    /// confirmed or raised its range must fail, or the ranges of two epochs overlap.
    ///
    /// Errors: `Retry` = unknown whether it was applied; read it back before concluding anything.
    fn cas_lease(&self, partition: PartitionId, expect: Lease, new: Lease) -> Reply<Cas<Lease>, Error>;

    /// Adds entries to the timer index; durable when resolved, idempotent.
    fn add_wake_ups(&self, partition: PartitionId, wake_ups: Vec<WakeUp>) -> Reply<Written, Error>;

    /// Returns the entries with `from <= slot < to`, ordered by due time.
    fn scan_wake_ups(&self, partition: PartitionId, from: i64, to: i64) -> Reply<Vec<WakeUp>, Error>;

    /// Returns an outreach's entry as a serial read sees it; `origin` is whose record opened the instance.
    fn read_ledger(&self, origin: CustomerId, id: OutreachId) -> Reply<Option<LedgerEntry>, Error>;

    /// Changes an outreach's entry by compare-and-set.
    ///
    /// Errors: `Retry` = unknown whether it was applied; read it back.
    fn cas_ledger(&self, change: LedgerChange) -> Reply<Cas<Option<Box<LedgerEntry>>>, Error>;

    /// Returns the ledger's entries of instances that a customer's records opened, in id order; of all customers on `None`; at most
    /// `max`.
    fn scan_ledger(&self, origin: Option<CustomerId>, max: usize) -> Reply<Vec<LedgerEntry>, Error>;

    /// Writes decisions; idempotent by id. Where two owners came to a decision of one id, the one of the higher `written_at` stays, in whatever
    /// order they arrive; a store of one process, which no two owners write to at a time, may go by the order of arrival.
    fn write_decisions(&self, decisions: Vec<DecisionRow>) -> Reply<Written, Error>;

    /// Returns a customer's decisions, newest first, of one trigger or all, at most `max`.
    fn read_decisions(
        &self,
        customer: CustomerId,
        trigger: Option<String>,
        max: usize,
    ) -> Reply<Vec<Decision>, Error>;

    /// Writes turns of conversations; idempotent: a turn is the same whenever it is written. One that was erased stays so, also when it
    /// is written late.
    fn write_turns(&self, turns: Vec<Turn>) -> Reply<Written, Error>;

    /// Deletes a customer's turns below a number, for ever; `at` is the log time of the erase, no earlier than that of the turns.
    /// Idempotent.
    fn erase_turns(&self, customer: CustomerId, below: u32, at: Timestamp) -> Reply<Written, Error>;

    /// Returns a customer's turns from a number on, in the order of the thread, at most `max`.
    fn read_turns(&self, customer: CustomerId, from: u32, max: usize) -> Reply<Vec<Turn>, Error>;

    /// Adds links of any number of customers; durable when resolved, idempotent.
    fn add_links(&self, links: Vec<Links>) -> Reply<Written, Error>;

    /// Returns the customers a value leads to, in id order, at most `max`.
    fn find_links(&self, link: Link, max: usize) -> Reply<Vec<CustomerId>, Error>;

    /// Returns what all engines on this store go by, the default before anybody changed it.
    fn read_agreement(&self) -> Reply<Agreement, Error>;

    /// Replaces the agreement if it equals `expect` as a whole.
    ///
    /// Errors: `Retry` = unknown whether it was applied; read it back.
    fn cas_agreement(&self, expect: Agreement, new: Agreement) -> Reply<Cas<Agreement>, Error>;
}

/// Why a store operation failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store did not answer in time or is not reachable; what was asked may have happened.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// What is stored cannot be read.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
    /// The store cannot go on, e.g. a failed fsync or a full disk.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl Error {
    /// Returns how a caller goes on.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Unavailable(_) => Kind::Retry,
            Error::Corrupt(_) => Kind::Reject,
            Error::Failed(_) => Kind::Fatal,
        }
    }
}
