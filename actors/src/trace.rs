//! Every span of the floors up to here: names and fields stand in this file and nowhere else.
//!
//! Spans are of the target [`TARGET`] and of the lowest level, so that they cost one look at a number where nobody traces. They follow
//! batches, calls and answers, never single events, and hold no personal data: counts, names of channels, triggers and models.
//!
//! Source: OpenTelemetry semantic conventions [`CONVENTIONS`], those of generative AI among them.

use rustc_hash::FxHashMap;
use schemas::decision::Outreach;
use schemas::ids::PartitionId;
use tracing::field::Empty;
use tracing::{Span, trace_span};

use crate::generation::Rung;
use crate::port::channel::Delivery;
use crate::port::generator::{Error, Finish, Usage, Writer};

/// Target of every span of this file.
pub const TARGET: &str = "care::trace";

/// The version of the semantic conventions whose names are used.
pub const CONVENTIONS: &str = "1.37.0";

/// The spans of one partition: a cycle begins with a fetch that brought records, or with a timer's turn, and ends when the next begins or
/// everything is durable. Its parts are `partition.fetch` (decoding and routing), `partition.turns` and one `partition.flush` per write of
/// rows that was begun in it.
pub(crate) struct Cycle {
    partition: PartitionId,
    open: Span,
    fetch: Span,
    turns: Span,
    given: u64,
    /// Writes under way by their group; they may outlive the cycle that began them.
    flushes: FxHashMap<u64, Span>,
}

impl Cycle {
    /// Returns the spans of a partition that does nothing yet.
    pub(crate) fn new(partition: PartitionId) -> Self {
        let (open, fetch, turns) = (Span::none(), Span::none(), Span::none());
        Self { partition, open, fetch, turns, given: 0, flushes: FxHashMap::default() }
    }

    /// A fetch has brought so many records.
    pub(crate) fn fetched(&mut self, records: usize) {
        if records > 0 {
            self.begin(records);
            self.fetch =
                trace_span!(target: TARGET, parent: &self.open, "partition.fetch", care.records = records);
        }
    }

    /// What was fetched is routed.
    pub(crate) fn routed(&mut self) {
        self.fetch = Span::none();
    }

    /// A customer is given a turn.
    pub(crate) fn turn(&mut self) {
        self.given += 1;
        if self.turns.is_none() {
            if self.open.is_none() {
                self.begin(0);
            }
            self.turns =
                trace_span!(target: TARGET, parent: &self.open, "partition.turns", care.turns = Empty);
        }
    }

    /// Every turn that was given is over.
    pub(crate) fn turned(&mut self) {
        self.turns.record("care.turns", self.given);
        (self.turns, self.given) = (Span::none(), 0);
    }

    /// A write of rows begins; one that is repeated is one write.
    pub(crate) fn flush(&mut self, group: u64, rows: u64, bytes: u64) {
        let begun = || trace_span!(target: TARGET, parent: &self.open, "partition.flush", care.rows = rows, care.bytes = bytes);
        if !self.open.is_none() {
            self.flushes.entry(group).or_insert_with(begun);
        }
    }

    /// A write of rows is durable.
    pub(crate) fn flushed(&mut self, group: u64) {
        self.flushes.remove(&group);
    }

    /// Nothing of what came is left to be done.
    pub(crate) fn settled(&mut self) {
        self.open = Span::none();
    }

    /// The assignment is over, and with it whatever was under way.
    pub(crate) fn ended(&mut self) {
        *self = Self::new(self.partition);
    }

    fn begin(&mut self, records: usize) {
        let partition = self.partition.0;
        self.open = trace_span!(
            target: TARGET,
            parent: None,
            "partition.cycle",
            care.partition = partition,
            care.records = records
        );
    }
}

/// Returns the span of one channel call.
pub(crate) fn call(outreach: &Outreach) -> Span {
    trace_span!(
        target: TARGET,
        parent: None,
        "dispatcher.call",
        otel.kind = "client",
        otel.status_code = Empty,
        care.channel = %outreach.channel,
        care.trigger = %outreach.trigger,
        care.outreach = %outreach.id,
        care.answer = Empty,
    )
}

/// Notes what a channel answered; `None` when it did not.
pub(crate) fn called(span: &Span, answer: Option<&Delivery>) {
    let (answer, status) = match answer {
        Some(Delivery::Delivered(_)) => ("delivered", "ok"),
        Some(Delivery::RetryAt(_)) => ("retry", "ok"),
        Some(Delivery::Refused(_)) => ("refused", "error"),
        None => ("none", "error"),
    };
    span.record("care.answer", answer).record("otel.status_code", status);
}

/// Returns the span of one call of a back end that writes answers.
pub(crate) fn attempt(writer: &Writer, (backend, rung, attempt): (&str, Rung, u32), tokens_max: u32) -> Span {
    let model = writer.model.as_deref();
    trace_span!(
        target: TARGET,
        parent: None,
        "chat",
        otel.name = model.map_or_else(|| "chat".to_owned(), |model| format!("chat {model}")),
        otel.kind = "client",
        otel.status_code = Empty,
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = writer.provider,
        gen_ai.request.model = model,
        gen_ai.request.max_tokens = tokens_max,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        "error.type" = Empty,
        care.generation.backend = backend,
        care.generation.rung = rung.as_str(),
        care.generation.attempt = attempt,
        care.generation.finish = Empty,
    )
}

/// Notes that a back end said how its answer ended.
pub(crate) fn answered(span: &Span, finish: &Finish, usage: Usage) {
    span.record("gen_ai.usage.input_tokens", usage.prompt)
        .record("gen_ai.usage.output_tokens", usage.completion)
        .record("care.generation.finish", finish.as_str())
        .record("otel.status_code", "ok");
}

/// Notes that a back end failed. What it says stays out, since it may quote what it was asked.
pub(crate) fn failed(span: &Span, error: &Error) {
    span.record("error.type", error.as_str()).record("otel.status_code", "error");
}
