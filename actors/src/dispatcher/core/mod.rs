//! The core of one dispatcher: a state machine over inputs, without I/O, without a clock and without chance.
//!
//! In the order of an outreach: [`feed`] reads records, sets aside what is none and ignores fenced epochs; [`flight`] brings one
//! outreach through reservation, last look, call, conclusion and report; [`standing`] says what a ledger entry means for an attempt.
//! Records end out of order; the position committed is the lowest that is not at its end.

mod feed;
mod flight;
mod standing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use schemas::ids::{OutreachId, PartitionId, Position};
use schemas::rulebook::Rulebook;

use self::feed::Feed;
use self::flight::Flight;
use super::protocol::{Action, Done, End, Failure, Input, Io, Noted, Now};
use super::settings::{Promises, Rules, Settings};
use crate::port::Kind;
use crate::port::agreement::Restored;
use crate::port::log::Commit;
use crate::port::store::Cas;

/// What a core is made of.
#[derive(Clone, Debug)]
pub struct Params {
    /// The partition of care.outreach that was assigned.
    pub partition: PartitionId,
    /// Partitions of every topic, for rows and outcomes.
    pub partitions: u32,
    /// Bounds and intervals.
    pub settings: Settings,
    /// Rules, all on but in a simulator.
    pub rules: Rules,
    /// What the channels there are promise, by name.
    pub promises: Promises,
    /// What the last look goes by.
    pub book: Arc<Rulebook>,
    /// How the shop was restored, if it was.
    pub restored: Option<Restored>,
}

/// The core of the dispatcher of one partition during one assignment.
pub struct Core {
    params: Params,
    /// Name of this dispatcher in the ledger.
    nonce: u128,
    now: Now,
    phase: Phase,
    /// What this input asks for; handed out at its end.
    actions: Vec<Action>,
    /// Calls to be made at that time: failed ones again, and looks at what another dispatcher does.
    retries: Vec<(Duration, Io)>,
    feed: Feed,
    /// Records that are not at their end, by position.
    open: BTreeMap<Position, Open>,
    /// How many open records there are of an id.
    ids: FxHashMap<OutreachId, u32>,
    commits: Commits,
}

/// A record that is not at its end.
enum Open {
    /// Its dead letter is under way.
    Letter,
    /// An outreach.
    Flight(Box<Flight>),
}

/// What was committed.
#[derive(Debug, Default)]
struct Commits {
    /// As far as the log acknowledged.
    durable: Commit,
    /// Under way.
    under_way: bool,
    /// When the last one began, since boot.
    begun: Duration,
    /// The last one of a stop was tried.
    last_tried: bool,
}

/// Where an assignment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not started.
    New,
    /// Reading where the last dispatcher came to.
    Starting,
    /// At work.
    Running,
    /// To end when nothing is in flight, at that time at the latest.
    Stopping {
        /// Since boot.
        until: Duration,
    },
    /// Over.
    Ended,
}

/// How far a dispatcher is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// The next record to be read; `None` until it is known where to start.
    pub next: Option<Position>,
    /// Everything below it is at its end.
    pub position: Position,
    /// Records in flight.
    pub open: usize,
    /// What is committed.
    pub committed: Commit,
}

impl Core {
    /// Returns the core of a dispatcher that was given a partition.
    pub fn new(params: Params) -> Self {
        Self {
            params,
            nonce: 0,
            now: Now::default(),
            phase: Phase::New,
            actions: Vec::new(),
            retries: Vec::new(),
            feed: Feed::default(),
            open: BTreeMap::new(),
            ids: FxHashMap::default(),
            commits: Commits::default(),
        }
    }

    /// Handles one input and adds what is to be done about it to `actions`, in order.
    pub fn handle(&mut self, now: Now, input: Input, actions: &mut Vec<Action>) {
        if self.phase == Phase::Ended {
            return;
        }
        std::mem::swap(&mut self.actions, actions);
        self.now = Now { wall: now.wall, boot: now.boot.max(self.now.boot) };
        match input {
            Input::Start { nonce } => self.start(nonce),
            Input::Tick => self.tick(),
            Input::Stop => self.stop(),
            Input::Done(done) => self.done(done),
            Input::Failed(io, failure) => self.failed(*io, failure),
        }
        self.pump();
        std::mem::swap(&mut self.actions, actions);
    }

    /// Returns when the next [`Input::Tick`] is due at the latest, since boot.
    pub fn deadline(&self) -> Option<Duration> {
        let commits = self.phase == Phase::Running && !self.commits.under_way;
        let commit = commits.then(|| self.commits.begun + self.pause());
        let drained = match self.phase {
            Phase::Stopping { until } => Some(until),
            Phase::New | Phase::Starting | Phase::Running | Phase::Ended => None,
        };
        let retry = self.retries.iter().map(|(at, _)| *at).min();
        [commit, drained, retry].into_iter().flatten().min()
    }

