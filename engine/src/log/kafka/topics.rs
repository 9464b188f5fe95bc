//! The topics: made as the settings say, and trusted only when they are.
//!
//! The partition count is fixed for life, since a customer's hash chooses the partition. It stands in the settings and, with the rows,
//! in the store; the brokers are held against it at the start and ever so often. Kafka has no place of its own for it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use actors::port::log::Topic;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::Client;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;

use super::Stamps;
use super::client::{self, Asking, RECORD_BYTES_MAX};
use super::error::Error;
use super::settings::Settings;

const STAMP_TYPE: &str = "message.timestamp.type";
const RETENTION: &str = "retention.ms";
const MIN_INSYNC: &str = "min.insync.replicas";
const UNCLEAN: &str = "unclean.leader.election.enable";
const CLEANUP: &str = "cleanup.policy";
const BYTES_MAX: &str = "max.message.bytes";

/// A new topic is known to all brokers after this long, or the making has failed.
const CREATION: Duration = Duration::from_secs(30);

/// A topic after [`create`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its name on the brokers.
    pub name: String,
    /// It was not there before.
    pub created: bool,
}

/// A topic as the brokers have it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// Its name on the brokers.
    pub name: String,
    /// Partitions; 0 = there is no such topic.
    pub partitions: u32,
    /// The fewest copies that a partition has.
    pub replication: usize,
    /// The settings that count here, by name.
    pub settings: Vec<(&'static str, String)>,
}

/// Makes the topics that are missing, and looks at all. Topics that are there are left as they are.
///
/// Errors: `Brokers` → they do not answer or refuse · `Topics` → a topic is not as it must be.
pub fn create(settings: &Settings, partitions: u32, stamps: Stamps) -> Result<Vec<Made>, Error> {
    let admin = admin(settings)?;
    let mut made = Vec::new();
    for topic in Topic::ALL {
        let name = settings.topic(topic);
        let wanted = wanted(settings, topic, stamps);
        let mut new =
            NewTopic::new(&name, partitions as i32, TopicReplication::Fixed(settings.replication as i32));
        for (key, value) in &wanted {
            new = new.set(key, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(CREATION)).request_timeout(Some(CREATION));
        let results = wait(admin.create_topics([&new], &options))
            .map_err(|source| asking(settings, "make the topics", source))?;
        let created = match results.into_iter().next() {
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => false,
            Some(Err((_, code))) => {
                return Err(asking(settings, "make the topics", KafkaError::AdminOp(code)));
            }
            Some(Ok(_)) | None => true,
        };
        made.push(Made { name, created });
    }
    settle(settings, partitions, &admin)?;
    check(settings, partitions, stamps, &admin)?;
    Ok(made)
}

/// Looks at the topics: there, of that many partitions, stamped by the brokers, and safe from losing what was acknowledged.
///
/// Errors: `Brokers` → they do not answer or refuse · `Topics` → a topic is not as it must be, each fault on a line.
pub fn verify(settings: &Settings, partitions: u32, stamps: Stamps) -> Result<(), Error> {
    check(settings, partitions, stamps, &admin(settings)?)
}

/// Returns the topics as the brokers have them.
///
/// Errors: `Brokers` → they do not answer or refuse.
pub fn show(settings: &Settings) -> Result<Vec<Shown>, Error> {
    let admin = admin(settings)?;
    let show = |topic| {
        let name = settings.topic(topic);
        let known = known(settings, &admin, &name)?;
        let Some(Known { partitions, replication, config }) = known else {
            return Ok(Shown { name, partitions: 0, replication: 0, settings: Vec::new() });
        };
        let keys = [STAMP_TYPE, RETENTION, MIN_INSYNC, UNCLEAN, CLEANUP, BYTES_MAX];
        let settings = keys.into_iter().map(|key| (key, value(&config, key).to_owned())).collect();
        Ok(Shown { name, partitions, replication, settings })
    };
    Topic::ALL.into_iter().map(show).collect()
}

/// Returns what to say when a topic has another number of partitions than it had.
pub(super) fn count_changed(name: &str, expected: usize, found: u32) -> String {
    format!(
        "{name} has {found} partitions, and this engine was set up for {expected}: the partition of a customer's records is a hash by that \
         number, so rows would be looked for where they are not. Stop the producers; make new topics of the number wanted under another \
         kafka.topic_prefix; move the shop there with `care export` and `care import`. Partitions once added cannot be taken away"
    )
}

/// Returns how many partitions a topic has; `None` when there is no such topic.
pub(super) fn count(
    client: &BaseConsumer<Asking>,
    name: &str,
    timeout: Duration,
) -> KafkaResult<Option<u32>> {
    let metadata = client.client().fetch_metadata(Some(name), timeout)?;
    let topic = metadata.topics().iter().find(|topic| topic.name() == name && topic.error().is_none());
    Ok(topic.map(|topic| topic.partitions().len() as u32).filter(|count| *count > 0))
}

fn admin(settings: &Settings) -> Result<AdminClient<Asking>, Error> {
    client::admin(settings).create_with_context(Asking::default()).map_err(Error::Client)
}

fn asking(settings: &Settings, what: &'static str, source: KafkaError) -> Error {
    Error::Brokers { what, brokers: settings.brokers.clone(), source }
}

/// Returns what a topic is made with.
fn wanted(settings: &Settings, topic: Topic, stamps: Stamps) -> Vec<(&'static str, String)> {
    let retention = match stamps {
        Stamps::Appended => settings.retention(topic).as_millis().to_string(),
        // Stamps of long ago would be taken as soon as they are there.
        Stamps::Asked => "-1".to_owned(),
    };
    let mut wanted = vec![
        (STAMP_TYPE, stamps.as_str().to_owned()),
        (RETENTION, retention),
        (MIN_INSYNC, settings.min_insync.to_string()),
        (UNCLEAN, "false".to_owned()),
        (CLEANUP, "delete".to_owned()),
    ];
    if topic != Topic::Events {
        // What the engine writes of an event is larger than the event, a dead letter most.
        wanted.push((BYTES_MAX, RECORD_BYTES_MAX.to_string()));
    }
    wanted
}

/// What is known of a topic that is there.
struct Known {
    partitions: u32,
    replication: usize,
    config: ConfigResource,
}

fn known(settings: &Settings, admin: &AdminClient<Asking>, name: &str) -> Result<Option<Known>, Error> {
    let timeout = settings.request_timeout();
    let client: &Client<Asking> = admin.inner();
    let metadata = client.fetch_metadata(Some(name), timeout);
    let metadata = metadata.map_err(|source| asking(settings, "look at the topics", source))?;
    let is_there = |topic: &&MetadataTopic| {
        topic.name() == name && topic.error().is_none() && !topic.partitions().is_empty()
    };
    let Some(topic) = metadata.topics().iter().find(is_there) else { return Ok(None) };
    let options = AdminOptions::new().request_timeout(Some(timeout));
    let configs =
        wait(admin.describe_configs([&ResourceSpecifier::Topic(name)], &options)).and_then(|mut results| {
            results.pop().map_or(Err(KafkaError::Canceled), |one| one.map_err(KafkaError::AdminOp))
        });
    let config = configs.map_err(|source| asking(settings, "look at the topics' settings", source))?;
    let replication =
        topic.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
    Ok(Some(Known { partitions: topic.partitions().len() as u32, replication, config }))
}

fn value<'a>(config: &'a ConfigResource, key: &str) -> &'a str {
    config.get(key).and_then(|entry| entry.value.as_deref()).unwrap_or("")
}

