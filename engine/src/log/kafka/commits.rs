//! Positions on their way to the group: what callers want committed, gathered so that all partitions go in one request, and the answers on
//! their way back.
//!
//! Both topics are committed by the member itself, so the broker refuses whoever is no member any more, and the metadata carries the
//! epoch. Nothing rests on that fence: a position of care.events is for displays (the lease row's position is what an owner starts from),
//! and what a dispatcher commits is true whoever says it: everything below the position is at its end in the ledger, and the epoch is the
//! highest that the log holds below it. A stalled process that commits late can only have a few records read again.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actors::port::clock::Clock;
use actors::port::log::{Commit, Error, Topic};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;
use schemas::ids::{Epoch, PartitionId, Position};
use tokio::sync::oneshot;

use super::context::Context;
use super::error::meaning;
use super::settings::Settings;

/// Callers that wait for one partition's commit, at most.
const WAITING_MAX: usize = 16;

/// Where a caller waits for the answer.
pub(super) type Answer = oneshot::Sender<Result<(), Error>>;

type Key = (Topic, PartitionId);

/// Positions to be committed.
#[derive(Default)]
pub(super) struct Commits {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The member of the group, as it is at the moment.
    client: Option<Arc<BaseConsumer<Context>>>,
    wanted: BTreeMap<Key, Wanted>,
    /// What was sent and not answered.
    sent: BTreeMap<Key, Wanted>,
    /// When a request was sent last, since boot.
    last: Option<Duration>,
    /// The group has been joined: before, it refuses everybody.
    joined: bool,
    /// The next request waits for nothing.
    urgent: bool,
    stop: bool,
}

#[derive(Debug)]
struct Wanted {
    commit: Commit,
    answers: Vec<Answer>,
}

impl Commits {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Notes a position to be committed; it takes the place of an earlier one of the partition, whose callers hear the same answer.
    pub(super) fn want(&self, topic: Topic, partition: PartitionId, commit: Commit, answer: Answer) {
        self.change(|state| {
            let wanted =
                state.wanted.entry((topic, partition)).or_insert(Wanted { commit, answers: Vec::new() });
            wanted.commit = commit;
            if wanted.answers.len() < WAITING_MAX {
                wanted.answers.push(answer);
            } else {
                // A caller that is gone needs no answer.
                drop(answer.send(Err(Error::Unavailable("too many commits of one partition wait".into()))));
            }
        });
    }

    /// Commits are by this client from now on, which has to join the group first; by nobody until there is one.
    pub(super) fn are_by(&self, client: Option<&Arc<BaseConsumer<Context>>>) {
        self.change(|state| (state.client, state.joined) = (client.cloned(), false));
    }

    /// The group has been joined.
    pub(super) fn joined(&self) {
        self.change(|state| state.joined = true);
    }

    /// Sends what is wanted without waiting for its time: partitions are about to go.
    pub(super) fn hurry(&self) {
        self.change(|state| state.urgent = true);
    }

    /// Ends the thread that commits, when it has sent what is wanted.
    pub(super) fn stop(&self) {
        self.change(|state| (state.stop, state.urgent) = (true, true));
    }

    /// Returns true while something is wanted or sent.
    pub(super) fn is_busy(&self) -> bool {
        let state = self.lock();
        state.joined && !(state.wanted.is_empty() && state.sent.is_empty())
    }

    /// Waits for what is to be sent: everything that is wanted, at most once per `every`. `None` at the end.
    fn next(&self, clock: &dyn Clock, every: Duration) -> Option<Vec<(Topic, PartitionId, Commit)>> {
        let mut state = self.lock();
        loop {
            let ready = state.joined && !state.wanted.is_empty();
            let due = state.last.map_or(Duration::ZERO, |last| (last + every).saturating_sub(clock.boot()));
            if ready && (state.urgent || due.is_zero()) {
                break;
            }
            if state.stop {
                return None;
            }
            state = match ready {
                true => {
                    let waited =
                        self.changed.wait_timeout(state, due).unwrap_or_else(PoisonError::into_inner);
                    waited.0
                }
                false => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        (state.last, state.urgent) = (Some(clock.boot()), state.stop);
        state.sent = std::mem::take(&mut state.wanted);
        let list = state.sent.iter().map(|((topic, partition), one)| (*topic, *partition, one.commit));
        Some(list.collect())
    }

    /// Takes the answer to what was sent.
    fn answered(&self, result: &KafkaResult<()>) {
        let sent = std::mem::take(&mut self.lock().sent);
        for ((_, partition), wanted) in sent {
            for answer in wanted.answers {
                let result = result.as_ref().map_err(|error| refusal(error, partition)).copied();
                // A caller that is gone needs no answer.
                drop(answer.send(result));
            }
        }
    }

    /// Starts the thread that commits. It waits for each answer, which the library brings in no other way, while the poll thread goes on.
    pub(super) fn start(
        self: Arc<Self>,
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<()> {
        let every = Duration::from_millis(settings.commit_ms);
        std::thread::Builder::new().name("kafka-commits".into()).spawn(move || {
            while let Some(wanted) = self.next(clock.as_ref(), every) {
                let client = self.lock().client.clone();
                let sent = match client {
                    Some(client) => {
                        list(&settings, &wanted).and_then(|list| client.commit(&list, CommitMode::Sync))
                    }
                    None => Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::UnknownMemberId)),
                };
                self.answered(&sent);
            }
        })?;
        Ok(())
    }
}

/// Returns the list that the client library commits.
pub(super) fn list(
    settings: &Settings,
    commits: &[(Topic, PartitionId, Commit)],
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(commits.len());
    for (topic, partition, commit) in commits {
        let mut element = list.add_partition(&settings.topic(*topic), partition.0 as i32);
        element.set_offset(Offset::Offset(commit.position.0 as i64))?;
        element.set_metadata(format!("{EPOCH}{}", commit.epoch.0));
    }
    Ok(list)
}

/// Stands before the epoch in a commit's metadata.
const EPOCH: &str = "epoch=";

/// Returns the commit that the group holds; the default where there is none.
pub(super) fn read(offset: Offset, metadata: &str) -> Commit {
    let Offset::Offset(position) = offset else { return Commit::default() };
    let epoch = metadata.strip_prefix(EPOCH).and_then(|number| number.parse().ok()).unwrap_or_default();
    Commit { position: Position(u64::try_from(position).unwrap_or(0)), epoch: Epoch(epoch) }
}

/// Returns what a refused commit means: whoever is no member owns nothing; a rebalance under way is to be waited for.
fn refusal(error: &KafkaError, partition: PartitionId) -> Error {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::UnknownMemberId | RDKafkaErrorCode::FencedMemberEpoch) => {
            Error::NotOwned(partition)
        }
        Some(_) | None => meaning(error),
    }
}

