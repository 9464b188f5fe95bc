//! Who answers customers: a desk before the pool of the settings' back ends, and a knowledge base that is kept fresh.

use std::sync::Arc;
use std::time::Duration;

use actors::generation::Desk;
use actors::metrics::Metrics;
use actors::port::Ports;
use anyhow::{Context, Result};
use schemas::rulebook::ConversationPolicy;
use schemas::time::Span;
use tokio::task::AbortHandle;

use crate::generate::{self, Brief, Kind};
use crate::knowledge::Knowledge;
use crate::settings::Settings;

/// The folder of articles is looked at this often.
const FRESH_EVERY: Duration = Duration::from_secs(5);
/// An answer is asked for again when it is so much later than its deadline.
const GRACE: Span = Span(15_000);

/// What answers customers while it lives.
pub struct Answering {
    fresh: Option<AbortHandle>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(fresh) = &self.fresh {
            fresh.abort();
        }
    }
}

/// Returns true where something can answer: a server, or a knowledge base to quote.
fn is_there(settings: &Settings) -> bool {
    let writes = |kind| kind == Kind::Openai;
    !settings.knowledge.dir.as_os_str().is_empty()
        || settings.generation.backends.values().any(|backend| writes(backend.kind))
}

/// Returns how customers are answered by these settings.
pub(super) fn policy(settings: &Settings) -> ConversationPolicy {
    let deadline = i64::try_from(settings.generation.deadline_ms).unwrap_or(i64::MAX);
    let answered_within = is_there(settings).then(|| Span(deadline.saturating_add(GRACE.0)));
    ConversationPolicy { answered_within }
}

/// Puts a desk before the pool of the settings' back ends into the ports, where something can answer.
///
/// Errors: the knowledge base cannot be opened, or a back end not set up.
pub fn answering(settings: &Settings, ports: Ports, metrics: &Metrics) -> Result<(Ports, Answering)> {
    if !is_there(settings) {
        return Ok((ports, Answering { fresh: None }));
    }
    let knowledge = open(settings)?;
    let clock = ports.clock.clone();
    let around = generate::Around { metrics, clock: clock.clone(), knowledge: knowledge.clone() };
    let pool = generate::build(&settings.generation, around).context("failed to set up generation")?;
    let brief = Brief::new(settings.generation.clone(), knowledge.clone(), clock.clone());
    let to = (ports.sink.clone(), ports.source.partitions());
    let around = (clock.clone(), metrics.conversation().clone());
    let desk = Desk::new(pool, Arc::new(brief), to, around);
    let fresh = knowledge.map(|knowledge| knowledge.keep_fresh(clock, FRESH_EVERY));
    let fresh = fresh.map(|fresh| tokio::spawn(fresh).abort_handle());
    Ok((Ports { answers: Arc::new(desk), ..ports }, Answering { fresh }))
}

/// Opens the knowledge base, if the settings name one; what of it cannot be read is told.
fn open(settings: &Settings) -> Result<Option<Arc<Knowledge>>> {
    let dir = &settings.knowledge.dir;
    if dir.as_os_str().is_empty() {
        return Ok(None);
    }
    let knowledge = Knowledge::open(dir).context("failed to open the knowledge base")?;
    for fault in knowledge.content().borrow().faults.iter() {
        tracing::warn!(%fault, "file of the knowledge base left out");
    }
    Ok(Some(Arc::new(knowledge)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_asks_where_something_can_answer_and_waits_longer_than_the_pool() {
        let mut settings = Settings::defaults();
        assert_eq!(policy(&settings).answered_within, None, "nothing to quote, and no server");
        settings.knowledge.dir = "articles".into();
        let within = policy(&settings).answered_within.expect("quotes");
        assert!(within.0 > settings.generation.deadline_ms as i64);
    }
}
