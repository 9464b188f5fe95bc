//! The account of a replay: what became of every row, what was decided and sent, and what it cost.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use actors::metrics::{self, Metrics, Sample};
use actors::partition::core::Counts;
use anyhow::Result;
use schemas::decision::Reason;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Serialize};

use super::Spent;
use crate::outreach::counted::Deliveries;
use crate::replay::Tally;
use crate::words::{Count, meaning};

/// What is accounted for.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// What the source read.
    pub(super) tally: Tally,
    /// Events that an earlier run left in the log unapplied, counted from log and rows.
    pub(super) backlog: u64,
    /// What the rows counted while these were applied.
    pub(super) caught_up: Counts,
    /// What the rows counted from then on.
    pub(super) counts: Counts,
    /// Distinct customers that events of this run were handed to.
    pub(super) customers: u64,
}

/// What a replay came to. `rows_read` is `events_applied` + `events_duplicate` + `rejected` + `skipped` + `lost` − what was doubled.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) rows_read: u64,
    /// As the customers' rows counted them.
    pub(super) events_applied: u64,
    /// Rows that an earlier run had brought into the log, and events whose message id a row knew.
    pub(super) events_duplicate: u64,
    pub(super) rejected: BTreeMap<String, u64>,
    pub(super) skipped: BTreeMap<String, u64>,
    /// Events that an earlier run had left in the log; applied before the files were read.
    pub(super) events_caught_up: u64,
    pub(super) customers: u64,
    pub(super) decisions: BTreeMap<String, u64>,
    /// Decisions that were not sent, by reason; those that were deferred first are among them.
    pub(super) not_sent: BTreeMap<String, u64>,
    /// Decisions of each trigger, by verdict and reason.
    pub(super) triggers: BTreeMap<String, BTreeMap<String, BTreeMap<String, u64>>>,
    pub(super) outreach: Outreach,
    /// Rows that are none of the above.
    pub(super) lost: u64,
    /// Events that rows applied beyond those appended, and outreach that a channel delivered again.
    pub(super) doubled: u64,
    pub(super) latency_ms: Latency,
    pub(super) wall_s: f64,
    pub(super) cpu_us_per_event: f64,
    /// Processor time per event. Units: µs.
    pub(super) stages: BTreeMap<String, f64>,
    /// The first rejected rows of each reason.
    pub(super) examples: Vec<Example>,
}

/// What became of outreach.
#[derive(Debug, Default, Serialize)]
pub(super) struct Outreach {
    /// Taken by a channel, each id once.
    sent: u64,
    /// Reported as delivered.
    delivered: u64,
    failed: u64,
    retried: u64,
    /// Refused by the last look before the call, by reason.
    withheld: BTreeMap<String, u64>,
}

/// From the reading of a record to its durable decision.
#[derive(Debug, Default, Serialize)]
pub(super) struct Latency {
    p50: Option<f64>,
    p99: Option<f64>,
}

/// A rejected row.
#[derive(Debug, Serialize)]
pub(super) struct Example {
    reason: &'static str,
    file: String,
    line: u64,
    message: String,
}

impl Summary {
    /// Returns the summary of a run that has settled; `times` are what the run took, and the commit thread's processor time.
    pub(super) fn new(
        account: &Account,
        metrics: &Metrics,
        deliveries: &Deliveries,
        times: (Spent, Duration),
    ) -> Self {
        let samples = metrics.samples();
        let mut summary = Self { customers: account.customers, ..Self::default() };
        summary.rows(account);
        summary.engine_refusals(&samples);
        summary.balance(account);
        summary.doubled += deliveries.repeated();
        summary.decided(&samples);
        summary.outreach = Outreach::new(&samples, deliveries);
        let ms = |share| metrics.decision_latency(share).map(|took| round(took.as_secs_f64() * 1_000.0));
        summary.latency_ms = Latency { p50: ms(0.5), p99: ms(0.99) };
        summary.cost(&samples, times);
        summary
    }

    fn rows(&mut self, account: &Account) {
        let Account { tally, counts, .. } = account;
        self.rows_read = tally.rows_read;
        self.events_applied = counts.applied;
        self.events_duplicate = counts.duplicate + tally.already;
        self.events_caught_up = account.caught_up.applied + account.caught_up.duplicate;
        let reason = |reason: &&'static str| (*reason).to_owned();
        self.rejected = tally.rejected.iter().map(|(of, refused)| (reason(of), refused.rows)).collect();
        self.skipped = tally.skipped.iter().map(|(of, rows)| (reason(of), *rows)).collect();
        let examples = tally.rejected.iter().flat_map(|(reason, refused)| {
            refused.examples.iter().map(|example| Example {
                reason,
                file: example.file.display().to_string(),
                line: example.line,
                message: example.message.clone(),
            })
        });
        self.examples = examples.collect();
    }

