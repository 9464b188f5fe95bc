//! Every statement, prepared once, with how it is tried.
//!
//! Idempotent, so that the driver may repeat them on another server: reads, writes of rows (a repetition has the same bytes and the same
//! timestamp), decisions with the timestamp of their row, turns with that of their log time, and inserts of wake-ups and links, which are
//! one cell at most and the same whenever they are written. Compare-and-set is not: it may have been applied.

use scylla::client::session::Session;
use scylla::statement::Statement;
use scylla::statement::prepared::PreparedStatement;

use super::error::Error;
use super::session::Profiles;

/// Rows of a page of what is read to its end.
const PAGE_ROWS: i32 = 1_000;

pub(super) struct Statements {
    pub(super) read_row: PreparedStatement,
    pub(super) write_row: PreparedStatement,
    pub(super) scan_rows_from: PreparedStatement,
    pub(super) scan_rows_after: PreparedStatement,
    pub(super) read_lease: PreparedStatement,
    pub(super) open_lease: PreparedStatement,
    pub(super) replace_lease: PreparedStatement,
    pub(super) add_slot: PreparedStatement,
    pub(super) add_wake_up: PreparedStatement,
    pub(super) scan_slots: PreparedStatement,
    pub(super) scan_wake_ups: PreparedStatement,
    pub(super) read_ledger: PreparedStatement,
    pub(super) open_ledger: PreparedStatement,
    pub(super) change_ledger: PreparedStatement,
    pub(super) scan_ledger_of: PreparedStatement,
    pub(super) scan_ledger: PreparedStatement,
    pub(super) write_decision: PreparedStatement,
    pub(super) read_decisions: PreparedStatement,
    pub(super) write_turn: PreparedStatement,
    pub(super) erase_turns: PreparedStatement,
    pub(super) read_turns: PreparedStatement,
    pub(super) add_link: PreparedStatement,
    pub(super) find_links: PreparedStatement,
    pub(super) read_agreement: PreparedStatement,
    pub(super) open_agreement: PreparedStatement,
    pub(super) replace_agreement: PreparedStatement,
}

/// What a statement is, and so how it is tried.
#[derive(Clone, Copy)]
enum Kind {
    Read,
    Write,
    Conditional,
    Serial,
}

struct Preparing<'a> {
    session: &'a Session,
    keyspace: &'a str,
    profiles: &'a Profiles,
}

impl Preparing<'_> {
    async fn prepare(&self, kind: Kind, text: &str) -> Result<PreparedStatement, Error> {
        let mut statement = Statement::new(text.replace("{keyspace}", self.keyspace));
        statement.set_page_size(PAGE_ROWS);
        let (profile, is_idempotent) = match kind {
            Kind::Read => (&self.profiles.read, true),
            Kind::Write => (&self.profiles.write, true),
            Kind::Conditional => (&self.profiles.conditional, false),
            Kind::Serial => (&self.profiles.serial, true),
        };
        statement.set_execution_profile_handle(Some(profile.clone()));
        statement.set_is_idempotent(is_idempotent);
        let prepared = self.session.prepare(statement).await;
        prepared.map_err(|source| Error::Statement {
            what: format!("prepare a statement for keyspace {}", self.keyspace),
            source: Box::new(source),
        })
    }
}

impl Statements {
    /// Prepares all of them.
    ///
    /// Errors: a server refuses one, as when the user may not read or write a table.
    pub(super) async fn prepare(
        session: &Session,
        keyspace: &str,
        profiles: &Profiles,
    ) -> Result<Self, Error> {
        let of = Preparing { session, keyspace, profiles };
        Ok(Self {
            read_row: of.prepare(Kind::Read, READ_ROW).await?,
            write_row: of.prepare(Kind::Write, WRITE_ROW).await?,
            scan_rows_from: of.prepare(Kind::Read, SCAN_ROWS_FROM).await?,
            scan_rows_after: of.prepare(Kind::Read, SCAN_ROWS_AFTER).await?,
            read_lease: of.prepare(Kind::Serial, READ_LEASE).await?,
            open_lease: of.prepare(Kind::Conditional, OPEN_LEASE).await?,
            replace_lease: of.prepare(Kind::Conditional, REPLACE_LEASE).await?,
            add_slot: of.prepare(Kind::Write, ADD_SLOT).await?,
            add_wake_up: of.prepare(Kind::Write, ADD_WAKE_UP).await?,
            scan_slots: of.prepare(Kind::Read, SCAN_SLOTS).await?,
            scan_wake_ups: of.prepare(Kind::Read, SCAN_WAKE_UPS).await?,
            read_ledger: of.prepare(Kind::Serial, READ_LEDGER).await?,
            open_ledger: of.prepare(Kind::Conditional, OPEN_LEDGER).await?,
            change_ledger: of.prepare(Kind::Conditional, CHANGE_LEDGER).await?,
            scan_ledger_of: of.prepare(Kind::Read, SCAN_LEDGER_OF).await?,
            scan_ledger: of.prepare(Kind::Read, SCAN_LEDGER).await?,
            write_decision: of.prepare(Kind::Write, WRITE_DECISION).await?,
            read_decisions: of.prepare(Kind::Read, READ_DECISIONS).await?,
            write_turn: of.prepare(Kind::Write, WRITE_TURN).await?,
            erase_turns: of.prepare(Kind::Write, ERASE_TURNS).await?,
            read_turns: of.prepare(Kind::Read, READ_TURNS).await?,
            add_link: of.prepare(Kind::Write, ADD_LINK).await?,
            find_links: of.prepare(Kind::Read, FIND_LINKS).await?,
            read_agreement: of.prepare(Kind::Serial, READ_AGREEMENT).await?,
            open_agreement: of.prepare(Kind::Conditional, OPEN_AGREEMENT).await?,
            replace_agreement: of.prepare(Kind::Conditional, REPLACE_AGREEMENT).await?,
        })
    }
}

