//! Section `kafka` of the settings: where the brokers are, who this process is to them, and the bounds of reading and writing.

use std::path::PathBuf;
use std::time::Duration;

use actors::port::log::Topic;
use serde::Deserialize;

use crate::settings::Secret;
use crate::settings::legal::Legal;

/// How members of the group agree who reads what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// The members decide (cooperative-sticky), the client's session settings count.
    Classic,
    /// The broker decides (KIP-848), the broker's session settings count.
    Consumer,
}

impl Protocol {
    /// Returns the name that the client library knows it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Classic => "classic",
            Protocol::Consumer => "consumer",
        }
    }
}

/// How the connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Neither encrypted nor authenticated.
    Plaintext,
    /// TLS.
    Ssl,
    /// User and password without encryption.
    SaslPlaintext,
    /// User and password over TLS.
    SaslSsl,
}

impl Security {
    /// Returns the name that the client library knows it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Security::Plaintext => "plaintext",
            Security::Ssl => "ssl",
            Security::SaslPlaintext => "sasl_plaintext",
            Security::SaslSsl => "sasl_ssl",
        }
    }

    fn has_sasl(self) -> bool {
        matches!(self, Security::SaslPlaintext | Security::SaslSsl)
    }

    fn has_tls(self) -> bool {
        matches!(self, Security::Ssl | Security::SaslSsl)
    }
}

/// How user and password are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Mechanism {
    /// Not at all.
    #[serde(rename = "none")]
    None,
    /// As they are.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Salted challenge, SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Salted challenge, SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl Mechanism {
    /// Returns the name that the client library knows it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Mechanism::None => "none",
            Mechanism::Plain => "PLAIN",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// How batches are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names of the codecs say it")]
pub enum Compression {
    None,
    Lz4,
    Snappy,
    Gzip,
    Zstd,
}

impl Compression {
    /// Returns the name that the client library knows it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Lz4 => "lz4",
            Compression::Snappy => "snappy",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

/// Section `kafka`; the meaning of each key stands in `default.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "default.toml documents every key; a second text would drift from it")]
pub struct Settings {
    pub brokers: String,
    pub group: String,
    pub topic_prefix: String,
    pub instance_id: String,
    pub protocol: Protocol,
    pub session_timeout_ms: u64,
    pub poll_max_ms: u64,
    pub release_ms: u64,
    pub commit_ms: u64,
    pub buffer_records: usize,
    pub buffer_kib: usize,
    pub fetch_wait_ms: u64,
    pub ends_ms: u64,
    pub clock_skew_max_ms: u64,
    pub queue_records: usize,
    pub linger_ms: u64,
    pub compression: Compression,
    pub delivery_timeout_ms: u64,
    pub request_timeout_ms: u64,
    pub topics_check_s: u64,
    pub replication: u32,
    pub min_insync: u32,
    pub retention_h: u64,
    pub outreach_retention_h: u64,
    pub dead_letter_retention_h: u64,
    pub security_protocol: Security,
    pub sasl_mechanism: Mechanism,
    pub sasl_username: String,
    pub sasl_password: Secret,
    pub ssl_ca_location: PathBuf,
    pub ssl_certificate_location: PathBuf,
    pub ssl_key_location: PathBuf,
    pub ssl_key_password: Secret,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[
    ("kafka.brokers", Legal::Servers),
    ("kafka.group", Legal::Name),
    ("kafka.topic_prefix", Legal::OptionalName),
    ("kafka.instance_id", Legal::OptionalName),
    ("kafka.protocol", Legal::OneOf(&["classic", "consumer"])),
    ("kafka.session_timeout_ms", Legal::Count(1_000, 1_800_000, "ms")),
    ("kafka.poll_max_ms", Legal::Count(5_000, 3_600_000, "ms")),
    ("kafka.release_ms", Legal::Count(100, 600_000, "ms")),
    ("kafka.commit_ms", Legal::Count(1, 60_000, "ms")),
    ("kafka.buffer_records", Legal::Count(2, 1_000_000, "records")),
    ("kafka.buffer_kib", Legal::Count(16, 1_048_576, "KiB")),
    ("kafka.fetch_wait_ms", Legal::Count(1, 10_000, "ms")),
    ("kafka.ends_ms", Legal::Count(10, 60_000, "ms")),
    ("kafka.clock_skew_max_ms", Legal::Count(0, 60_000, "ms")),
    ("kafka.queue_records", Legal::Count(100, 10_000_000, "records")),
    ("kafka.linger_ms", Legal::Count(0, 1_000, "ms")),
    ("kafka.compression", Legal::OneOf(&["none", "lz4", "snappy", "gzip", "zstd"])),
    ("kafka.delivery_timeout_ms", Legal::Count(1_000, 600_000, "ms")),
    ("kafka.request_timeout_ms", Legal::Count(500, 60_000, "ms")),
    ("kafka.topics_check_s", Legal::Count(1, 3_600, "s")),
    ("kafka.replication", Legal::Count(1, 9, "brokers")),
    ("kafka.min_insync", Legal::Count(1, 9, "brokers")),
    ("kafka.retention_h", Legal::Count(1, 87_600, "h")),
    ("kafka.outreach_retention_h", Legal::Count(1, 87_600, "h")),
    ("kafka.dead_letter_retention_h", Legal::Count(1, 87_600, "h")),
    ("kafka.security_protocol", Legal::OneOf(&["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"])),
    ("kafka.sasl_mechanism", Legal::OneOf(&["none", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])),
    ("kafka.sasl_username", Legal::OptionalText),
    ("kafka.sasl_password", Legal::Secret),
    ("kafka.ssl_ca_location", Legal::OptionalPath),
    ("kafka.ssl_certificate_location", Legal::OptionalPath),
    ("kafka.ssl_key_location", Legal::OptionalPath),
    ("kafka.ssl_key_password", Legal::Secret),
];

impl Settings {
    /// Returns the name of a topic on the brokers.
    pub fn topic(&self, topic: Topic) -> String {
        format!("{}{}", self.topic_prefix, topic.as_str())
    }

