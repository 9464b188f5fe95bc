//! The watcher: one thread that asks the brokers where partitions begin and end, so that no poll thread waits for an answer.
//!
//! Once per interval it asks for the ends of everything that is read, in one request per broker. From a partition's end comes the promise
//! of the log's time: the clock was looked at *before* the request, so whatever is appended behind the end that the broker answered was
//! stamped at that time or later, by the broker's clock; the clocks' difference is a setting and goes off. The end is that of committed
//! records: behind it may lie an open transaction, whose records are raised to the promise when they come, and counted.
//!
//! It also answers what callers ask (where a partition ends, what was committed; one request for all who wait), says whether a place that
//! a reader wants is in the partition, looks after the topics, and tells how far the positions committed are from what retention takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;

use actors::port::log::{Commit, Error, Topic};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionListElem};
use schemas::ids::{PartitionId, Position};
use schemas::time::{Span, Timestamp};
use tokio::sync::oneshot;

use super::Stamps;
use super::asker::Asker;
use super::assignment::Assignments;
use super::buffer::{Buffer, Extent};
use super::commits;
use super::consumer::Around;
use super::error::meaning;
use super::reading::Reading;
use super::settings::Settings;
use super::topics;

/// Questions that wait, at most.
const QUESTIONS_MAX: usize = 8_192;

/// A partition of a topic.
pub(super) type Place = (Topic, PartitionId);

/// What callers ask.
pub(super) enum Question {
    /// Where does it end?
    End(Place, oneshot::Sender<Result<Position, Error>>),
    /// What was committed?
    Committed(Place, oneshot::Sender<Result<Commit, Error>>),
}

/// What waits for the watcher.
#[derive(Default)]
pub(super) struct Questions {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    asked: Vec<Question>,
    /// A reader wants another place.
    woken: bool,
    /// The ends are wanted before their time.
    ends: bool,
    stop: bool,
}

impl Questions {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Asks; a question too many is dropped, which its caller hears.
    pub(super) fn ask(&self, question: Question) {
        self.change(|state| {
            if state.asked.len() < QUESTIONS_MAX {
                state.asked.push(question);
            }
        });
    }

    /// Says that a reader wants another place.
    pub(super) fn wake(&self) {
        self.change(|state| state.woken = true);
    }

    /// Says that the log's time has moved.
    pub(super) fn want_ends(&self) {
        self.change(|state| state.ends = true);
    }

    /// Ends the watcher.
    pub(super) fn stop(&self) {
        self.change(|state| state.stop = true);
    }

    /// Waits for a question, at most that long.
    fn next(&self, wait: Duration) -> State {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = |state: &mut State| state.asked.is_empty() && !state.woken && !state.ends && !state.stop;
        let (mut state, _) =
            self.changed.wait_timeout_while(state, wait, quiet).unwrap_or_else(PoisonError::into_inner);
        let stop = state.stop;
        State { stop, ..std::mem::take(&mut *state) }
    }
}

/// Which end of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Start,
    End,
}

/// The watcher's own.
pub(super) struct Watcher {
    pub(super) asker: Asker,
    pub(super) settings: Arc<Settings>,
    pub(super) partitions: u32,
    pub(super) stamps: Stamps,
    pub(super) around: Around,
    /// The topics that are read.
    pub(super) readings: Arc<RwLock<Vec<Arc<Reading>>>>,
    /// What this process holds, if it is a member of the group.
    pub(super) assignments: Option<Arc<Assignments>>,
    /// How far care.events was confirmed, per partition.
    pub(super) confirmed: Arc<Mutex<BTreeMap<PartitionId, Position>>>,
}

impl Watcher {
    /// Answers until it is stopped.
    pub(super) fn run(mut self) {
        let ends_every = Duration::from_millis(self.settings.ends_ms);
        let topics_every = Duration::from_secs(self.settings.topics_check_s);
        let clock = Arc::clone(&self.around.clock);
        let boot = || clock.boot();
        let (mut ends_due, mut topics_due) = (boot() + ends_every, boot() + topics_every);
        loop {
            let wait = ends_due.min(topics_due).saturating_sub(boot());
            let state = self.around.questions.next(wait);
            if state.stop {
                return;
            }
            self.answer(state.asked);
            self.check_places();
            if state.ends || boot() >= ends_due {
                self.tell_ends();
                ends_due = boot() + ends_every;
            }
            if boot() >= topics_due {
                self.look_at_topics();
                self.look_at_retention();
                topics_due = boot() + topics_every;
            }
        }
    }

    /// Returns a time before what is asked next, by the log's clock.
    fn now(&self) -> Timestamp {
        let now = self.around.clock.now();
        match self.stamps {
            Stamps::Appended => {
                now - Span(i64::try_from(self.settings.clock_skew_max_ms).unwrap_or(i64::MAX))
            }
            // The stamps are this process's own.
            Stamps::Asked => now,
        }
    }

