//! Positions on their way to the group: what callers want committed, gathered so that all partitions go in one request, and the answers on
//! their way back.
//!
//! Both topics are committed by the member itself, so the broker refuses whoever is no member any more, and the metadata carries the
//! epoch. Nothing rests on that fence: a position of care.events is for displays (the lease row's position is what an owner starts from),
//! and what a dispatcher commits is true whoever says it: everything below the position is at its end in the ledger, and the epoch is the
//! highest that the log holds below it. A stalled process that commits late can only have a few records read again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actors::port::log::{Commit, Error, Topic};
use rdkafka::TopicPartitionList;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;
use schemas::ids::{Epoch, PartitionId, Position};
use tokio::sync::oneshot;

use super::error::meaning;
use super::settings::Settings;

/// Callers that wait for one partition's commit, at most.
const WAITING_MAX: usize = 16;

/// Where a caller waits for the answer.
pub(super) type Answer = oneshot::Sender<Result<(), Error>>;

type Key = (Topic, PartitionId);

/// Positions to be committed.
#[derive(Debug, Default)]
pub(super) struct Commits {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    wanted: BTreeMap<Key, Wanted>,
    /// What was sent and not answered, and when.
    sent: Option<(BTreeMap<Key, Wanted>, Duration)>,
    last: Option<Duration>,
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

    /// Notes a position to be committed; it takes the place of an earlier one of the partition, whose callers hear the same answer.
    pub(super) fn want(&self, topic: Topic, partition: PartitionId, commit: Commit, answer: Answer) {
        let mut state = self.lock();
        let wanted = state.wanted.entry((topic, partition)).or_insert(Wanted { commit, answers: Vec::new() });
        wanted.commit = commit;
        if wanted.answers.len() < WAITING_MAX {
            wanted.answers.push(answer);
        } else {
            // A caller that is gone needs no answer.
            drop(answer.send(Err(Error::Unavailable("too many commits of one partition wait".into()))));
        }
    }

    /// Returns what to send now: everything that is wanted, at most once per `every`, one request at a time; at once where `now` is urgent.
    /// A request without an answer after `patience` counts as failed.
    pub(super) fn take(
        &self,
        boot: Duration,
        (every, patience): (Duration, Duration),
        urgent: bool,
    ) -> Vec<(Topic, PartitionId, Commit)> {
        let mut state = self.lock();
        if let Some((sent, _)) = state.sent.take_if(|(_, at)| boot > *at + patience) {
            answer(sent, |_| Err(Error::Unavailable("the brokers did not answer the commit".into())));
        }
        let due = urgent || state.last.is_none_or(|last| boot >= last + every);
        if state.sent.is_some() || state.wanted.is_empty() || !due {
            return Vec::new();
        }
        let wanted = std::mem::take(&mut state.wanted);
        let list = wanted.iter().map(|((topic, partition), one)| (*topic, *partition, one.commit)).collect();
        (state.sent, state.last) = (Some((wanted, boot)), Some(boot));
        list
    }

    /// Returns true while something is wanted or sent.
    pub(super) fn is_busy(&self) -> bool {
        let state = self.lock();
        !state.wanted.is_empty() || state.sent.is_some()
    }

    /// Takes the answer to what was sent: of the request, and of each partition that has one of its own.
    pub(super) fn answered(&self, result: &Result<(), Error>, each: &BTreeMap<Key, Error>) {
        if let Some((sent, _)) = self.lock().sent.take() {
            answer(sent, |key| each.get(key).map_or_else(|| result.clone(), |error| Err(error.clone())));
        }
    }
}

fn answer(sent: BTreeMap<Key, Wanted>, result: impl Fn(&Key) -> Result<(), Error>) {
    for (key, wanted) in sent {
        for answer in wanted.answers {
            // A caller that is gone needs no answer.
            drop(answer.send(result(&key)));
        }
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

/// Returns the answer of the brokers to a commit, apart for partitions with an error of their own.
pub(super) fn outcome(
    settings: &Settings,
    result: KafkaResult<()>,
    list: &TopicPartitionList,
) -> (Result<(), Error>, BTreeMap<Key, Error>) {
    let whole = result.as_ref().map_err(meaning).copied();
    let mut each = BTreeMap::new();
    for element in list.elements() {
        let topic = Topic::ALL.into_iter().find(|topic| settings.topic(*topic) == element.topic());
        let own = element.error().and(result.clone());
        if let (Some(topic), Err(error)) = (topic, own) {
            let partition = PartitionId(element.partition() as u32);
            each.insert((topic, partition), refusal(&error, partition));
        }
    }
    (whole, each)
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
    use super::*;

    const P: PartitionId = PartitionId(1);
    const TIMES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

    fn commit(position: u64) -> Commit {
        Commit { position: Position(position), epoch: Epoch(2) }
    }

    #[test]
    fn all_go_in_one_request_at_most_once_per_interval() {
        let commits = Commits::default();
        let want = |position| {
            let (answer, heard) = oneshot::channel();
            commits.want(Topic::Events, P, commit(position), answer);
            heard
        };
        let (mut first, mut second) = (want(1), want(2));
        assert_eq!(commits.take(Duration::ZERO, TIMES, false), [(Topic::Events, P, commit(2))]);
        let mut third = want(3);
        assert!(commits.take(Duration::from_secs(2), TIMES, true).is_empty(), "one request at a time");
        commits.answered(&Ok(()), &BTreeMap::new());
        assert!(matches!(first.try_recv(), Ok(Ok(()))) && matches!(second.try_recv(), Ok(Ok(()))));
        assert!(commits.take(Duration::from_millis(900), TIMES, false).is_empty(), "not yet");
        assert_eq!(commits.take(Duration::from_millis(900), TIMES, true).len(), 1, "but when it is urgent");
        let refused = BTreeMap::from([((Topic::Events, P), Error::Unavailable("moved".into()))]);
        commits.answered(&Ok(()), &refused);
        assert!(matches!(third.try_recv(), Ok(Err(Error::Unavailable(_)))));
        assert!(!commits.is_busy());
    }

    #[test]
    fn a_request_without_an_answer_fails_after_a_while() {
        let commits = Commits::default();
        let (answer, mut heard) = oneshot::channel();
        commits.want(Topic::Outreach, P, commit(1), answer);
        assert_eq!(commits.take(Duration::ZERO, TIMES, false).len(), 1);
        assert!(commits.take(Duration::from_secs(6), TIMES, false).is_empty());
        assert!(matches!(heard.try_recv(), Ok(Err(Error::Unavailable(_)))));
        assert!(!commits.is_busy());
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
