//! What a core has done and how full it is: for metrics, summaries, and whoever waits until nothing is left to do.

use std::ops::{Add, Sub};

use schemas::customer::{TalkTally, Tally};
use schemas::ids::Position;
use schemas::time::Timestamp;

use super::Core;
use super::entry::Open;

macro_rules! counts {
    ($($(#[doc = $doc:expr])+ $name:ident,)+) => {
        /// What a core has done. Counts only rise.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Add for Counts {
            type Output = Counts;
            fn add(self, other: Counts) -> Counts {
                Counts { $($name: self.$name + other.$name,)+ }
            }
        }

        impl Sub for Counts {
            type Output = Counts;
            fn sub(self, earlier: Counts) -> Counts {
                Counts { $($name: self.$name.saturating_sub(earlier.$name),)+ }
            }
        }
    };
}

counts! {
    /// Records of events that were folded, or forwarded by an alias; again where a panic or a new assignment had lost it.
    applied,
    /// Records at or below a mark: already applied.
    replayed,
    /// Records of events whose message id was seen before.
    duplicate,
    /// Events beyond the late bound, among those applied.
    late,
    /// Events with a clamped stamp, among those applied.
    clamped,
    /// Messages of other rows, outcomes and commands that were applied.
    told,
    /// Messages, outcomes and scores that no row awaited.
    unawaited,
    /// Turns of customers.
    turns_said,
    /// Turns of the bot.
    turns_answered,
    /// Turns of agents.
    turns_spoken,
    /// Outreach that opened in a thread.
    turns_opened,
    /// Take-overs and hand-backs.
    hands_changed,
    /// Messages that joined a burst.
    coalesced,
    /// Answers that threads asked for.
    questions,
    /// Questions of threads closed before their answer came.
    cancelled,
    /// Answers that were not taken: their question was not open any more.
    stale,
    /// Messages, outreach and changes of hands that were told before, or changed nothing.
    repeated,
    /// Messages above the bound of a minute, outreach for the suppressed.
    refused,
    /// Records read the first time.
    read,
    /// Records that could not be decoded, or that a customer panicked on twice.
    dead_lettered,
    /// Records of other partitions' customers, relayed there.
    strayed,
    /// Turns given.
    turns,
    /// Rows handed to the store.
    rows,
    /// Rows read.
    loads,
    /// Records relayed.
    relayed,
    /// Customers woken by a timer.
    wakes,
    /// Customers that panicked.
    panics,
    /// Customers passivated.
    passivated,
    /// Scores asked for.
    asks,
    /// Calls that failed and were or are made again.
    retries,
}

impl Counts {
    /// Adds what one turn's transitions counted.
    pub(super) fn tally(&mut self, tally: &Tally) {
        let Tally { applied, replayed, duplicate, late, clamped, told, unawaited, talk } = *tally;
        self.applied += u64::from(applied);
        self.replayed += u64::from(replayed);
        self.duplicate += u64::from(duplicate);
        self.late += u64::from(late);
        self.clamped += u64::from(clamped);
        self.told += u64::from(told);
        self.unawaited += u64::from(unawaited);
        if talk != TalkTally::default() {
            self.tally_talk(&talk);
        }
    }

    fn tally_talk(&mut self, tally: &TalkTally) {
        let TalkTally { said, answered, spoken, opened, changed, .. } = *tally;
        let TalkTally { coalesced, asked, cancelled, stale, repeated, refused, .. } = *tally;
        self.turns_said += u64::from(said);
        self.turns_answered += u64::from(answered);
        self.turns_spoken += u64::from(spoken);
        self.turns_opened += u64::from(opened);
        self.hands_changed += u64::from(changed);
        self.coalesced += u64::from(coalesced);
        self.questions += u64::from(asked);
        self.cancelled += u64::from(cancelled);
        self.stale += u64::from(stale);
        self.repeated += u64::from(repeated);
        self.refused += u64::from(refused);
    }
}

/// How full a core is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Live customers.
    pub live: usize,
    /// Their approximate memory. Units: bytes.
    pub weight: usize,
    /// Customers whose row differs from the durable one.
    pub dirty: usize,
    /// Records that wait for their customer.
    pub waiting: usize,
    /// Rows being read, those that wait for a write to settle included.
    pub loading: usize,
    /// Customers that have a turn.
    pub busy: usize,
    /// Scores asked for and not applied.
    pub asks: usize,
    /// Dead letters under way.
    pub letters: usize,
    /// Records of other partitions' customers that are not relayed.
    pub strays: usize,
    /// Writes in flight.
    pub groups: usize,
    /// Outbox entries that are not relayed.
    pub unsent: usize,
    /// Outbox entries that are relayed and not cleared.
    pub uncleared: usize,
    /// Wake-ups that log time has passed, as far as it is known; at least one while the timer index is not read that far.
    pub overdue: usize,
    /// The next record to be read.
    pub next: Position,
    /// Log time to which timers may fire: everything stamped before it was read; `None` until that is known.
    pub log_time: Option<Timestamp>,
    /// The position confirmed in the lease row.
    pub confirmed: Position,
}

impl Levels {
    /// Returns true when nothing is under way or due but rows that wait for their flush: nothing will change until a record comes,
    /// or time passes.
    pub fn is_quiet(&self) -> bool {
        self.waiting == 0
            && self.loading == 0
            && self.busy == 0
            && self.asks == 0
            && self.letters == 0
            && self.strays == 0
            && self.unsent == 0
            && self.overdue == 0
    }

    /// Returns true when it is quiet, every row is durable and everything read is confirmed.
    pub fn is_settled(&self) -> bool {
        self.is_quiet()
            && self.dirty == 0
            && self.groups == 0
            && self.uncleared == 0
            && self.confirmed >= self.next
    }
}

impl Core {
    /// Returns what the core has done.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns how full the core is.
    pub fn levels(&self) -> Levels {
        let Open { unsent, uncleared, asks } = self.open;
        Levels {
            live: self.live.len(),
            weight: self.weight,
            dirty: self.flush.dirty,
            waiting: self.feed.waiting,
            loading: self.feed.loading + self.flush.settling.len(),
            busy: self.busy,
            asks,
            letters: self.feed.letters_open(),
            strays: self.strays.open(),
            groups: self.flush.groups_open(),
            unsent,
            uncleared,
            overdue: self.overdue(),
            next: self.feed.next,
            log_time: self.log_time(),
            confirmed: self.lease.row.position,
        }
    }

    /// Counts again what the customer at `index` has open.
    pub(super) fn recount(&mut self, index: u32) {
        let entry = self.at(index);
        let open = entry.open_now();
        let known = std::mem::replace(&mut entry.open, open);
        if known != open {
            self.open.replace(known, open);
        }
    }
}
