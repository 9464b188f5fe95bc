//! What is counted of requests to a store on servers: resolved once, since rows are written by the thousand.

use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge};

use super::{
    Make, STORE_BATCH_BYTES, STORE_BATCH_ROWS, STORE_FAILED, STORE_IN_FLIGHT, STORE_RETRIED, STORE_SECONDS,
};
use crate::port::Kind;

/// What a store is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOperation {
    /// One row is read.
    ReadRow,
    /// A batch of rows is written.
    WriteRows,
    /// Rows are read in key order.
    ScanRows,
    /// A lease is read.
    ReadLease,
    /// A lease is replaced.
    CasLease,
    /// Entries of the timer index are added.
    AddWakeUps,
    /// Entries of the timer index are read.
    ScanWakeUps,
    /// An entry of the ledger is read.
    ReadLedger,
    /// An entry of the ledger is changed.
    CasLedger,
    /// The ledger is listed.
    ScanLedger,
    /// A decision is written.
    WriteDecisions,
    /// Decisions are read.
    ReadDecisions,
    /// A turn of a conversation is written.
    WriteTurns,
    /// Turns are erased.
    EraseTurns,
    /// Turns are read.
    ReadTurns,
    /// A link is added.
    AddLinks,
    /// Links are followed.
    FindLinks,
    /// What all engines go by is read.
    ReadAgreement,
    /// What all engines go by is changed.
    CasAgreement,
}

/// What requests are bounded by together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreLane {
    /// Writes.
    Write,
    /// Reads.
    Read,
    /// Compare-and-set, and the reads that settle it.
    Conditional,
}

impl StoreOperation {
    /// Every operation, in the order of the enum.
    const ALL: [StoreOperation; 19] = [
        StoreOperation::ReadRow,
        StoreOperation::WriteRows,
        StoreOperation::ScanRows,
        StoreOperation::ReadLease,
        StoreOperation::CasLease,
        StoreOperation::AddWakeUps,
        StoreOperation::ScanWakeUps,
        StoreOperation::ReadLedger,
        StoreOperation::CasLedger,
        StoreOperation::ScanLedger,
        StoreOperation::WriteDecisions,
        StoreOperation::ReadDecisions,
        StoreOperation::WriteTurns,
        StoreOperation::EraseTurns,
        StoreOperation::ReadTurns,
        StoreOperation::AddLinks,
        StoreOperation::FindLinks,
        StoreOperation::ReadAgreement,
        StoreOperation::CasAgreement,
    ];

    /// Returns the name used as label.
    pub fn as_str(self) -> &'static str {
        match self {
            StoreOperation::ReadRow => "read_row",
            StoreOperation::WriteRows => "write_rows",
            StoreOperation::ScanRows => "scan_rows",
            StoreOperation::ReadLease => "read_lease",
            StoreOperation::CasLease => "cas_lease",
            StoreOperation::AddWakeUps => "add_wake_ups",
            StoreOperation::ScanWakeUps => "scan_wake_ups",
            StoreOperation::ReadLedger => "read_ledger",
            StoreOperation::CasLedger => "cas_ledger",
            StoreOperation::ScanLedger => "scan_ledger",
            StoreOperation::WriteDecisions => "write_decisions",
            StoreOperation::ReadDecisions => "read_decisions",
            StoreOperation::WriteTurns => "write_turns",
            StoreOperation::EraseTurns => "erase_turns",
            StoreOperation::ReadTurns => "read_turns",
            StoreOperation::AddLinks => "add_links",
            StoreOperation::FindLinks => "find_links",
            StoreOperation::ReadAgreement => "read_agreement",
            StoreOperation::CasAgreement => "cas_agreement",
        }
    }

    /// Returns what the operation is bounded with.
    pub fn lane(self) -> StoreLane {
        match self {
            StoreOperation::WriteRows
            | StoreOperation::AddWakeUps
            | StoreOperation::WriteDecisions
            | StoreOperation::WriteTurns
            | StoreOperation::EraseTurns
            | StoreOperation::AddLinks => StoreLane::Write,
            StoreOperation::ReadRow
            | StoreOperation::ScanRows
            | StoreOperation::ScanWakeUps
            | StoreOperation::ScanLedger
            | StoreOperation::ReadDecisions
            | StoreOperation::ReadTurns
            | StoreOperation::FindLinks => StoreLane::Read,
            StoreOperation::ReadLease
            | StoreOperation::CasLease
            | StoreOperation::ReadLedger
            | StoreOperation::CasLedger
            | StoreOperation::ReadAgreement
            | StoreOperation::CasAgreement => StoreLane::Conditional,
        }
    }
}

