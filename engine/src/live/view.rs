//! The terminal view: one line per decision worth a look, beneath it the conditions with the values they saw, and a line of totals that
//! stays at the bottom. What the run came to in the end is the summary's to say.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustc_hash::FxHashSet;
use schemas::decision::{Decision, Reason, Verdict};
use schemas::ids::OutreachId;
use schemas::time::Timestamp;
use smol_str::SmolStr;

use super::tap::Counts;
use crate::words::{Count, Of, Seen, meaning, printable};

/// How often the line of totals is drawn anew.
const REDRAW: Duration = Duration::from_millis(120);

/// How many refusals of one trigger for one reason are shown; the rest are counted.
const REFUSALS_SHOWN: u64 = 2;

/// What stands before a line that goes on with a decision: as wide as the time.
const INDENT: &str = "              ";

/// A view that runs until it is told to finish.
pub struct View {
    counts: Arc<Counts>,
    thread: JoinHandle<()>,
}

impl View {
    pub(super) fn start(counts: Arc<Counts>, seen: Receiver<Decision>) -> Self {
        let screen = Screen::new(counts.clone());
        let thread = std::thread::spawn(move || screen.run(&seen));
        Self { counts, thread }
    }

    /// Shows what still waits, and the totals for good.
    pub fn finish(self) {
        self.counts.ended.store(true, Ordering::Release);
        // A view that died has shown less than it should; that is no reason to fail a run.
        drop(self.thread.join());
    }
}

/// What the view's thread owns.
pub(super) struct Screen {
    counts: Arc<Counts>,
    /// Escape sequences are for terminals only.
    styled: bool,
    /// Decisions of each trigger that ended so for this reason.
    counted: BTreeMap<(SmolStr, Verdict, Reason), u64>,
    /// A record relayed twice (after a retry) is one decision.
    shown: FxHashSet<OutreachId>,
}

impl Screen {
    pub(super) fn new(counts: Arc<Counts>) -> Self {
        let styled = io::stderr().is_terminal();
        Self { counts, styled, counted: BTreeMap::new(), shown: FxHashSet::default() }
    }

    /// Runs until the end; a terminal that went away ends the view, never the engine.
    fn run(mut self, seen: &Receiver<Decision>) {
        let mut out = io::stderr();
        while self.step(seen, &mut out).unwrap_or(false) {}
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
        let key = (decision.trigger.clone(), decision.verdict, decision.reason);
        let nth = self.counted.entry(key).or_default();
        *nth += 1;
        let nth = *nth;
        if decision.verdict != Verdict::Sent && nth > REFUSALS_SHOWN {
            return Ok(());
        }
        self.clear_line(out)?;
        self.show(decision, out)?;
        if decision.verdict != Verdict::Sent && nth == REFUSALS_SHOWN {
            let more = format!("{INDENT}more {} for this reason are counted, not shown", decision.trigger);
            writeln!(out, "{}", self.dim(&printable(&more)))?;
        }
        self.totals(out)
    }

    fn show(&self, decision: &Decision, out: &mut impl Write) -> io::Result<()> {
        let Decision { at, customer, trigger, key, verdict, reason, conditions, .. } = decision;
        let why = match reason {
            Reason::Clear => String::new(),
            reason => format!(": {}", meaning(*reason)),
        };
        let of = printable(&format!("{trigger}{}, {customer}{why}", Of(key)));
        let ended = self.paint(colour(*verdict), &format!("{:<10}", verdict.as_str()));
        writeln!(out, "{}  {ended}  {of}", self.dim(&clock(*at)))?;
        // What was sent may have had a choice of conditions: those that did not hold would only puzzle here.
        let seen = conditions.iter().filter(|one| one.held || *verdict != Verdict::Sent);
        let seen: Vec<String> = seen.map(|one| printable(&Seen(one).to_string())).collect();
        if seen.is_empty() { Ok(()) } else { writeln!(out, "{INDENT}{}", self.dim(&seen.join("  "))) }
    }

    fn totals(&self, out: &mut impl Write) -> io::Result<()> {
        if !self.styled {
            return Ok(());
        }
        self.clear_line(out)?;
        // Without wrapping, so that a narrow terminal cuts the line off and it can be cleared.
        write!(out, "\x1b[?7l{}\x1b[?7h", self.line_of_totals())?;
        out.flush()
    }

    fn line_of_totals(&self) -> String {
        let count = |verdicts: &[Verdict]| -> u64 {
            self.counted.iter().filter(|((_, of, _), _)| verdicts.contains(of)).map(|(_, n)| n).sum()
        };
        let [events, customers] =
            [&self.counts.events, &self.counts.customers].map(|count| count.load(Ordering::Relaxed));
        format!(
            "▶ {}   {}   {}   {} sent   {} deferred   {} not sent",
            clock(Timestamp(self.counts.clock_ms.load(Ordering::Relaxed))),
            Count(events, "event"),
            Count(customers, "customer"),
            count(&[Verdict::Sent]),
            count(&[Verdict::Deferred]),
            count(&[Verdict::Suppressed, Verdict::Withheld, Verdict::Expired, Verdict::Failed]),
        )
    }

    /// Prints the totals for good.
    fn close(&self, out: &mut impl Write) -> io::Result<()> {
        self.clear_line(out)?;
        writeln!(out, "\n{}\n", self.line_of_totals())?;
        let unseen = self.counts.unseen.load(Ordering::Relaxed);
        if unseen > 0 {
            let unseen = Count(unseen, "decision");
            writeln!(out, "{unseen} came too fast to be shown here; all are recorded\n")?;
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

/// Returns log time as a person reads it; the calendar's end is no reason to stop.
fn clock(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(instant) => instant.strftime("%d %b %H:%M").to_string(),
        Err(_) => at.to_string(),
    }
}
