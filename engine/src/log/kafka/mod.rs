//! The log on Apache Kafka: four topics behind the ports of the log.
//!
//! Read in this order: [`settings`] is what a person may choose, [`topics`] what must be true of the brokers; `client` sets the client
//! library up; [`adapter`] is the log behind its ports. Reading: `buffer` is one partition as it is read (pure), `reading` a topic of
//! them, `consumer` the poll thread that fills them, `context` what the client library tells it, `member` what the group wants of it,
//! `assignment` what the node hears of that, `commits` what goes back to the group, `watch` where partitions end and the log's time with
//! it, `asker` the client it asks with, `closing` how clients end. Writing: `producer`, `row` what it sends, and `floors` where stamps are asked for; [`history`] plays files. `error` and `failure`
//! say what went wrong, for one call and for good.

pub mod adapter;
pub mod error;
pub mod history;
pub mod settings;
pub mod topics;

mod asker;
mod assignment;
mod buffer;
mod client;
mod closing;
mod commits;
mod consumer;
mod context;
mod failure;
mod floors;
mod member;
mod producer;
mod reading;
mod row;
mod watch;

pub use adapter::KafkaLog;
pub use error::Error;
pub use history::History;
pub use settings::{KEYS, Settings};

/// Who stamps the records of the topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// The brokers, when they append. What a running engine needs: log time is the time of the log.
    Appended,
    /// Who appends: history keeps its time. For replays by one process.
    Asked,
}

impl Stamps {
    /// Returns the brokers' word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stamps::Appended => "LogAppendTime",
            Stamps::Asked => "CreateTime",
        }
    }
}
