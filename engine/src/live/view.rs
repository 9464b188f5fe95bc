//! The terminal view: one line per decision worth a look, the reasons beneath it, and a line of totals that stays at the bottom.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustc_hash::FxHashSet;
use schemas::decision::{Decision, Evaluated, Reason, Verdict};
use schemas::ids::OutreachId;
use schemas::time::Timestamp;
use schemas::value::Value;

use super::tap::Counts;

/// How often the line of totals is drawn anew.
const REDRAW: Duration = Duration::from_millis(120);

/// How many refusals of one trigger for one reason are shown; the rest are counted.
const REFUSALS_SHOWN: u64 = 2;

/// Verdicts of each trigger with their reasons, counted.
pub type Summary = BTreeMap<(String, Verdict, Reason), u64>;

/// A view that runs until it is told to finish.
pub struct View {
    counts: Arc<Counts>,
    thread: JoinHandle<Summary>,
}

impl View {
    pub(super) fn start(counts: Arc<Counts>, seen: Receiver<Decision>) -> Self {
        let screen = Screen::new(counts.clone());
        let thread = std::thread::spawn(move || screen.run(&seen));
        Self { counts, thread }
    }

    /// Shows what still waits, prints the totals and returns what was decided.
    pub fn finish(self) -> Summary {
        self.counts.ended.store(true, Ordering::Release);
        self.thread.join().unwrap_or_default()
    }
}

/// What the view's thread owns.
pub(super) struct Screen {
    counts: Arc<Counts>,
    /// Escape sequences are for terminals only.
    styled: bool,
    summary: Summary,
    /// A record relayed twice (after a retry) is one decision.
    shown: FxHashSet<OutreachId>,
}

impl Screen {
    pub(super) fn new(counts: Arc<Counts>) -> Self {
        let styled = io::stderr().is_terminal();
        Self { counts, styled, summary: Summary::new(), shown: FxHashSet::default() }
    }

    /// Runs until the end; a terminal that went away ends the view, never the engine.
    fn run(mut self, seen: &Receiver<Decision>) -> Summary {
        let mut out = io::stderr();
        while self.step(seen, &mut out).unwrap_or(false) {}
        self.summary
    }

    /// Shows one decision or redraws; returns false at the end.
    pub(super) fn step(&mut self, seen: &Receiver<Decision>, out: &mut impl Write) -> io::Result<bool> {
        let ended = self.counts.ended.load(Ordering::Acquire);
        let waited = if ended { Duration::ZERO } else { REDRAW };
        match seen.recv_timeout(waited) {
            Ok(decision) => self.decision(&decision, out)?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) if ended => {
                self.close(out)?;
                return Ok(false);
            }
            Err(RecvTimeoutError::Timeout) => self.totals(out)?,
            Err(RecvTimeoutError::Disconnected) => {
                self.close(out)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn decision(&mut self, decision: &Decision, out: &mut impl Write) -> io::Result<()> {
        if !self.shown.insert(decision.id) {
            return Ok(());
        }
        let key = (decision.trigger.to_string(), decision.verdict, decision.reason);
        let nth = self.summary.entry(key).or_default();
        *nth += 1;
        let (nth, sent) = (*nth, decision.verdict == Verdict::Sent);
        if !sent && nth > REFUSALS_SHOWN {
            return Ok(());
        }
        self.clear_line(out)?;
        let (colour, verdict) = (colour(decision.verdict), decision.verdict.as_str());
        let reason = if sent { String::new() } else { format!(": {}", decision.reason.as_str()) };
        writeln!(
            out,
            "{}  {:<18} {}{}{}{}  {}",
            self.dim(&clock(decision.at)),
            decision.customer.as_str(),
            self.paint(colour, verdict),
            reason,
            if decision.key.is_empty() { "" } else { "  " },
            decision.key,
            self.dim(&decision.trigger),
        )?;
        if !decision.conditions.is_empty() {
            let why: Vec<String> = decision.conditions.iter().map(condition).collect();
            writeln!(out, "              {}", self.dim(&format!("because {}", why.join(" · "))))?;
        }
        Ok(())
    }

    fn totals(&self, out: &mut impl Write) -> io::Result<()> {
        if !self.styled {
            return Ok(());
        }
        self.clear_line(out)?;
        write!(out, "{}", self.line_of_totals())?;
        out.flush()
    }

    fn line_of_totals(&self) -> String {
        let count = |verdict| -> u64 {
            self.summary.iter().filter(|((_, of, _), _)| *of == verdict).map(|(_, n)| n).sum()
        };
        let refused = count(Verdict::Suppressed) + count(Verdict::Withheld) + count(Verdict::Expired);
        format!(
            "▶ {}   {} events   {} customers   {} sent   {} deferred   {} not sent",
            clock(Timestamp(self.counts.clock_ms.load(Ordering::Relaxed))),
            self.counts.events.load(Ordering::Relaxed),
            self.counts.customers.load(Ordering::Relaxed),
            count(Verdict::Sent),
            count(Verdict::Deferred),
            refused,
        )
    }

    /// Prints the totals for good, and what each trigger came to.
    fn close(&self, out: &mut impl Write) -> io::Result<()> {
        self.clear_line(out)?;
        writeln!(out, "\n{}\n", self.line_of_totals())?;
        for ((trigger, of, reason), n) in &self.summary {
            let why = if *of == Verdict::Sent { "" } else { reason.as_str() };
            writeln!(out, "{n:>7}  {trigger:<24} {:<11} {why}", of.as_str())?;
        }
        let unseen = self.counts.unseen.load(Ordering::Relaxed);
        if unseen > 0 {
            writeln!(out, "{unseen:>7}  decisions came too fast to be shown here; all are recorded")?;
        }
        Ok(())
    }

    fn clear_line(&self, out: &mut impl Write) -> io::Result<()> {
        if self.styled { write!(out, "\r\x1b[2K") } else { Ok(()) }
    }

    fn paint(&self, colour: u8, text: &str) -> String {
        if self.styled { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn dim(&self, text: &str) -> String {
        self.paint(2, text)
    }
}

/// Returns the terminal colour of a verdict.
fn colour(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Sent => 32,
        Verdict::Deferred => 36,
        Verdict::Withheld | Verdict::Suppressed | Verdict::Expired => 33,
        Verdict::Failed => 31,
    }
}

fn condition(evaluated: &Evaluated) -> String {
    let holds = if evaluated.held { "" } else { " ✗" };
    let partial = if evaluated.partial { " (partial)" } else { "" };
    format!("{} [{}{partial}]{holds}", evaluated.condition, plain(&evaluated.value))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(held) => held.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
        Value::List(items) => format!("{} items", items.len()),
        Value::Map(map) => format!("{} fields", map.0.len()),
    }
}

/// Returns log time as a person reads it; the calendar's end is no reason to stop.
fn clock(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(instant) => instant.strftime("%d %b %H:%M").to_string(),
        Err(_) => at.to_string(),
    }
}