    fn each_buffer(&self, mut visit: impl FnMut(&Reading, PartitionId, &mut Buffer)) {
        let readings = self.readings.read().unwrap_or_else(PoisonError::into_inner).clone();
        for reading in readings {
            for partition in reading.partitions() {
                if let Some(mut buffer) = reading.buffer(partition) {
                    visit(&reading, partition, &mut buffer);
                }
            }
        }
    }

    fn places(&self, wanted: impl Fn(&Buffer) -> bool) -> Vec<Place> {
        let mut places = Vec::new();
        self.each_buffer(|reading, partition, buffer| {
            if wanted(buffer) {
                places.push((reading.topic, partition));
            }
        });
        places
    }

    fn answer(&mut self, asked: Vec<Question>) {
        let (mut ends, mut committed) = (Vec::new(), Vec::new());
        for question in asked {
            match question {
                Question::End(place, answer) => ends.push((place, answer)),
                Question::Committed(place, answer) => committed.push((place, answer)),
            }
        }
        let places: Vec<_> = ends.iter().map(|(place, _)| *place).collect();
        let found = self.list(&places, Edge::End);
        for (place, answer) in ends {
            // A caller that is gone needs no answer.
            drop(answer.send(found.get(&place).cloned().unwrap_or_else(no_answer)));
        }
        let places: Vec<_> = committed.iter().map(|(place, _)| *place).collect();
        let found = self.committed(&places);
        for (place, answer) in committed {
            drop(answer.send(found.get(&place).cloned().unwrap_or_else(no_answer)));
        }
    }

    /// Holds the places that readers want against their partitions.
    fn check_places(&mut self) {
        let places = self.places(Buffer::wants_check);
        if places.is_empty() {
            return;
        }
        let at = self.now();
        let starts = self.list(&places, Edge::Start);
        let ends = self.list(&places, Edge::End);
        self.each_buffer(|reading, partition, buffer| {
            let place = (reading.topic, partition);
            let (Some(Ok(start)), Some(Ok(end))) = (starts.get(&place), ends.get(&place)) else { return };
            buffer.checked(Extent { start: *start, end: *end }, at);
            reading.tell(partition);
        });
    }

    /// Tells every reader where its partition ends, and the log's time with it.
    fn tell_ends(&mut self) {
        self.leave_what_moved();
        let places = self.places(Buffer::wants_ends);
        let at = self.now();
        let ends = self.list(&places, Edge::End);
        self.each_buffer(|reading, partition, buffer| {
            if !buffer.wants_ends() {
                self.around.metrics.log().not_read(reading.topic, partition);
            }
            let Some(Ok(end)) = ends.get(&(reading.topic, partition)) else { return };
            buffer.ended(*end, at);
            self.around.metrics.log().unread(reading.topic, partition, buffer.unread());
            reading.tell(partition);
        });
        // Places that could not be checked, because a broker was away, are looked at again.
        if !self.places(Buffer::wants_check).is_empty() {
            self.around.questions.wake();
        }
    }

    /// Outreach is read where the events of its partition are: what moved has a reader elsewhere.
    fn leave_what_moved(&self) {
        let Some(assignments) = &self.assignments else { return };
        self.each_buffer(|reading, partition, buffer| {
            if reading.topic == Topic::Outreach && !assignments.is_held_or_draining(partition) {
                buffer.leave();
            }
        });
    }

    /// Returns an edge of each place. One partition without a leader fails a whole request, so a request that failed is halved: the others
    /// go on.
    fn list(&mut self, places: &[Place], edge: Edge) -> BTreeMap<Place, Result<Position, Error>> {
        if places.is_empty() {
            return BTreeMap::new();
        }
        let mut list = TopicPartitionList::with_capacity(places.len());
        for (topic, partition) in places {
            let mut element = list.add_partition(&self.settings.topic(*topic), partition.0 as i32);
            let offset = if edge == Edge::End { Offset::End } else { Offset::Beginning };
            element.set_offset(offset).expect("both edges are offsets");
        }
        let timeout = self.settings.request_timeout();
        match self.asker.ask(|client| client.offsets_for_times(list.clone(), timeout)) {
            Ok(list) => places.iter().map(|place| (*place, self.place_of(&list, *place))).collect(),
            Err(error) if places.len() == 1 => {
                tracing::debug!(%error, ?places, "no edge");
                BTreeMap::from([(places[0], Err(meaning(&error)))])
            }
            Err(_) => {
                let (some, others) = places.split_at(places.len() / 2);
                let mut found = self.list(some, edge);
                found.extend(self.list(others, edge));
                found
            }
        }
    }