    /// Adds what the engine refused although it was appended: dead letters.
    fn engine_refusals(&mut self, samples: &[Sample]) {
        for (labels, n) in counters(samples, metrics::REJECTED) {
            *self.rejected.entry(labels[0].clone()).or_default() += n;
        }
    }

    /// Holds what the rows counted against what was appended, before and during this run.
    fn balance(&mut self, account: &Account) {
        let settled = |counts: &Counts| counts.applied + counts.duplicate + counts.dead_lettered;
        let pairs = [
            (account.backlog, settled(&account.caught_up)),
            (account.tally.appended, settled(&account.counts)),
        ];
        // A customer that panicked applies records again whose first application was lost with it: they count twice.
        let recounted = account.counts.panics + account.caught_up.panics > 0;
        for (appended, settled) in pairs {
            self.lost += appended.saturating_sub(settled);
            self.doubled += if recounted { 0 } else { settled.saturating_sub(appended) };
        }
        let tally = &account.tally;
        let told = tally.appended + tally.already + tally.rejected_rows() + tally.skipped_rows();
        self.lost += tally.rows_read.saturating_sub(told);
    }

    fn decided(&mut self, samples: &[Sample]) {
        for (labels, n) in counters(samples, metrics::DECISIONS) {
            // In the order of the labels' names: reason, trigger, verdict.
            let [reason, trigger, verdict] = labels else { continue };
            let of_trigger = self.triggers.entry(trigger.clone()).or_default();
            *of_trigger.entry(verdict.clone()).or_default().entry(reason.clone()).or_default() += n;
            *self.decisions.entry(verdict.clone()).or_default() += n;
            if verdict != "sent" {
                *self.not_sent.entry(reason.clone()).or_default() += n;
            }
        }
    }

    fn cost(&mut self, samples: &[Sample], (spent, commit): (Spent, Duration)) {
        self.wall_s = round(spent.wall.as_secs_f64());
        if self.events_applied == 0 {
            return;
        }
        let per_event = |seconds: f64| round(seconds * 1e6 / self.events_applied as f64);
        self.cpu_us_per_event = per_event(spent.cpu.as_secs_f64());
        let mut rest = spent.cpu.as_secs_f64();
        let stages = samples.iter().filter(|sample| sample.name == metrics::STAGES);
        let commit = ("commit".to_owned(), commit.as_secs_f64());
        for (stage, seconds) in stages.map(|one| (one.labels[0].clone(), one.value)).chain([commit]) {
            rest -= seconds;
            self.stages.insert(stage, per_event(seconds));
        }
        self.stages.insert("rest".to_owned(), per_event(rest.max(0.0)));
    }