impl StoreLane {
    /// Every lane, in the order of the enum.
    const ALL: [StoreLane; 3] = [StoreLane::Write, StoreLane::Read, StoreLane::Conditional];

    /// Returns the name used as label.
    pub fn as_str(self) -> &'static str {
        match self {
            StoreLane::Write => "write",
            StoreLane::Read => "read",
            StoreLane::Conditional => "conditional",
        }
    }
}

/// Gauges, counters and times of requests to a store on servers.
#[derive(Clone)]
pub struct StoreCalls {
    /// In the order of [`StoreOperation::ALL`].
    seconds: [Histogram; 19],
    failed: IntCounterVec,
    /// In the order of [`StoreLane::ALL`].
    in_flight: [IntGauge; 3],
    retried: IntCounter,
    batch_rows: Histogram,
    batch_bytes: Histogram,
}

impl StoreCalls {
    pub(super) fn new(make: &Make<'_>) -> Self {
        let seconds = make.histograms(STORE_SECONDS, "Time until a store on servers answered", "operation");
        let in_flight =
            make.gauges(STORE_IN_FLIGHT, "Requests to a store on servers not yet answered", "lane");
        let labels = ["operation", "kind"];
        let rows = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0, 200.0];
        let bytes = [256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0];
        Self {
            seconds: StoreOperation::ALL.map(|operation| seconds.with_label_values(&[operation.as_str()])),
            failed: make.counters(STORE_FAILED, "Requests to a store on servers that failed", &labels),
            in_flight: StoreLane::ALL.map(|lane| in_flight.with_label_values(&[lane.as_str()])),
            retried: make.counter(STORE_RETRIED, "Requests that the driver repeated by itself"),
            batch_rows: make.histogram_of(STORE_BATCH_ROWS, "Rows of one batch", &rows),
            batch_bytes: make.histogram_of(STORE_BATCH_BYTES, "Bytes of the rows of one batch", &bytes),
        }
    }

    /// Counts a request that was sent.
    pub fn began(&self, lane: StoreLane) {
        self.in_flight[lane as usize].inc();
    }

    /// Counts a request that was answered or given up; `failed` tells how a caller goes on after an error.
    pub fn ended(&self, operation: StoreOperation, took: Duration, failed: Option<Kind>) {
        self.in_flight[operation.lane() as usize].dec();
        self.seconds[operation as usize].observe(took.as_secs_f64());
        let Some(kind) = failed else { return };
        let kind = match kind {
            Kind::Retry => "retry",
            Kind::Anew => "anew",
            Kind::Reject => "reject",
            Kind::Fatal => "fatal",
        };
        self.failed.with_label_values(&[operation.as_str(), kind]).inc();
    }

    /// Counts a request that the driver repeats.
    pub fn retried(&self) {
        self.retried.inc();
    }

    /// Counts a batch that is sent.
    pub fn batch(&self, rows: usize, bytes: usize) {
        self.batch_rows.observe(rows as f64);
        self.batch_bytes.observe(bytes as f64);
    }

    /// Returns how many requests are not yet answered.
    pub fn in_flight(&self, lane: StoreLane) -> i64 {
        self.in_flight[lane as usize].get()
    }
}
