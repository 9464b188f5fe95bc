//! The tables, as numbered migrations. A migration that was released is never changed: a further one is added behind it.
//!
//! Every statement can be run twice, since a migration that was cut off is run again from its first one. `{keyspace}` stands for the
//! keyspace's name.

/// One step of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Counts from 1 without a gap.
    pub version: i32,
    /// What it brings, in a few words.
    pub name: &'static str,
    /// What it runs.
    pub statements: &'static [&'static str],
}

/// Every migration in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "customers, leases, timers, ledger, decisions, links and the agreement",
        statements: &[PROFILE, LEASE, TIMER_SLOT, TIMER, LEDGER, DECISION, LINK, AGREEMENT],
    },
    Migration { version: 2, name: "turns of conversations", statements: &[CONVERSATION] },
];

/// The tables that migrations themselves need: made before the first. The table of versions comes last, since by it one sees that the
/// others are there.
pub const GROUND: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS {keyspace}.migration_lock (name text PRIMARY KEY, owner blob)",
    "CREATE TABLE IF NOT EXISTS {keyspace}.fixed (name text PRIMARY KEY, value text)",
    "CREATE TABLE IF NOT EXISTS {keyspace}.migration \
     (version int PRIMARY KEY, name text, build text, at timestamp)",
];

/// The version that this program reads and writes.
pub fn latest() -> i32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// Customers' rows. A bucket of a partition is one CQL partition, so that a batch of its rows is one mutation. Everything but the key is
/// one cell: two writes with one timestamp, which never happens, could not mix into a row that nobody wrote. Rows are overwritten and
/// never deleted.
const PROFILE: &str = "CREATE TABLE IF NOT EXISTS {keyspace}.profile \
    (partition int, bucket smallint, customer_id text, state blob, PRIMARY KEY ((partition, bucket), customer_id))";

/// Leases: changed by compare-and-set of the whole row and nothing else.
const LEASE: &str = "CREATE TABLE IF NOT EXISTS {keyspace}.lease \
    (partition int PRIMARY KEY, epoch bigint, owner blob, written_at_max bigint, position bigint, timer_cursor bigint, reads smallint)";

/// The slots of the timer index that hold anything: a range of slots cannot be asked for by the timers' own key.
const TIMER_SLOT: &str = "CREATE TABLE IF NOT EXISTS {keyspace}.timer_slot \
    (partition int, slot bigint, PRIMARY KEY (partition, slot)) \
    WITH compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': 1}";

/// The timer index: inserted with a time to live, never deleted.
const TIMER: &str = "CREATE TABLE IF NOT EXISTS {keyspace}.timer \
    (partition int, slot bigint, due timestamp, customer_id text, PRIMARY KEY ((partition, slot), due, customer_id)) \
    WITH compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': 1}";

/// The ledger: changed by compare-and-set and nothing else. Ids are blobs, since UUIDs do not sort by their bytes.
const LEDGER: &str = "CREATE TABLE IF NOT EXISTS {keyspace}.outreach_ledger \
    (origin text, outreach_id blob, attempt int, stage tinyint, entry blob, PRIMARY KEY (origin, outreach_id))";

/// Decisions, newest first: inserted with a time to live. One cell, the same whenever it is written again.
const DECISION: &str = "CREATE TABLE IF NOT EXISTS {keyspace}.decision \
    (customer_id text, at timestamp, decision_id blob, body blob, PRIMARY KEY (customer_id, at, decision_id)) \
    WITH CLUSTERING ORDER BY (at DESC, decision_id DESC) AND compaction = \
    {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': 1}";

/// Turns of conversations, in the order of the thread: written and deleted with log time as write timestamp, so that an erase wins over
/// every turn before it, whichever comes last. One cell, the same whenever it is written again.
const CONVERSATION: &str = "CREATE TABLE IF NOT EXISTS {keyspace}.conversation \
    (customer_id text, turn int, body blob, PRIMARY KEY (customer_id, turn))";

/// What leads to customers: inserted, never deleted.
const LINK: &str = "CREATE TABLE IF NOT EXISTS {keyspace}.link \
    (kind tinyint, value_hash blob, customer_id text, PRIMARY KEY ((kind, value_hash), customer_id))";

/// What all engines go by: one row, changed by compare-and-set and nothing else.
const AGREEMENT: &str = "CREATE TABLE IF NOT EXISTS {keyspace}.agreement (name text PRIMARY KEY, body text)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_a_gap_and_can_be_run_twice() {
        for (nth, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version as usize, nth + 1);
            assert!(!migration.name.is_empty());
            for statement in migration.statements.iter().chain(GROUND) {
                assert!(
                    statement.contains(" IF NOT EXISTS ") && statement.contains("{keyspace}."),
                    "{statement}"
                );
            }
        }
    }
}