#[cfg(test)]
mod tests {
    use actors::kit::memory::ManualClock;
    use schemas::time::Timestamp;

    use super::*;

    const P: PartitionId = PartitionId(1);
    const EVERY: Duration = Duration::from_secs(1);

    fn commit(position: u64) -> Commit {
        Commit { position: Position(position), epoch: Epoch(2) }
    }

    fn want(commits: &Commits, position: u64) -> oneshot::Receiver<Result<(), Error>> {
        let (answer, heard) = oneshot::channel();
        commits.want(Topic::Events, P, commit(position), answer);
        heard
    }

    #[test]
    fn the_last_position_of_a_partition_is_sent_and_all_who_wait_hear_the_answer() {
        let (commits, clock) = (Commits::default(), ManualClock::at(Timestamp(0)));
        commits.joined();
        let (mut first, mut second) = (want(&commits, 1), want(&commits, 2));
        assert_eq!(commits.next(&clock, EVERY), Some(vec![(Topic::Events, P, commit(2))]));
        assert!(commits.is_busy());
        commits.answered(&Ok(()));
        assert!(matches!(first.try_recv(), Ok(Ok(()))) && matches!(second.try_recv(), Ok(Ok(()))));
        assert!(!commits.is_busy());
    }

    #[test]
    fn what_is_urgent_does_not_wait_and_a_stop_sends_the_rest_first() {
        let (commits, clock) = (Commits::default(), ManualClock::at(Timestamp(0)));
        commits.joined();
        drop(want(&commits, 1));
        commits.next(&clock, EVERY);
        commits.answered(&Ok(()));
        drop(want(&commits, 2));
        commits.hurry();
        assert_eq!(
            commits.next(&clock, EVERY),
            Some(vec![(Topic::Events, P, commit(2))]),
            "within the second"
        );
        commits.answered(&Ok(()));
        drop(want(&commits, 3));
        commits.stop();
        assert_eq!(commits.next(&clock, EVERY), Some(vec![(Topic::Events, P, commit(3))]));
        assert_eq!(commits.next(&clock, EVERY), None);
    }

    #[test]
    fn who_is_no_member_owns_nothing_and_a_rebalance_is_waited_for() {
        for (code, owned) in [
            (RDKafkaErrorCode::UnknownMemberId, false),
            (RDKafkaErrorCode::FencedMemberEpoch, false),
            (RDKafkaErrorCode::RebalanceInProgress, true),
            (RDKafkaErrorCode::IllegalGeneration, true),
        ] {
            let (commits, clock) = (Commits::default(), ManualClock::at(Timestamp(0)));
            commits.joined();
            let mut heard = want(&commits, 1);
            commits.next(&clock, EVERY);
            commits.answered(&Err(KafkaError::ConsumerCommit(code)));
            let error = heard.try_recv().expect("an answer").expect_err("refused");
            assert_eq!(matches!(error, Error::Unavailable(_)), owned, "{error}");
            assert_eq!(matches!(error, Error::NotOwned(P)), !owned, "{error}");
        }
    }

    #[test]
    fn a_commit_carries_its_epoch() {
        assert_eq!(read(Offset::Offset(7), "epoch=9"), Commit { position: Position(7), epoch: Epoch(9) });
        for (offset, metadata) in [(Offset::Invalid, "epoch=9"), (Offset::Stored, "")] {
            assert_eq!(read(offset, metadata), Commit::default());
        }
        assert_eq!(read(Offset::Offset(7), "of another program").epoch, Epoch(0));
    }
}
