//! The whole trigger, one line per question that a marketer asks.

use std::fmt::{self, Write as _};

use super::{Length, Text};
use crate::decision::Category;
use crate::trigger::spec::{
    Action, CapRole, Condition, Crossing, Entry, EventPattern, Goal, Key, Match, Mode, OnCap, QuietHours,
    Reentry, ReentryMode, Trigger, TriggerPolicy, Wait,
};

/// Returns what a trigger does, a few lines of plain English.
pub fn describe(trigger: &Trigger) -> String {
    let mut text = String::new();
    write(&mut text, trigger).expect("a string takes every write");
    text
}

fn write(text: &mut String, trigger: &Trigger) -> fmt::Result {
    write!(text, "{}, version {}", trigger.name, trigger.version)?;
    if trigger.description.is_empty() {
        writeln!(text)?;
    } else {
        writeln!(text, ": {}", trigger.description)?;
    }
    writeln!(text, "mode: {}", mode(trigger.mode))?;
    entry(text, trigger)?;
    if let Some(wait) = &trigger.wait {
        writeln!(text, "waits: {}", Waiting { wait, key: &trigger.key })?;
    }
    for exit in &trigger.exits {
        let of = match exit.matching {
            Match::Any => String::new(),
            Match::Key => format!(" of the same {}", thing(&trigger.key)),
        };
        writeln!(text, "ends without a message: on {}{of}", Pattern(&exit.event))?;
    }
    when(text, &trigger.when)?;
    gates(text, &trigger.policy)?;
    action(text, &trigger.action)?;
    if trigger.holdout > 0.0 {
        let percent = (trigger.holdout * 10_000.0).round() / 100.0;
        writeln!(text, "holds back: {percent} % of them, to learn what the message changes")?;
    }
    if let Some(Goal { event, within }) = &trigger.goal {
        let but = match &trigger.key {
            Key::Customer => String::new(),
            key @ (Key::Cart | Key::Order | Key::Property(_)) => {
                format!(", unless it is about another {}", thing(key))
            }
        };
        writeln!(text, "goal: {} within {} of the start{but}", Pattern(event), Length(*within))?;
    }
    Ok(())
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "live, it decides and sends",
        Mode::Shadow => "shadow, it decides but sends nothing",
        Mode::Paused => "paused, nothing starts",
    }
}

fn entry(text: &mut String, trigger: &Trigger) -> fmt::Result {
    let per = match &trigger.key {
        Key::Customer => String::new(),
        Key::Cart | Key::Order | Key::Property(_) => format!(", for each {} by itself", thing(&trigger.key)),
    };
    match &trigger.entry {
        Entry::Event(pattern) => writeln!(text, "starts: on {}{per}", Pattern(pattern))?,
        Entry::Crossing(Crossing { head, rises_above, rearms_below }) => writeln!(
            text,
            "starts: when the score {} rises above {rises_above}{per}; not again before it fell below {rearms_below}",
            head.as_str()
        )?,
        Entry::Becomes(condition) => {
            writeln!(text, "starts: when this begins to hold{per}: {}", Text(condition))?
        }
        Entry::Ceases(condition) => {
            writeln!(text, "starts: when this ceases to hold{per}: {}", Text(condition))?
        }
    }
    let Reentry { mode, max } = trigger.reentry;
    let of = match &trigger.key {
        Key::Customer => "",
        Key::Cart | Key::Order | Key::Property(_) => " of the same one",
    };
    match mode {
        ReentryMode::Always => write!(text, "starts again{of}: once the last time has ended")?,
        ReentryMode::Cooldown(span) => {
            write!(text, "starts again{of}: {} after the last time", Length(span))?
        }
        ReentryMode::Once => write!(text, "starts again{of}: never")?,
    }
    match max {
        Some(max) => writeln!(text, ", at most {max} times in all"),
        None => writeln!(text),
    }
}