    /// Returns how long records of a topic are kept.
    pub fn retention(&self, topic: Topic) -> Duration {
        let hours = match topic {
            Topic::Events => self.retention_h,
            Topic::Outreach | Topic::Decisions | Topic::Replies => self.outreach_retention_h,
            Topic::DeadLetter => self.dead_letter_retention_h,
        };
        Duration::from_secs(hours.saturating_mul(3_600))
    }

    /// Returns the bound of one request to the brokers.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// Returns what keys contradict others, each with what is wrong. `lease_ms` is how long a lease lasts, `drain_ms` how long a
    /// partition may take to drain.
    pub fn contradictions(&self, lease_ms: u64, drain_ms: u64) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut wrong = |key, is_wrong: bool, text: String| found.extend(is_wrong.then_some((key, text)));
        wrong(
            "kafka.release_ms",
            self.release_ms.saturating_mul(2) > self.poll_max_ms,
            format!(
                "has to be at most half of kafka.poll_max_ms ({}): a member that drains longer is taken for dead",
                self.poll_max_ms
            ),
        );
        wrong(
            "kafka.release_ms",
            self.release_ms < drain_ms,
            format!("has to be at least partition.drain_ms ({drain_ms}), or a draining is cut off"),
        );
        wrong(
            "kafka.session_timeout_ms",
            self.protocol == Protocol::Classic && self.session_timeout_ms > self.poll_max_ms,
            format!("has to be at most kafka.poll_max_ms ({})", self.poll_max_ms),
        );
        wrong(
            "kafka.delivery_timeout_ms",
            self.delivery_timeout_ms >= lease_ms,
            format!(
                "has to be below partition.lease_ms ({lease_ms}): what an owner appends must not arrive after its lease"
            ),
        );
        wrong(
            "kafka.min_insync",
            self.min_insync > self.replication,
            format!(
                "has to be at most kafka.replication ({}), or nothing could be written",
                self.replication
            ),
        );
        wrong(
            "kafka.outreach_retention_h",
            self.outreach_retention_h < self.retention_h,
            format!(
                "has to be at least kafka.retention_h ({}): an outreach must outlive the events that it is repeated from",
                self.retention_h
            ),
        );
        found.extend(self.security_contradictions());
        found
    }

    fn security_contradictions(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut wrong =
            |key, is_wrong: bool, text: &str| found.extend(is_wrong.then(|| (key, text.to_owned())));
        let (sasl, tls) = (self.security_protocol.has_sasl(), self.security_protocol.has_tls());
        let has_mechanism = self.sasl_mechanism != Mechanism::None;
        wrong(
            "kafka.sasl_mechanism",
            sasl && !has_mechanism,
            "is needed by kafka.security_protocol sasl_plaintext and sasl_ssl",
        );
        wrong(
            "kafka.sasl_mechanism",
            !sasl && has_mechanism,
            "needs kafka.security_protocol sasl_plaintext or sasl_ssl",
        );
        wrong(
            "kafka.sasl_username",
            has_mechanism && self.sasl_username.is_empty(),
            "is needed by kafka.sasl_mechanism",
        );
        wrong(
            "kafka.sasl_username",
            !has_mechanism && !self.sasl_username.is_empty(),
            "needs kafka.sasl_mechanism",
        );
        wrong(
            "kafka.sasl_password",
            has_mechanism && self.sasl_password.is_empty(),
            "is needed by kafka.sasl_mechanism",
        );
        wrong(
            "kafka.sasl_password",
            !has_mechanism && !self.sasl_password.is_empty(),
            "needs kafka.sasl_mechanism",
        );
        let (certificate, key) = (&self.ssl_certificate_location, &self.ssl_key_location);
        let is_set = |path: &PathBuf| !path.as_os_str().is_empty();
        for (name, path) in [
            ("kafka.ssl_ca_location", &self.ssl_ca_location),
            ("kafka.ssl_certificate_location", certificate),
            ("kafka.ssl_key_location", key),
        ] {
            wrong(name, is_set(path) && !tls, "needs kafka.security_protocol ssl or sasl_ssl");
        }
        wrong(
            "kafka.ssl_key_location",
            is_set(certificate) != is_set(key),
            "goes with kafka.ssl_certificate_location: both or neither",
        );
        wrong(
            "kafka.ssl_key_password",
            !self.ssl_key_password.is_empty() && !is_set(key),
            "needs kafka.ssl_key_location",
        );
        found
    }
}
