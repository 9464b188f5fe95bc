//! Whether what the collector accepted is applied, as the engine's own metrics say.

use std::time::Duration;

use actors::metrics::{ACCEPTED, APPLIED, DEAD_LETTERS, DUPLICATE};
use actors::port::clock::Clock;
use anyhow::{Context, Result};
use serde::Serialize;

use super::link::Link;
use crate::clock::SystemClock;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(250);

/// The engine has so long to apply what it accepted.
const WITHIN: Duration = Duration::from_secs(60);

/// What became of the events that the collector accepted since the engine was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Events that the collector accepted, and that are durable.
    pub accepted: u64,
    /// Events that pages told besides: outreach was read.
    pub told: u64,
    /// Events that rows applied, or knew already.
    pub applied: u64,
    /// Records that no row could take.
    pub dead_letters: u64,
}

impl Applied {
    /// Returns how many accepted events are not accounted for.
    pub fn lost(&self) -> u64 {
        (self.accepted + self.told).saturating_sub(self.applied + self.dead_letters)
    }
}

/// The engine's metrics.
pub(super) struct Metrics {
    link: Link,
    url: String,
}

impl Metrics {
    pub(super) fn new(link: Link, url: &str) -> Self {
        Self { link, url: url.to_owned() }
    }

    /// Waits until everything that was accepted is applied, beside so many events that pages told, or a minute.
    ///
    /// Errors: the metrics cannot be read.
    pub(super) async fn wait_until_applied(&self, told: u64) -> Result<Applied> {
        let began = SystemClock.boot();
        loop {
            let text =
                self.link.text(&self.url).await.with_context(|| format!("failed to read {}", self.url))?;
            let applied = Applied { told, ..read(&text) };
            if applied.lost() == 0 || SystemClock.boot().saturating_sub(began) > WITHIN {
                return Ok(applied);
            }
            SystemClock.sleep(LOOK).await;
        }
    }
}

fn read(text: &str) -> Applied {
    let of = |name: &str| sum(text, name);
    Applied {
        accepted: of(ACCEPTED),
        told: 0,
        applied: of(APPLIED) + of(DUPLICATE),
        dead_letters: of(DEAD_LETTERS),
    }
}

/// Returns the sum of a metric over its labels.
fn sum(text: &str, name: &str) -> u64 {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with(['{', ' ']).then(|| rest.rsplit(' ').next()?.parse::<f64>().ok()).flatten()
    };
    text.lines().filter_map(value).sum::<f64>() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_and_neither_applied_nor_set_aside_is_lost() {
        let text = format!(
            "# TYPE {ACCEPTED} counter
{ACCEPTED}{{dialect=\"segment\"}} 7
{ACCEPTED}{{dialect=\"cloud\"}} 3
{APPLIED} 6
{APPLIED}_of_another 100
{DUPLICATE}{{partition=\"0\"}} 1
{DEAD_LETTERS}{{reason=\"x y\"}} 1
"
        );
        let applied = read(&text);
        assert_eq!(applied, Applied { accepted: 10, told: 0, applied: 7, dead_letters: 1 });
        assert_eq!(applied.lost(), 2);
        assert_eq!(Applied { told: 3, ..applied }.lost(), 5);
    }
}
