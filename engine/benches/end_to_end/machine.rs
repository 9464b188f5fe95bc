//! The machine that figures are of, and the memory of this process.

use std::fs;
use std::num::NonZero;

use actors::port::clock::Clock;
use engine::clock::SystemClock;

/// Returns cores, processor, memory, kernel and time in one line.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = kilobytes("/proc/meminfo", "MemTotal").map_or(0, |kb| kb / 1_000_000);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let day = jiff::Timestamp::from_millisecond(SystemClock.now().0)
        .map_or_else(|_| String::new(), |now| format!("{now:.0}"));
    format!("{cores} cores of {processor}, {memory} GB, Linux {}, {day}.", kernel.trim())
}

/// Returns how much memory this process holds. Units: bytes.
pub fn resident_bytes() -> u64 {
    kilobytes("/proc/self/status", "VmRSS").unwrap_or(0) * 1_024
}

fn kilobytes(file: &str, name: &str) -> Option<u64> {
    field(file, name)?.split(' ').next()?.parse().ok()
}

/// Returns what stands behind the first `name` and its colon.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
