//! Failures of the machine: full disks, wrong settings, callers who go away.
