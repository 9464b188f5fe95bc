//! What is counted of the HTTP server and of the events that come in there.

use std::time::Duration;

use prometheus::{Histogram, IntCounterVec, IntGauge};

use super::Make;

/// Counters, gauges and a histogram of the server.
#[derive(Clone)]
pub struct Collector {
    requests: IntCounterVec,
    refused: IntCounterVec,
    accepted: IntCounterVec,
    rejected: IntCounterVec,
    under_way: IntGauge,
    pages: IntGauge,
    durable: Histogram,
}

impl Collector {
    pub(super) fn new(make: &Make<'_>) -> Self {
        Self {
            requests: make.counters(
                "care_http_requests_total",
                "Requests answered, by route and class of status",
                &["route", "status"],
            ),
            refused: make.counters(
                "care_http_requests_refused_total",
                "Requests refused as a whole, by reason",
                &["reason"],
            ),
            accepted: make.counters(super::ACCEPTED, "Events made durable, by dialect", &["dialect"]),
            rejected: make.counters(
                "care_collector_events_rejected_total",
                "Events refused one by one, by dialect and reason",
                &["dialect", "code"],
            ),
            under_way: make.gauge(
                "care_collector_under_way_bytes",
                "Bodies between their first byte and the durability of their events",
            ),
            pages: make.gauge(super::PAGES, "Pages of shoppers that hold a seat and listen"),
            durable: make.histogram(
                "care_collector_durable_seconds",
                "Time from the arrival of a request to the durability of its events",
            ),
        }
    }

    /// Counts an answer, by the route that gave it and its status.
    pub fn answered(&self, route: &'static str, status: u16) {
        let class = match status {
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.requests.with_label_values(&[route, class]).inc();
    }

    /// Counts a request that was refused as a whole, by the short name of the reason.
    pub fn refused(&self, reason: &'static str) {
        self.refused.with_label_values(&[reason]).inc();
    }

    /// Counts events that are durable.
    pub fn accepted(&self, dialect: &'static str, events: usize) {
        self.accepted.with_label_values(&[dialect]).inc_by(events as u64);
    }

    /// Counts an event that was refused, by the short name of the reason.
    pub fn rejected(&self, dialect: &'static str, code: &'static str) {
        self.rejected.with_label_values(&[dialect, code]).inc();
    }

    /// Shows that bodies under way have grown or shrunk by so many bytes.
    pub fn under_way(&self, bytes: i64) {
        self.under_way.add(bytes);
    }

    /// Shows how many pages listen.
    pub fn pages(&self, listening: usize) {
        self.pages.set(listening as i64);
    }

    /// Notes how long the events of a request took to be durable.
    pub fn durable(&self, took: Duration) {
        self.durable.observe(took.as_secs_f64());
    }
}