/// Returns what a key tells apart.
fn thing(key: &Key) -> &str {
    match key {
        Key::Customer => "customer",
        Key::Cart => "cart",
        Key::Order => "order",
        Key::Property(path) => path,
    }
}

struct Waiting<'a> {
    wait: &'a Wait,
    key: &'a Key,
}

impl fmt::Display for Waiting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Length(self.wait.span))?;
        for (nth, pattern) in self.wait.reset_on.iter().enumerate() {
            let before = match nth {
                0 => ", anew from each ",
                _ if nth + 1 == self.wait.reset_on.len() => " or ",
                _ => ", ",
            };
            write!(f, "{before}{}", Pattern(pattern))?;
        }
        match (self.wait.reset_on.is_empty(), self.key) {
            (true, _) | (false, Key::Customer) => Ok(()),
            (false, key) => write!(f, " of the same {}", thing(key)),
        }
    }
}

struct Pattern<'a>(&'a EventPattern);

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)?;
        if self.0.filter == Condition::always() {
            return Ok(());
        }
        write!(f, " (where {})", Text(&self.0.filter))
    }
}

fn when(text: &mut String, when: &Condition) -> fmt::Result {
    match when {
        Condition::All(parts) if parts.is_empty() => Ok(()),
        Condition::All(parts) if parts.len() > 1 => {
            listed(text, "sends only if all of these hold then:", parts)
        }
        Condition::Any(parts) if parts.len() > 1 => {
            listed(text, "sends only if one of these holds then:", parts)
        }
        Condition::All(_)
        | Condition::Any(_)
        | Condition::Not(_)
        | Condition::Count { .. }
        | Condition::Profile { .. }
        | Condition::Event { .. }
        | Condition::Latch(_)
        | Condition::Score { .. } => writeln!(text, "sends only if then: {}", Text(when)),
    }
}

fn listed(text: &mut String, head: &str, parts: &[Condition]) -> fmt::Result {
    writeln!(text, "{head}")?;
    parts.iter().try_for_each(|part| writeln!(text, "  - {}", Text(part)))
}

fn gates(text: &mut String, policy: &TriggerPolicy) -> fmt::Result {
    let consent = match policy.category {
        Category::Service => {
            "service, about what the customer has with the shop; needs no consent to marketing"
        }
        Category::Marketing => "marketing, only with the customer's consent",
    };
    writeln!(text, "purpose: {consent}")?;
    writeln!(text, "priority: {} of 100 beside other triggers", policy.priority)?;
    writeln!(text, "too late: {} after it was due", Length(policy.max_age))?;
    if let Some(QuietHours { start_min, end_min }) = policy.quiet_hours {
        writeln!(text, "quiet: from {} to {} of the customer's day", Clock(start_min), Clock(end_min))?;
    }
    let caps = match policy.caps {
        CapRole::Counted => "hold for it, and it uses them up",
        CapRole::Exempt => "do not hold for it, but it uses them up",
        CapRole::Uncounted => "do not hold for it, and it does not use them up",
    };
    writeln!(text, "caps: {caps}")?;
    match policy.on_cap {
        OnCap::Defer => {
            writeln!(
                text,
                "held up by a cap or quiet hours: it waits, {} at most",
                Length(policy.max_defer)
            )?;
        }
        OnCap::Drop => writeln!(text, "held up by a cap or quiet hours: it is dropped")?,
    }
    if policy.despite_open_case {
        writeln!(text, "an open case of the customer: does not stop it")
    } else {
        writeln!(text, "an open case of the customer: stops it")
    }
}

/// Writes minutes after midnight as "HH:MM".
struct Clock(u16);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

fn action(text: &mut String, action: &Action) -> fmt::Result {
    write!(text, "sends: template {} over channel {}", action.template, action.channel)?;
    for (nth, field) in action.facts.iter().enumerate() {
        let before = if nth == 0 { ", with " } else { ", " };
        write!(text, "{before}{}", field.path())?;
    }
    writeln!(text)
}
