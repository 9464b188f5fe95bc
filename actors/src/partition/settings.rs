//! Bounds and intervals of a partition, and the switches of its rules.

use std::time::Duration;

use schemas::time::Span;

use crate::switches::switches;

/// Bounds and intervals of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Records asked for by one fetch.
    pub fetch_max: usize,
    /// Records that wait for their customer's turn; above it no fetch is begun.
    pub waiting_max: usize,
    /// Customer rows being loaded at once; above it no fetch is begun.
    pub loading_max: usize,
    /// Customers whose row differs from the stored one; above it no fetch is begun and quiet rows are flushed.
    pub dirty_max: usize,
    /// Live customers; above it clean ones are passivated whatever their age.
    pub live_max: usize,
    /// Approximate memory of the live customers. Units: bytes.
    pub memory_max_bytes: usize,
    /// A clean customer that nobody asked for this long is passivated.
    pub idle: Duration,
    /// Quiet rows wait at least this long for the next flush.
    pub flush_quiet: Duration,
    /// Quiet rows wait at most this long.
    pub flush_quiet_max: Duration,
    /// Urgent rows wait at most this long for others of their group.
    pub flush_urgent: Duration,
    /// Rows of one write to the store.
    pub group_rows_max: usize,
    /// Writes to the store in flight, of urgent rows and as many of quiet ones.
    pub groups_max: usize,
    /// Records of one relay to a topic.
    pub relay_max: usize,
    /// Time that one range of write timestamps and one confirmation of the lease are good for.
    pub lease: Duration,
    /// The lease is confirmed at least this often, whether or not anything moved.
    pub lease_renew: Duration,
    /// The lease is confirmed at most this often.
    pub confirm: Duration,
    /// The position confirmed is what was safe this long ago by the boot-time clock: what the store may lose after it acknowledged.
    pub replay_margin: Duration,
    /// Wait before a failed call is made again.
    pub retry: Duration,
    /// Wait for a score before the head's prior stands in.
    pub score_deadline: Duration,
    /// A customer's next record waits for its open score: a backtest says the same whatever the machine's speed.
    pub hold_for_score: bool,
    /// Due timers are looked for this often.
    pub timer_grid: Duration,
    /// The timer index is written at most this far ahead.
    pub timer_ahead: Span,
    /// A graceful revocation ends after this long, drained or not.
    pub drain: Duration,
    /// Invalid records in a row that stop the partition.
    pub invalid_run_max: u32,
    /// Invalid records among [`INVALID_WINDOW`] that stop the partition.
    pub invalid_max: u32,
}

/// Records over which invalid ones are counted.
pub const INVALID_WINDOW: u32 = 10_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            fetch_max: 2_000,
            waiting_max: 4_000,
            loading_max: 1_000,
            dirty_max: 50_000,
            live_max: 250_000,
            memory_max_bytes: 1 << 30,
            idle: Duration::from_secs(5 * 60),
            flush_quiet: Duration::from_secs(1),
            flush_quiet_max: Duration::from_secs(10),
            flush_urgent: Duration::from_millis(5),
            group_rows_max: 1_024,
            groups_max: 4,
            relay_max: 1_024,
            lease: Duration::from_secs(30),
            lease_renew: Duration::from_secs(10),
            confirm: Duration::from_secs(1),
            replay_margin: Duration::from_secs(15),
            retry: Duration::from_millis(200),
            score_deadline: Duration::from_millis(50),
            hold_for_score: false,
            timer_grid: Duration::from_millis(250),
            timer_ahead: Span::days(30),
            drain: Duration::from_secs(10),
            invalid_run_max: 100,
            invalid_max: INVALID_WINDOW / 100,
        }
    }
}

switches! {
    /// One switch per rule of the protocol, all on. They exist to be taken away one at a time: the simulator shows that each is needed.
    pub struct Rules {
        /// The position passes only what is durable (I1).
        position_waits_for_row,
        /// The position waits for the relay of what a record caused (I1).
        position_waits_for_relay,
        /// One append holds one message of a row to another (I3): of a failed append the log may hold the later and not the earlier.
        messages_of_a_pair_apart,
        /// A record that stands in another partition than its customer's is relayed there, never folded here.
        strays_relayed,
        /// The position waits for the relay of such a record (I1).
        position_waits_for_stray,
        /// One append holds one such record of each customer (I3): of a failed append the log may hold the later and not the earlier.
        strays_of_a_customer_apart,
        /// The position waits for the score that a record asked for (I1).
        position_waits_for_score,
        /// An epoch starts from the position in the lease row, not from the group's commit (I1).
        position_in_lease,
        /// Write timestamps of a later epoch lie above those of every earlier one (I4).
        disjoint_ranges,
        /// The lease's owner is a random value of the attempt, not the name of the instance.
        random_owner,
        /// A reply for an earlier incarnation of a customer is dropped, and the customer is loaded again only when this owner's writes of
        /// its row are settled (I6). One rule: either half alone keeps an old acknowledgement from the new incarnation.
        incarnations_apart,
        /// Only what stands in an acknowledged row is relayed (I7).
        relay_after_row,
        /// An epoch record is appended to the topics of what leaves (I7).
        epoch_record,
        /// No row is read before the epoch record is acknowledged (I7).
        rows_after_epoch_record,
        /// A row of an older epoch is written again before anything is relayed from it or the position passes it (I7).
        older_rows_rewritten,
        /// Also where it has no outbox (part of I7).
        older_rows_without_outbox_rewritten,
        /// An outbox entry is cleared only after a confirmation begun after its relay's acknowledgement (I7).
        clear_after_confirmation,
        /// The timer index is written before the row (I8).
        index_before_row,
        /// A wake-up clears the row's index entry, so that the next is armed before the cursor passes (I8).
        wake_up_rearms,
        /// The timer cursor waits until what a wake-up did is durable and relayed (I8).
        cursor_waits,
        /// What a timer does that no index row covers is held by the row's records (I8).
        uncovered_timer_held,
        /// A timer fires only when the log has been read past its due time, not by the wall clock.
        timers_by_log_time,
        /// A panic seeks back to the position.
        panic_seeks_back,
        /// Only a clean customer is passivated.
        passivate_clean,
        /// The position confirmed is what was safe a margin ago.
        replay_margin,
        /// The owner stops when the store may have lost acknowledged writes.
        stop_on_lost_tail,
    }
}