fn check(
    settings: &Settings,
    partitions: u32,
    stamps: Stamps,
    admin: &AdminClient<Asking>,
) -> Result<(), Error> {
    let mut faults = Vec::new();
    for topic in Topic::ALL {
        let name = settings.topic(topic);
        match known(settings, admin, &name)? {
            None => faults.push(format!("{name} does not exist: `care topics create` makes it")),
            Some(known) => faults.extend(
                faults_of(settings, (partitions, stamps), topic, &known)
                    .into_iter()
                    .map(|fault| format!("{name}: {fault}")),
            ),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Topics(faults)) }
}

fn faults_of(
    settings: &Settings,
    (partitions, stamps): (u32, Stamps),
    topic: Topic,
    known: &Known,
) -> Vec<String> {
    let mut faults = Vec::new();
    if known.partitions != partitions {
        faults.push(count_changed("it", partitions as usize, known.partitions));
    }
    if known.replication < settings.replication as usize {
        faults.push(format!(
            "{} copies of a partition; kafka.replication is {}",
            known.replication, settings.replication
        ));
    }
    for (key, wanted) in wanted(settings, topic, stamps) {
        let found = value(&known.config, key);
        let good = match key {
            RETENTION => is_long_enough(found, &wanted),
            MIN_INSYNC | BYTES_MAX => number(found) >= number(&wanted),
            _ => found == wanted,
        };
        if !good {
            faults.push(format!(
                "{key} is {found:?}; has to be {}{wanted}",
                if good_if_more(key) { "at least " } else { "" }
            ));
        }
    }
    faults
}

fn good_if_more(key: &str) -> bool {
    matches!(key, RETENTION | MIN_INSYNC | BYTES_MAX)
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}

/// Returns true for a retention of at least that long; -1 is for ever.
fn is_long_enough(found: &str, wanted: &str) -> bool {
    let (found, wanted) = (number(found), number(wanted));
    found < 0 || wanted >= 0 && found >= wanted
}

/// Waits until every topic is known to the broker that is asked.
fn settle(settings: &Settings, partitions: u32, admin: &AdminClient<Asking>) -> Result<(), Error> {
    // The making is answered by the controller; another broker may know of it a moment later.
    const LOOKS: usize = 100;
    for topic in Topic::ALL {
        let name = settings.topic(topic);
        for _ in 0..LOOKS {
            let metadata = admin.inner().fetch_metadata(Some(&name), settings.request_timeout());
            let metadata = metadata.map_err(|source| asking(settings, "look at the topics", source))?;
            let leaders =
                metadata.topics().iter().flat_map(|topic| topic.partitions()).filter(|one| one.leader() >= 0);
            if leaders.count() >= partitions as usize {
                break;
            }
            thread::park_timeout(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// Waits for an answer that a thread of the client library brings.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_for_ever_is_long_enough_and_a_short_one_is_not() {
        assert!(is_long_enough("-1", "1000") && is_long_enough("1000", "1000") && is_long_enough("-1", "-1"));
        assert!(
            !is_long_enough("999", "1000") && !is_long_enough("1000", "-1") && !is_long_enough("", "1000")
        );
    }

    #[test]
    fn a_future_of_another_thread_is_waited_for() {
        let (tell, heard) = tokio::sync::oneshot::channel();
        let thread = thread::spawn(move || tell.send(7));
        assert_eq!(wait(heard), Ok(7));
        assert_eq!(thread.join().expect("it ends"), Ok(()));
    }
}