const READ_ROW: &str =
    "SELECT state FROM {keyspace}.profile WHERE partition = ? AND bucket = ? AND customer_id = ?";
const WRITE_ROW: &str = "INSERT INTO {keyspace}.profile (partition, bucket, customer_id, state) \
     VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
const SCAN_ROWS_FROM: &str = "SELECT customer_id, state FROM {keyspace}.profile \
     WHERE partition = ? AND bucket = ? AND customer_id >= ? LIMIT ?";
const SCAN_ROWS_AFTER: &str = "SELECT customer_id, state FROM {keyspace}.profile \
     WHERE partition = ? AND bucket = ? AND customer_id > ? LIMIT ?";

const READ_LEASE: &str = "SELECT epoch, owner, written_at_max, position, timer_cursor, reads \
     FROM {keyspace}.lease WHERE partition = ?";
const OPEN_LEASE: &str = "INSERT INTO {keyspace}.lease \
     (partition, epoch, owner, written_at_max, position, timer_cursor, reads) VALUES (?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS";
const REPLACE_LEASE: &str = "UPDATE {keyspace}.lease \
     SET epoch = ?, owner = ?, written_at_max = ?, position = ?, timer_cursor = ?, reads = ? WHERE partition = ? \
     IF epoch = ? AND owner = ? AND written_at_max = ? AND position = ? AND timer_cursor = ? AND reads = ?";

const ADD_SLOT: &str = "INSERT INTO {keyspace}.timer_slot (partition, slot) VALUES (?, ?) USING TTL ?";
const ADD_WAKE_UP: &str = "INSERT INTO {keyspace}.timer (partition, slot, due, customer_id) \
     VALUES (?, ?, ?, ?) USING TTL ?";
const SCAN_SLOTS: &str =
    "SELECT slot FROM {keyspace}.timer_slot WHERE partition = ? AND slot >= ? AND slot < ?";
const SCAN_WAKE_UPS: &str = "SELECT due, customer_id FROM {keyspace}.timer WHERE partition = ? AND slot = ?";

const READ_LEDGER: &str = "SELECT entry FROM {keyspace}.outreach_ledger WHERE origin = ? AND outreach_id = ?";
const OPEN_LEDGER: &str = "INSERT INTO {keyspace}.outreach_ledger \
     (origin, outreach_id, attempt, stage, entry) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS USING TTL ?";
const CHANGE_LEDGER: &str = "UPDATE {keyspace}.outreach_ledger USING TTL ? \
     SET attempt = ?, stage = ?, entry = ? WHERE origin = ? AND outreach_id = ? IF attempt = ? AND stage = ?";
const SCAN_LEDGER_OF: &str = "SELECT entry FROM {keyspace}.outreach_ledger WHERE origin = ? LIMIT ?";
const SCAN_LEDGER: &str = "SELECT entry FROM {keyspace}.outreach_ledger LIMIT ?";

const WRITE_DECISION: &str = "INSERT INTO {keyspace}.decision (customer_id, at, decision_id, body) \
     VALUES (?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?";
const READ_DECISIONS: &str = "SELECT body FROM {keyspace}.decision WHERE customer_id = ?";

const WRITE_TURN: &str =
    "INSERT INTO {keyspace}.conversation (customer_id, turn, body) VALUES (?, ?, ?) USING TIMESTAMP ?";
const ERASE_TURNS: &str =
    "DELETE FROM {keyspace}.conversation USING TIMESTAMP ? WHERE customer_id = ? AND turn < ?";
const READ_TURNS: &str = "SELECT body FROM {keyspace}.conversation WHERE customer_id = ? AND turn >= ?";

const ADD_LINK: &str =
    "INSERT INTO {keyspace}.link (kind, value_hash, customer_id) VALUES (?, ?, ?) USING TTL ?";
const FIND_LINKS: &str = "SELECT customer_id FROM {keyspace}.link WHERE kind = ? AND value_hash = ? LIMIT ?";

const READ_AGREEMENT: &str = "SELECT body FROM {keyspace}.agreement WHERE name = 'all'";
const OPEN_AGREEMENT: &str = "INSERT INTO {keyspace}.agreement (name, body) VALUES ('all', ?) IF NOT EXISTS";
const REPLACE_AGREEMENT: &str = "UPDATE {keyspace}.agreement SET body = ? WHERE name = 'all' IF body = ?";
