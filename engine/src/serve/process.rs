//! What the operating system says of this process and of the disk below it, and the one thing that is asked of it.

use std::fs;
use std::path::Path;

use actors::metrics::{Disk, Process};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::clock::process_cpu;

/// Returns what the process uses now. What the system does not tell is 0.
pub(super) fn sample() -> Process {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    Process {
        cpu: process_cpu(),
        resident_bytes: number(&status, "VmRSS:") * 1_024,
        virtual_bytes: number(&status, "VmSize:") * 1_024,
        threads: number(&status, "Threads:"),
        // Without the one that the look itself opens.
        open_files: fs::read_dir("/proc/self/fd").map_or(0, |files| files.count().saturating_sub(1) as u64),
        open_files_max: number(&limits, "Max open files"),
    }
}

/// Raises the bound of open files to what the system allows this process: each page that listens is one, and a shell often starts programs
/// with 1,024. Where it cannot be raised, it stays, and is said.
pub(super) fn allow_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, ?current, "the bound of open files cannot be raised");
    }
}

/// Returns how full the file system of a folder is; `None` when the system does not tell.
pub(super) fn disk(folder: &Path) -> Option<Disk> {
    let of = rustix::fs::statvfs(folder).ok()?;
    // What only the system's administrator may still write counts as taken.
    Some(Disk { free_bytes: of.f_bavail * of.f_frsize, size_bytes: of.f_blocks * of.f_frsize })
}

/// Returns the first number behind a name at the beginning of a line.
fn number(text: &str, name: &str) -> u64 {
    let rest = text.lines().find_map(|line| line.strip_prefix(name));
    rest.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_it_uses() {
        let Process { cpu, resident_bytes, virtual_bytes, threads, open_files, open_files_max } = sample();
        assert!(!cpu.is_zero() && threads >= 1 && open_files >= 3 && open_files < open_files_max);
        assert!((1 << 20..virtual_bytes).contains(&resident_bytes), "{resident_bytes}");
    }

    #[test]
    fn as_many_files_may_be_open_as_the_system_allows() {
        allow_open_files();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
        assert_eq!(sample().open_files_max, maximum.unwrap_or(0));
    }

    #[test]
    fn a_disk_has_a_size_and_what_is_not_there_has_none() {
        let Disk { free_bytes, size_bytes } = disk(Path::new("/")).expect("there is a root");
        assert!(size_bytes > 0 && free_bytes <= size_bytes);
        assert_eq!(disk(Path::new("/nowhere/at/all")), None);
    }

    #[test]
    fn what_is_not_told_is_nothing() {
        assert_eq!(number("VmRSS:\t  12 kB\nThreads:\t3", "Threads:"), 3);
        assert_eq!(number("Max open files   unlimited unlimited", "Max open files"), 0);
        assert_eq!(number("", "VmRSS:"), 0);
    }
}