    /// Prints the summary for people.
    pub(super) fn print(&self, out: &mut dyn Write) -> Result<()> {
        self.print_rows(out)?;
        self.print_decisions(out)?;
        let Outreach { sent, delivered, failed, retried, withheld } = &self.outreach;
        let more = [("failed", *failed), ("to be tried again", *retried)];
        let more = more.into_iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!(", {n} {word}"));
        writeln!(out, "outreach   {sent} sent, {delivered} delivered{}", more.collect::<String>())?;
        if !withheld.is_empty() {
            writeln!(out, "           withheld by the last look before the call: {}", list(withheld))?;
        }
        writeln!(out, "took       {} s{}", self.wall_s, self.pace())?;
        Ok(writeln!(out, "lost {}, doubled {}", self.lost, self.doubled)?)
    }

    fn print_rows(&self, out: &mut dyn Write) -> Result<()> {
        let Self { rows_read, events_applied, events_duplicate, customers, .. } = self;
        let (customers, rejected) = (Count(*customers, "customer"), sum(&self.rejected));
        writeln!(
            out,
            "rows       {rows_read} read: {events_applied} applied to {customers}, {events_duplicate} known before, {rejected} rejected, {} skipped",
            sum(&self.skipped)
        )?;
        if self.events_caught_up > 0 {
            let left = Count(self.events_caught_up, "event");
            writeln!(out, "           and, before them, {left} that an earlier run had left to be applied")?;
        }
        if rejected > 0 {
            writeln!(out, "rejected   {}; the first of each:", list(&self.rejected))?;
        }
        for Example { file, line, message, .. } in &self.examples {
            writeln!(out, "             {file}:{line}: {message}")?;
        }
        if !self.skipped.is_empty() {
            writeln!(out, "skipped    {}", list(&self.skipped))?;
        }
        Ok(())
    }

    fn print_decisions(&self, out: &mut dyn Write) -> Result<()> {
        if self.triggers.is_empty() {
            return Ok(writeln!(out, "decisions  none: no trigger came to one")?);
        }
        writeln!(out, "decisions  {}", list(&self.decisions))?;
        let width = self.triggers.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        for (trigger, verdicts) in &self.triggers {
            for (verdict, (reason, n)) in
                verdicts.iter().flat_map(|(of, all)| all.iter().map(move |n| (of, n)))
            {
                let why = if reason == Reason::Clear.as_str() { "" } else { in_words(reason) };
                let line = format!("{n:>9}  {trigger:<width$}  {verdict:<10}  {why}");
                writeln!(out, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }

    /// Returns in words what the run cost and how long decisions took, where there was something to measure.
    fn pace(&self) -> String {
        if self.events_applied == 0 {
            return String::new();
        }
        let cost = format!(", {} µs of processor time per event", self.cpu_us_per_event);
        match (self.latency_ms.p50, self.latency_ms.p99) {
            (Some(p50), Some(p99)) => {
                format!("{cost}; from an event to its durable decision {p50} ms (median), {p99} ms (99 %)")
            }
            (Some(_) | None, None) | (None, Some(_)) => cost,
        }
    }
}

impl Outreach {
    fn new(samples: &[Sample], deliveries: &Deliveries) -> Self {
        let mut outreach = Self { sent: deliveries.delivered(), ..Self::default() };
        for (labels, n) in counters(samples, metrics::OUTREACH) {
            match labels[0].as_str() {
                "delivered" => outreach.delivered += n,
                "failed" => outreach.failed += n,
                "retry" => outreach.retried += n,
                _ => *outreach.withheld.entry(labels[1].clone()).or_default() += n,
            }
        }
        outreach
    }
}

/// Returns the counters of a name that are not zero, with their labels.
fn counters<'a>(samples: &'a [Sample], name: &'static str) -> impl Iterator<Item = (&'a [String], u64)> {
    let of_name = samples.iter().filter(move |sample| sample.name == name && sample.value > 0.0);
    of_name.map(|sample| (sample.labels.as_slice(), sample.value as u64))
}

fn sum(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

fn list(counts: &BTreeMap<String, u64>) -> String {
    let words: Vec<String> = counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
    words.join(", ")
}

/// Returns a reason, given by its name, in words.
fn in_words(name: &str) -> &str {
    let text: StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
    Reason::deserialize(text).map_or(name, |reason| meaning(reason))
}

/// Rounds to thousandths: more digits would pretend.
fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(appended: u64, applied: u64) -> Account {
        let tally = Tally { rows_read: appended + 3, appended, already: 3, ..Tally::default() };
        Account { tally, counts: Counts { applied, ..Counts::default() }, ..Account::default() }
    }

    fn balance(account: &Account) -> (u64, u64) {
        let mut summary = Summary::default();
        summary.rows(account);
        summary.balance(account);
        (summary.lost, summary.doubled)
    }

    #[test]
    fn what_was_appended_and_not_applied_is_lost_and_the_other_way_round_doubled() {
        assert_eq!(balance(&account(10, 10)), (0, 0));
        assert_eq!(balance(&account(10, 8)), (2, 0));
        assert_eq!(balance(&account(10, 11)), (0, 1));
    }

    #[test]
    fn duplicates_and_dead_letters_are_not_lost() {
        let mut all = account(10, 7);
        (all.counts.duplicate, all.counts.dead_lettered) = (2, 1);
        assert_eq!(balance(&all), (0, 0));
    }

    #[test]
    fn what_an_earlier_run_left_is_accounted_for_by_itself() {
        let mut all = account(10, 10);
        (all.backlog, all.caught_up.applied) = (5, 4);
        assert_eq!(balance(&all), (1, 0));
    }

    #[test]
    fn a_row_that_the_source_does_not_account_for_is_lost() {
        let mut all = account(10, 10);
        all.tally.rows_read += 1;
        assert_eq!(balance(&all), (1, 0));
    }
}