    /// Returns what an answer of the brokers says of a place.
    fn told<'a>(
        &self,
        list: &'a TopicPartitionList,
        (topic, partition): Place,
    ) -> Result<TopicPartitionListElem<'a>, Error> {
        let element = list.find_partition(&self.settings.topic(topic), partition.0 as i32);
        let element = element.ok_or_else(|| Error::Unavailable("the brokers left a partition out".into()))?;
        element.error().map_err(|error| meaning(&error))?;
        Ok(element)
    }

    fn place_of(&self, list: &TopicPartitionList, place: Place) -> Result<Position, Error> {
        match self.told(list, place)?.offset() {
            Offset::Offset(offset) => Ok(Position(u64::try_from(offset).unwrap_or(0))),
            other => Err(Error::Unavailable(format!("the brokers told no position but {other:?}"))),
        }
    }

    fn committed(&mut self, places: &[Place]) -> BTreeMap<Place, Result<Commit, Error>> {
        if places.is_empty() {
            return BTreeMap::new();
        }
        let mut list = TopicPartitionList::with_capacity(places.len());
        for (topic, partition) in places {
            list.add_partition(&self.settings.topic(*topic), partition.0 as i32);
        }
        let timeout = self.settings.request_timeout();
        let found = self.asker.ask(|client| client.committed_offsets(list.clone(), timeout));
        let commit_of = |place| {
            let list = found.as_ref().map_err(|error: &KafkaError| meaning(error))?;
            let element = self.told(list, place)?;
            Ok(commits::read(element.offset(), element.metadata()))
        };
        places.iter().map(|place| (*place, commit_of(*place))).collect()
    }

    /// Ends the log when a topic has another number of partitions: customers would move, and their rows would not.
    fn look_at_topics(&mut self) {
        let timeout = self.settings.request_timeout();
        for topic in Topic::ALL {
            let name = self.settings.topic(topic);
            match self.asker.ask(|client| topics::count(client, &name, timeout)) {
                Ok(Some(count)) if count != self.partitions => {
                    self.around.failure.fail(topics::count_changed(&name, self.partitions as usize, count));
                    self.readings
                        .read()
                        .unwrap_or_else(PoisonError::into_inner)
                        .iter()
                        .for_each(|one| one.tell_all());
                    return;
                }
                Ok(Some(_)) => {}
                // A topic that is gone for a moment is no reason to stop: reading it says more.
                Ok(None) => tracing::warn!(topic = name, "the brokers know no such topic"),
                Err(error) => tracing::debug!(%error, topic = name, "the topic was not looked at"),
            }
        }
    }

    /// Returns the confirmed positions of what is this process's, and forgets those of what it gave away: others confirm these now.
    fn confirmed_of_held(&self) -> BTreeMap<PartitionId, Position> {
        let held: BTreeSet<Place> = self.places(Buffer::is_held).into_iter().collect();
        let mut confirmed = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        confirmed.retain(|partition, _| {
            let is_held = held.contains(&(Topic::Events, *partition));
            if !is_held {
                self.around.metrics.log().no_retention_margin(*partition);
            }
            is_held
        });
        confirmed.clone()
    }

    /// Tells how far the confirmed positions are from what retention takes next, and warns when they come near.
    fn look_at_retention(&mut self) {
        let confirmed = self.confirmed_of_held();
        let places: Vec<_> = confirmed.keys().map(|partition| (Topic::Events, *partition)).collect();
        let (starts, ends) = (self.list(&places, Edge::Start), self.list(&places, Edge::End));
        for (partition, position) in confirmed {
            let place = (Topic::Events, partition);
            let (Some(Ok(start)), Some(Ok(end))) = (starts.get(&place), ends.get(&place)) else { continue };
            let margin = position.0.saturating_sub(start.0);
            self.around.metrics.log().retention_margin(partition, margin);
            if is_near(*start, position, *end) {
                tracing::error!(
                    partition = partition.0,
                    margin,
                    unread = end.0.saturating_sub(position.0),
                    "retention is about to take records that are not read: raise the retention, or add processes"
                );
            }
        }
    }
}

/// Returns true when a position that is behind the end is in the oldest tenth of what the log still holds.
fn is_near(start: Position, position: Position, end: Position) -> bool {
    let (held, margin) = (end.0.saturating_sub(start.0), position.0.saturating_sub(start.0));
    position < end && start.0 > 0 && margin < held / 10
}

fn no_answer<T>() -> Result<T, Error> {
    Err(Error::Unavailable("the brokers did not answer".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_near_in_the_oldest_tenth_of_a_log_that_loses_records() {
        let near = |start, position, end| is_near(Position(start), Position(position), Position(end));
        assert!(near(1_000, 1_050, 2_000));
        assert!(near(1_000, 900, 2_000), "and behind it");
        assert!(!near(1_000, 1_200, 2_000));
        assert!(!near(0, 1, 2_000), "nothing was taken yet");
        assert!(!near(1_000, 1_001, 1_001), "everything is read");
    }

    #[test]
    fn questions_are_bounded_and_who_is_dropped_hears_it() {
        let questions = Questions::default();
        let place = (Topic::Events, PartitionId(0));
        let mut heard: Vec<_> = (0..=QUESTIONS_MAX)
            .map(|_| {
                let (answer, heard) = oneshot::channel();
                questions.ask(Question::End(place, answer));
                heard
            })
            .collect();
        let last = heard.pop().expect("one too many");
        assert!(last.blocking_recv().is_err(), "dropped");
        assert_eq!(questions.next(Duration::ZERO).asked.len(), QUESTIONS_MAX);
        assert!(questions.next(Duration::ZERO).asked.is_empty());
    }
}
