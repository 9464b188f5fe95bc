//! Why the Kafka log cannot be opened, and what its errors mean to the callers of the ports.

use actors::port::log;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Why a log on Kafka cannot be opened, or its topics cannot be made or trusted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client library refuses the settings.
    #[error("set up the Kafka client")]
    Client(#[source] KafkaError),
    /// The brokers do not answer, or refuse.
    #[error("{what} at {brokers}")]
    Brokers {
        /// What was asked of them.
        what: &'static str,
        /// Where they were looked for.
        brokers: String,
        /// What came of it.
        #[source]
        source: KafkaError,
    },
    /// The topics are not as they must be; one line each.
    #[error("trust the topics:{}", .0.iter().map(|fault| format!("\n  {fault}")).collect::<String>())]
    Topics(Vec<String>),
    /// Other members of the group hold partitions.
    #[error(
        "have every partition to itself: {held} of {partitions} after a while. History is played by one process; end the others of the group {group}"
    )]
    NotAlone {
        /// The group.
        group: String,
        /// Partitions that this process holds.
        held: usize,
        /// Partitions that there are.
        partitions: u32,
    },
    /// The system gives no thread.
    #[error("start a thread for Kafka")]
    Thread(#[from] std::io::Error),
}

/// Returns what an error of the client library means to a caller of the log's ports.
pub(super) fn meaning(error: &KafkaError) -> log::Error {
    match error.rdkafka_error_code() {
        Some(code) if is_final(code) => log::Error::Failed(error.to_string()),
        Some(_) | None => log::Error::Unavailable(error.to_string()),
    }
}

/// Returns true for what no repetition mends: a person must grant a right, mend a setting, or end the other process of the same name.
fn is_final(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::Fatal
            | Code::Fenced
            | Code::FencedInstanceId
            | Code::UnreleasedInstanceId
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedVersion
            | Code::UnsupportedForMessageFormat
            | Code::InvalidTopic
            | Code::InvalidConfig
    )
}
