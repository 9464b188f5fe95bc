//! What is shown of the process and of its health. Names of a process are those that every dashboard knows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{Counter, IntGauge, IntGaugeVec};

use super::Make;

/// What a process uses now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Processor time since its start, in user and system mode.
    pub cpu: Duration,
    /// Memory that is in use.
    pub resident_bytes: u64,
    /// Memory that is addressed.
    pub virtual_bytes: u64,
    /// Threads.
    pub threads: u64,
    /// Open files and connections.
    pub open_files: u64,
    /// Open files and connections that it may have; 0 = without bound, or not known.
    pub open_files_max: u64,
}

/// The file system that a data folder lies on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// What may still be written.
    pub free_bytes: u64,
    /// All of it.
    pub size_bytes: u64,
}

/// Gauges of the process and its health.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) ready: IntGauge,
    pub(super) checks: IntGaugeVec,
    cpu: Counter,
    /// Processor time that is counted; scrapes may come at the same time.
    counted: Arc<Mutex<Duration>>,
    resident_bytes: IntGauge,
    virtual_bytes: IntGauge,
    threads: IntGauge,
    open_files: IntGauge,
    open_files_max: IntGauge,
    disk: IntGaugeVec,
}

impl Service {
    pub(super) fn new(make: &Make<'_>) -> Self {
        let info = make.gauges("care_engine_build_info", "1, by version", "version");
        info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let cpu = Counter::new("process_cpu_seconds_total", "Processor time in user and system mode");
        Self {
            ready: make.gauge("care_engine_ready", "1 when the engine does what it is there for"),
            checks: make.gauges(
                "care_engine_check_good",
                "1 when a check of the engine's health finds nothing wrong",
                "check",
            ),
            cpu: make.register(cpu),
            counted: Arc::default(),
            resident_bytes: make.gauge("process_resident_memory_bytes", "Memory in use"),
            virtual_bytes: make.gauge("process_virtual_memory_bytes", "Memory addressed"),
            threads: make.gauge("process_threads", "Threads"),
            open_files: make.gauge("process_open_fds", "Open files and connections"),
            disk: make.gauges(
                "care_engine_disk_bytes",
                "File system of the data folder: what is free, and its size",
                "part",
            ),
            open_files_max: make.gauge("process_max_fds", "Open files and connections that it may have"),
        }
    }

    pub(super) fn disk(&self, disk: &Disk) {
        for (part, bytes) in [("free", disk.free_bytes), ("size", disk.size_bytes)] {
            self.disk.with_label_values(&[part]).set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }

    pub(super) fn process(&self, process: &Process) {
        let Process { cpu, resident_bytes, virtual_bytes, threads, open_files, open_files_max } = *process;
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        self.cpu.inc_by(cpu.saturating_sub(*counted).as_secs_f64());
        *counted = cpu.max(*counted);
        for (gauge, value) in [
            (&self.resident_bytes, resident_bytes),
            (&self.virtual_bytes, virtual_bytes),
            (&self.threads, threads),
            (&self.open_files, open_files),
            (&self.open_files_max, open_files_max),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}
