//! Settings: what a person may choose, read once at the start and never looked up again.
//!
//! `engine/default.toml` documents every key; [`legal`] says what each may hold; [`load`] lays file, environment and options above the
//! defaults. Nothing else in the program reads the environment.

pub mod legal;
pub mod load;
pub mod secret;
pub mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use actors::partition::settings::Settings as PartitionSettings;
use schemas::money::Currency;
use schemas::profile::ProfilePolicy;
use schemas::time::Span;
use serde::Deserialize;

use crate::log::kafka;
use crate::predict::Wait;
use crate::{chat, generate, http, knowledge, log, observe, outreach, predict, serve, store};

pub use load::{Effective, Faults, Layers, Loaded, Origin, environment, load};
pub use secret::Secret;
pub use world::World;

#[cfg(test)]
mod tests;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where everything durable is.
    pub data: Data,
    /// The log.
    pub log: log::Settings,
    /// The Kafka log.
    pub kafka: kafka::Settings,
    /// The store.
    pub store: store::Settings,
    /// The store on CQL servers.
    pub cql: store::cql::Settings,
    /// The engine as a service.
    pub serve: serve::Settings,
    /// The HTTP server.
    pub http: http::Settings,
    /// Conversations with shoppers.
    pub chat: chat::Settings,
    /// Bounds and intervals of partitions.
    pub partition: Partition,
    /// Live customers.
    pub customers: Customers,
    /// Scores.
    pub predictor: predict::Settings,
    /// The dispatcher.
    pub dispatcher: Dispatcher,
    /// Channels by the name that triggers use.
    pub channels: BTreeMap<String, outreach::Settings>,
    /// Answers in words.
    pub generation: generate::Settings,
    /// What they rest on.
    pub knowledge: knowledge::Settings,
    /// What the shop decides about its customers.
    pub policy: Policy,
    /// Trigger files.
    pub triggers: Triggers,
    /// Replays.
    pub replay: Replay,
    /// What the program says of itself.
    pub observability: observe::Settings,
}

/// Section `data`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The data folder.
    pub dir: PathBuf,
}

/// Section `partition`; the meaning of each key stands in `default.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "default.toml documents every key; a second text would drift from it")]
pub struct Partition {
    pub threads: usize,
    pub fetch_max: usize,
    pub waiting_max: usize,
    pub loading_max: usize,
    pub dirty_max: usize,
    pub flush_quiet_ms: u64,
    pub flush_quiet_max_ms: u64,
    pub flush_urgent_ms: u64,
    pub group_rows_max: usize,
    pub groups_max: usize,
    pub relay_max: usize,
    pub lease_ms: u64,
    pub lease_renew_ms: u64,
    pub confirm_ms: u64,
    pub replay_margin_ms: u64,
    pub retry_ms: u64,
    pub timer_grid_ms: u64,
    pub timer_ahead_days: i64,
    pub drain_ms: u64,
    pub invalid_run_max: u32,
    pub invalid_max: u32,
}

/// Section `customers`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customers {
    /// Live customers per partition.
    pub live_max: usize,
    /// Memory of the live customers of one partition.
    pub memory_max_mib: usize,
    /// Rest after this long.
    pub idle_s: u64,
}

/// Section `dispatcher`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatcher {
    /// Outreach in flight.
    pub window: usize,
    /// Records per fetch.
    pub fetch_max: usize,
    /// Bound of a channel call.
    pub call_deadline_ms: u64,
    /// Wait after a call whose deadline passed.
    pub retry_after_s: i64,
}

/// Consent that is taken as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum AssumedConsent {
    /// None: unknown is not granted
    None,
    /// To marketing, on every channel
    Marketing,
}

impl AssumedConsent {
    /// Returns the word used in settings and options.
    pub fn as_str(self) -> &'static str {
        match self {
            AssumedConsent::None => "none",
            AssumedConsent::Marketing => "marketing",
        }
    }
}

