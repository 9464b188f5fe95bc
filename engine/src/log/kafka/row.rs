//! Records on their way to the brokers, and the header of those that were played from a file: which row of which file it is.

use actors::port::log::NewRecord;
use schemas::time::Timestamp;

/// Name of the header of a record that was played from a file.
pub(super) const ROW: &str = "care-row";

/// A record to be sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The record.
    pub(super) record: NewRecord,
    /// Its stamp, where that is not the brokers' to give.
    pub(super) stamp: Option<Timestamp>,
    /// The row that it was made of.
    pub(super) row: Option<Row>,
}

/// A row of a file, as its record names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Fingerprint of the file.
    pub(super) source: u64,
    /// Its number in the file.
    pub(super) number: u64,
    /// Log time to which everything was in the log when it was sent.
    pub(super) reached: Timestamp,
}

impl Outgoing {
    /// Returns a record that no file holds, to be stamped by the brokers.
    pub(super) fn of(record: NewRecord) -> Self {
        Self { record, stamp: None, row: None }
    }
}

impl Row {
    /// Returns the value of the header.
    pub(super) fn write(&self) -> String {
        format!("{:016x} {} {}", self.source, self.number, self.reached.0)
    }

    /// Returns what a header says; `None` for another header, and for one that nobody here wrote.
    pub(super) fn read(key: &str, value: Option<&[u8]>) -> Option<Self> {
        let text = std::str::from_utf8(value.filter(|_| key == ROW)?).ok()?;
        let mut words = text.split(' ');
        let source = u64::from_str_radix(words.next()?, 16).ok()?;
        let number = words.next()?.parse().ok()?;
        let reached = Timestamp(words.next()?.parse().ok()?);
        words.next().is_none().then_some(Self { source, number, reached })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_nothing_else() {
        for (source, number, reached) in [(0, 0, 0), (u64::MAX, u64::MAX, i64::MAX), (7, 9, i64::MIN)] {
            let row = Row { source, number, reached: Timestamp(reached) };
            assert_eq!(Row::read(ROW, Some(row.write().as_bytes())), Some(row));
        }
        let hostile: [&[u8]; 7] = [b"", b"7", b"7 9", b"7 9 x", b"7 -1 0", b"7 9 0 1", b"\xff 9 0"];
        for value in hostile {
            assert_eq!(Row::read(ROW, Some(value)), None, "{value:?}");
        }
        assert_eq!((Row::read(ROW, None), Row::read("care-kind", Some(b"7 9 0"))), (None, None));
    }
}
