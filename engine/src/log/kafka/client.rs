//! How the client library is set up: what every client shares, and what consumers and producers add. The rules that each prevent a silent
//! loss stand here, one line each.

use std::sync::{Mutex, PoisonError};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::settings::{Mechanism, Protocol, Settings};

/// Largest record that a producer hands over: a dead letter holds a record whole, as text. Units: bytes.
pub(super) const RECORD_BYTES_MAX: usize = 8 << 20;

/// A broker holds back an empty answer this long; also how long a partition that was added or sought may wait for the answer under way.
/// Units: ms.
const BROKER_WAIT_MS: u64 = 100;

/// A broker is asked for more this soon after the library's queue was full. Units: ms.
const QUEUE_BACKOFF_MS: u64 = 20;

/// Records that the library holds on top of the partitions' buffers. Units: KiB.
const LIBRARY_KIB: usize = 16 << 10;

/// Returns what every client shares.
fn common(settings: &Settings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Warning);
    config.set("bootstrap.servers", &settings.brokers).set("client.id", client_id(settings));
    config.set("security.protocol", settings.security_protocol.as_str());
    config.set("socket.keepalive.enable", "true").set("socket.nagle.disable", "true");
    config.set("reconnect.backoff.max.ms", "1000").set("topic.metadata.propagation.max.ms", "5000");
    if settings.sasl_mechanism != Mechanism::None {
        config.set("sasl.mechanism", settings.sasl_mechanism.as_str());
        config
            .set("sasl.username", &settings.sasl_username)
            .set("sasl.password", settings.sasl_password.reveal());
    }
    for (key, path) in [
        ("ssl.ca.location", &settings.ssl_ca_location),
        ("ssl.certificate.location", &settings.ssl_certificate_location),
        ("ssl.key.location", &settings.ssl_key_location),
    ] {
        if !path.as_os_str().is_empty() {
            config.set(key, path.display().to_string());
        }
    }
    if !settings.ssl_key_password.is_empty() {
        config.set("ssl.key.password", settings.ssl_key_password.reveal());
    }
    config
}

fn client_id(settings: &Settings) -> &str {
    if settings.instance_id.is_empty() { "care" } else { &settings.instance_id }
}

/// Returns the set-up of a client that asks and creates.
pub(super) fn admin(settings: &Settings) -> ClientConfig {
    common(settings)
}

/// Returns the set-up of a consumer that is no member of the group.
pub(super) fn reader(settings: &Settings) -> ClientConfig {
    let mut config = common(settings);
    // Positions are ours to keep: nothing is committed or reset behind our back.
    config.set("group.id", &settings.group);
    config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    config.set("auto.offset.reset", "error");
    // What a transaction took back is never seen.
    config.set("isolation.level", "read_committed");
    config.set("check.crcs", "true").set("enable.partition.eof", "true");
    config.set("fetch.wait.max.ms", BROKER_WAIT_MS.to_string());
    config.set("fetch.queue.backoff.ms", QUEUE_BACKOFF_MS.to_string());
    config.set("queued.max.messages.kbytes", LIBRARY_KIB.to_string());
    config
}

/// Returns the set-up of the consumer that is this process's member of the group.
pub(super) fn member(settings: &Settings) -> ClientConfig {
    let mut config = reader(settings);
    config.set("group.protocol", settings.protocol.as_str());
    config.set("max.poll.interval.ms", settings.poll_max_ms.to_string());
    match settings.protocol {
        Protocol::Classic => {
            // Partitions that stay are not stopped by a rebalance for longer than it takes.
            config.set("partition.assignment.strategy", "cooperative-sticky");
            config.set("session.timeout.ms", settings.session_timeout_ms.to_string());
            // A member hears of a rebalance by the answer to a heartbeat: what it is to give up waits no longer than that.
            let heartbeat = (settings.session_timeout_ms / 4).clamp(100, 200);
            config.set("heartbeat.interval.ms", heartbeat.to_string());
        }
        // The broker's session settings and assignor count, and the library refuses ours.
        Protocol::Consumer => {}
    }
    if !settings.instance_id.is_empty() {
        config.set("group.instance.id", &settings.instance_id);
    }
    config
}

/// Returns the set-up of the producer.
pub(super) fn producer(settings: &Settings) -> ClientConfig {
    let mut config = common(settings);
    // Java's partitioner: with the library's own, one customer would sit on two partitions.
    config.set("partitioner", "murmur2_random");
    // What is acknowledged is on every replica in sync, once, and in order.
    config.set("enable.idempotence", "true").set("acks", "all");
    config.set("message.timeout.ms", settings.delivery_timeout_ms.to_string());
    config
        .set("request.timeout.ms", settings.request_timeout_ms.min(settings.delivery_timeout_ms).to_string());
    config.set("linger.ms", settings.linger_ms.to_string());
    config.set("compression.type", settings.compression.as_str());
    config.set("queue.buffering.max.messages", settings.queue_records.to_string());
    config.set("message.max.bytes", RECORD_BYTES_MAX.to_string());
    config
}

/// What a client says of itself: kept, since errors that reach the caller come without their reason.
#[derive(Debug, Default)]
pub(super) struct Voice {
    said: Mutex<String>,
}

impl Voice {
    /// Returns the reason of the last error.
    pub(super) fn last(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a line of the library's log.
    pub(super) fn line(level: RDKafkaLogLevel, facility: &str, line: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(facility, line, "kafka client"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(facility, line, "kafka client"),
            RDKafkaLogLevel::Debug => tracing::debug!(facility, line, "kafka client"),
        }
    }

    /// Takes an error of the client as a whole.
    pub(super) fn error(&self, error: &KafkaError, reason: &str) {
        // The end of a partition is no error, and it comes often.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        tracing::warn!(%error, reason, "kafka client");
        reason.clone_into(&mut self.said.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The context of clients that only ask.
#[derive(Debug, Default)]
pub(super) struct Asking {
    voice: Voice,
}

impl ClientContext for Asking {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        Voice::line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.voice.error(&error, reason);
    }
}

impl rdkafka::consumer::ConsumerContext for Asking {}