/// Section `policy`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Events older than this fire nothing.
    pub late_days: i64,
    /// Events further ahead are taken as of now.
    pub future_min: i64,
    /// A session ends after this long without activity.
    pub session_idle_min: i64,
    /// An untouched cart is dropped after this long.
    pub cart_idle_days: i64,
    /// Message ids kept per customer.
    pub message_ring: usize,
    /// Currency of a bare number: three capital letters.
    pub base_currency: String,
    /// Zone of a customer of whom nothing better is known.
    pub zone: String,
    /// Locale of a customer of whom nothing better is known.
    pub locale: String,
    /// Marketing outreach within 24 hours.
    pub cap_marketing_day: u32,
    /// Marketing outreach within 7 days.
    pub cap_marketing_week: u32,
    /// Outreach of any category within 24 hours.
    pub cap_any_day: u32,
    /// Share of the global control group.
    pub control_share: f64,
    /// Consent without a statement.
    pub assume_consent: AssumedConsent,
}

/// Section `triggers`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// Folder of trigger files; empty = none.
    pub dir: PathBuf,
}

/// Section `replay`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Rows appended at once.
    pub batch_rows: usize,
    /// Events appended and not yet read by their partition.
    pub ahead_max: u64,
    /// Memory for ordering a file by time.
    pub sort_memory_mib: usize,
    /// Rejected rows shown per reason.
    pub examples_max: usize,
}

impl Settings {
    /// Returns the settings of `default.toml`.
    pub fn defaults() -> Self {
        load(&Layers::default()).expect("default.toml is legal, as a test shows").settings
    }

    /// Returns the bounds of each partition.
    pub fn partition(&self) -> PartitionSettings {
        let (of, customers) = (&self.partition, &self.customers);
        PartitionSettings {
            fetch_max: of.fetch_max,
            waiting_max: of.waiting_max,
            loading_max: of.loading_max,
            dirty_max: of.dirty_max,
            live_max: customers.live_max,
            memory_max_bytes: customers.memory_max_mib.saturating_mul(1 << 20),
            idle: Duration::from_secs(customers.idle_s),
            flush_quiet: Duration::from_millis(of.flush_quiet_ms),
            flush_quiet_max: Duration::from_millis(of.flush_quiet_max_ms),
            flush_urgent: Duration::from_millis(of.flush_urgent_ms),
            group_rows_max: of.group_rows_max,
            groups_max: of.groups_max,
            relay_max: of.relay_max,
            lease: Duration::from_millis(of.lease_ms),
            lease_renew: Duration::from_millis(of.lease_renew_ms),
            confirm: Duration::from_millis(of.confirm_ms),
            replay_margin: self.replay_margin(),
            retry: Duration::from_millis(of.retry_ms),
            score_deadline: self.predictor.deadline(),
            hold_for_score: self.predictor.wait == Wait::Answer,
            timer_grid: Duration::from_millis(of.timer_grid_ms),
            timer_ahead: Span::days(of.timer_ahead_days),
            drain: Duration::from_millis(of.drain_ms),
            invalid_run_max: of.invalid_run_max,
            invalid_max: of.invalid_max,
        }
    }

    /// Returns the policy of the profile's fold.
    pub fn profile_policy(&self) -> ProfilePolicy {
        let of = &self.policy;
        let letters = of.base_currency.as_bytes().try_into().expect("a legal currency has three letters");
        ProfilePolicy {
            session_idle: Span::minutes(of.session_idle_min),
            message_ring: of.message_ring,
            cart_idle_max: Span::days(of.cart_idle_days),
            base_currency: Currency(letters),
            default_zone: of.zone.as_str().into(),
            default_locale: of.locale.as_str().into(),
        }
    }

    /// Returns what keys contradict others, each with what is wrong.
    fn contradictions(&self) -> Vec<(&'static str, String)> {
        let of = &self.partition;
        let mut found = Vec::new();
        if of.flush_quiet_ms > of.flush_quiet_max_ms {
            let max = of.flush_quiet_max_ms;
            found.push((
                "partition.flush_quiet_ms",
                format!("has to be at most partition.flush_quiet_max_ms ({max})"),
            ));
        }
        if of.lease_renew_ms.saturating_mul(2) > of.lease_ms {
            let lease = of.lease_ms;
            found.push((
                "partition.lease_renew_ms",
                format!("has to be at most half of partition.lease_ms ({lease})"),
            ));
        }
        found.extend(self.contradictions_of_the_world());
        let call_deadline = Duration::from_millis(self.dispatcher.call_deadline_ms);
        found.extend(outreach::contradictions(&self.channels, call_deadline));
        found.extend(self.generation.contradictions());
        found.extend(self.chat.contradictions());
        found
    }
}