    /// Returns how far the dispatcher is.
    pub fn levels(&self) -> Levels {
        Levels {
            next: self.at_work().then_some(self.feed.next),
            position: self.position(),
            open: self.open.len(),
            committed: self.commits.durable,
        }
    }

    fn at_work(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Stopping { .. })
    }

    fn start(&mut self, nonce: u128) {
        self.nonce = nonce;
        self.phase = Phase::Starting;
        self.act(Io::ReadCommit);
    }

    fn started(&mut self, commit: Commit) {
        self.phase = Phase::Running;
        self.commits = Commits { durable: commit, begun: self.now.boot, ..Commits::default() };
        self.feed.start(commit, self.params.rules.epoch_kept);
    }

    fn stop(&mut self) {
        match self.phase {
            Phase::New | Phase::Starting => self.end(End::Stopped),
            Phase::Running => {
                self.phase = Phase::Stopping { until: self.now.boot + self.params.settings.drain }
            }
            Phase::Stopping { .. } | Phase::Ended => {}
        }
    }

    fn tick(&mut self) {
        let boot = self.now.boot;
        let due: Vec<Io> = self.retries.extract_if(.., |(at, _)| *at <= boot).map(|(_, io)| io).collect();
        self.actions.extend(due.into_iter().map(Action::Do));
    }

    /// Begins what the state after any input allows.
    fn pump(&mut self) {
        match self.phase {
            Phase::Running => {
                self.fetch();
                if !self.commits.under_way && self.now.boot >= self.commits.begun + self.pause() {
                    self.commit();
                }
            }
            Phase::Stopping { until } => self.finish_stopping(until),
            Phase::New | Phase::Starting | Phase::Ended => {}
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Commit(commit) => self.started(commit),
            Done::Fetched { from, fetched } => self.fetched(from, fetched),
            Done::Committed(commit) => {
                self.commits.under_way = false;
                self.commits.durable = commit;
            }
            Done::DeadLettered(position) => {
                self.open.remove(&position);
            }
            Done::Ledger { position, entry } => self.judge(position, entry),
            Done::Changed { position, change, cas: Cas::Applied } => self.applied(position, &change),
            Done::Changed { position, change: _, cas: Cas::Refused(entry) } => self.judge(position, entry),
            Done::Row { position, customer, row } => self.row_read(position, customer, row),
            Done::Called { position, answer } => self.called(position, answer),
            Done::Reported(position) => self.reported(position),
        }
    }

    fn failed(&mut self, io: Io, failure: Failure) {
        match (failure.kind(), io) {
            // What a dispatcher does is safe in whoever's hands, by the ledger: it goes on until it is told to stop.
            (Kind::Retry | Kind::Anew, Io::Commit(_)) => self.commits.under_way = false,
            (Kind::Retry | Kind::Anew, Io::Change { position, change }) => {
                self.change_unknown(position, &change);
            }
            (Kind::Retry | Kind::Anew, io) => self.again(self.params.settings.retry, io),
            (Kind::Reject | Kind::Fatal, _) => self.end(End::Failed(failure.to_string())),
        }
    }

    /// Makes a call after a pause.
    fn again(&mut self, pause: Duration, io: Io) {
        self.retries.push((self.now.boot + pause, io));
    }

    fn act(&mut self, io: Io) {
        self.actions.push(Action::Do(io));
    }

    fn count(&mut self, noted: Noted) {
        self.actions.push(Action::Count(noted));
    }

    fn end(&mut self, end: End) {
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            self.actions.push(Action::End(end));
        }
    }

    /// Returns the lowest position that is not at its end.
    fn position(&self) -> Position {
        let lowest = self.open.first_key_value().map(|(position, _)| *position);
        match lowest {
            Some(lowest) if self.params.rules.position_waits => lowest,
            Some(_) | None => self.feed.next,
        }
    }

    fn reached(&self) -> Commit {
        let position = self.position();
        let epoch = match self.params.rules.epoch_of_position {
            true => self.feed.epoch_below(position),
            false => self.feed.epoch(),
        };
        Commit { position, epoch }
    }

    fn has_moved(&self) -> bool {
        self.reached() != self.commits.durable
    }

    /// Returns how long a commit comes behind the one before.
    fn pause(&self) -> Duration {
        let Settings { commit, commit_again, .. } = self.params.settings;
        if self.has_moved() { commit } else { commit_again }
    }

    fn commit(&mut self) {
        let commit = self.reached();
        self.feed.forget_below(commit.position);
        self.commits.under_way = true;
        self.commits.begun = self.now.boot;
        self.act(Io::Commit(commit));
    }

    fn finish_stopping(&mut self, until: Duration) {
        let drained = self.open.is_empty() || self.now.boot >= until;
        if !drained || self.commits.under_way && self.now.boot < until + self.params.settings.drain {
            return;
        }
        match self.has_moved() && !self.commits.under_way && !self.commits.last_tried {
            true => {
                self.commits.last_tried = true;
                self.commit();
            }
            false => self.end(End::Stopped),
        }
    }
}
