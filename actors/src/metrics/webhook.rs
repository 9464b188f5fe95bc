//! What is counted of webhooks. Channels are named by the settings, so their number is bounded.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};
use smol_str::SmolStr;

use super::Make;

/// Counters, gauges and a histogram of every webhook.
#[derive(Clone)]
pub(super) struct Webhooks {
    calls: IntCounterVec,
    seconds: HistogramVec,
    given_up: IntCounterVec,
    disabled: IntGaugeVec,
}

impl Webhooks {
    pub(super) fn new(make: &Make<'_>) -> Self {
        Self {
            calls: make.counters(
                "care_webhook_calls_total",
                "Calls of a webhook by how they ended",
                &["channel", "result"],
            ),
            seconds: make.histograms(
                "care_webhook_call_seconds",
                "Time from a call of a webhook to its end",
                "channel",
            ),
            given_up: make.counters(
                "care_webhook_given_up_total",
                "Outreach that a webhook did not take at its last attempt, or while it is disabled",
                &["channel"],
            ),
            disabled: make.gauges(
                "care_webhook_disabled",
                "1 while a webhook is disabled since it answered 410, else 0",
                "channel",
            ),
        }
    }

    /// Returns what is counted of one webhook, which shows from now on.
    pub(super) fn of(&self, channel: &str) -> Webhook {
        let webhook = Webhook { all: self.clone(), channel: channel.into() };
        webhook.all.given_up.with_label_values(&[channel]).inc_by(0);
        webhook
    }
}

/// What is counted of the webhook of one channel.
#[derive(Clone)]
pub struct Webhook {
    all: Webhooks,
    channel: SmolStr,
}

impl Webhook {
    /// Counts a call by the short name of its end, and notes how long it took.
    pub fn called(&self, result: &'static str, took: Duration) {
        self.all.calls.with_label_values(&[self.channel.as_str(), result]).inc();
        self.all.seconds.with_label_values(&[self.channel.as_str()]).observe(took.as_secs_f64());
    }

    /// Counts an outreach that is not tried again.
    pub fn gave_up(&self) {
        self.all.given_up.with_label_values(&[self.channel.as_str()]).inc();
    }

    /// Shows that the webhook is disabled.
    pub fn disabled(&self) {
        self.all.disabled.with_label_values(&[self.channel.as_str()]).set(1);
    }

    /// Shows that the webhook is called.
    pub fn enabled(&self) {
        self.all.disabled.with_label_values(&[self.channel.as_str()]).set(0);
    }
}
