//! What whoever watches sees at a glance: a few of the values, read at once.

use std::collections::BTreeMap;

use prometheus::core::Collector;
use prometheus::proto::Metric;

use super::Metrics;

/// A few values of a process. Counters count from its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Events that changed their customer.
    pub events: u64,
    /// Events that had come before.
    pub duplicates: u64,
    /// Records that became dead letters.
    pub dead_letters: u64,
    /// Decisions, by verdict.
    pub decisions: BTreeMap<String, u64>,
    /// Customers in memory.
    pub customers_live: u64,
    /// Records appended and not yet safe.
    pub lag: u64,
}

impl Metrics {
    /// Returns the pulse of the process.
    pub fn pulse(&self) -> Pulse {
        Pulse {
            events: self.events.applied.get(),
            duplicates: self.events.duplicate.get(),
            dead_letters: self.events.dead_letters.get(),
            decisions: self.decisions("verdict", |_| true),
            customers_live: gauges(&self.load.customers_live),
            lag: gauges(&self.load.lag),
        }
    }

    /// Returns how many decisions of a trigger this process has made since its start, by verdict.
    pub fn decisions_of(&self, trigger: &str) -> BTreeMap<String, u64> {
        self.decisions("verdict", |metric| label(metric, "trigger") == trigger)
    }

    fn decisions(&self, by: &str, wanted: impl Fn(&Metric) -> bool) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for family in self.outcomes.decisions.collect() {
            for metric in family.get_metric().iter().filter(|metric| wanted(metric)) {
                *sums.entry(label(metric, by).to_owned()).or_default() +=
                    metric.get_counter().get_value() as u64;
            }
        }
        sums
    }
}

fn label<'a>(metric: &'a Metric, name: &str) -> &'a str {
    metric.get_label().iter().find(|label| label.name() == name).map_or("", |label| label.value())
}

fn gauges(of: &impl Collector) -> u64 {
    let families = of.collect();
    let values = families.iter().flat_map(|family| family.get_metric());
    values.map(|metric| metric.get_gauge().get_value().max(0.0) as u64).sum()
}
