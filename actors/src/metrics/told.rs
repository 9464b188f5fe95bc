//! What was measured, read again: by a scrape, and by summaries of a run.

use std::time::Duration;

use prometheus::core::Metric as _;
use prometheus::{Encoder, TextEncoder};

use super::Metrics;

/// One value as a scrape would show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Name of the metric.
    pub name: String,
    /// Label values in the order of the labels' names.
    pub labels: Vec<String>,
    /// Value; of a histogram the number of observations.
    pub value: f64,
}

impl Metrics {
    /// Returns the time within which this share of the decisions was made, as exactly as the buckets tell; `None` when none was made.
    ///
    /// Bounds: the largest bucket; what took longer counts as that.
    pub fn decision_latency(&self, share: f64) -> Option<Duration> {
        let metric = self.times.decision_latency.metric();
        let histogram = metric.get_histogram();
        let rank = share * histogram.get_sample_count() as f64;
        let mut below = (0.0, 0.0);
        for bucket in histogram.get_bucket() {
            let (bound, count) = (bucket.upper_bound(), bucket.cumulative_count() as f64);
            if count > 0.0 && count >= rank {
                let within = (rank - below.1) / (count - below.1);
                return Some(Duration::from_secs_f64(below.0 + (bound - below.0) * within.clamp(0.0, 1.0)));
            }
            below = (bound, count);
        }
        (histogram.get_sample_count() > 0).then(|| Duration::from_secs_f64(below.0))
    }

    /// Returns everything in the text format of Prometheus.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).expect("a vector takes every byte");
        String::from_utf8(text).expect("the text format is UTF-8")
    }

    /// Returns every value, for summaries.
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for family in self.registry.gather() {
            for metric in family.get_metric() {
                let value = match family.get_field_type() {
                    prometheus::proto::MetricType::COUNTER => metric.get_counter().get_value(),
                    prometheus::proto::MetricType::GAUGE => metric.get_gauge().get_value(),
                    prometheus::proto::MetricType::HISTOGRAM => {
                        metric.get_histogram().get_sample_count() as f64
                    }
                    prometheus::proto::MetricType::SUMMARY | prometheus::proto::MetricType::UNTYPED => {
                        continue;
                    }
                };
                let labels = metric.get_label().iter().map(|label| label.value().to_owned()).collect();
                samples.push(Sample { name: family.name().to_owned(), labels, value });
            }
        }
        samples
    }
}
