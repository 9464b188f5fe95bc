//! What a person sees of a simulated shop: one picture of 80 columns and 23 lines, the same place for the same thing.
//!
//! Here is only what it looks like: [`Picture`] in, lines out. The drive fills it, [`super::painter`] draws it.

use schemas::time::Timestamp;

use crate::simulate::effect::Report;
use crate::words::printable;

/// Columns that are used.
const WIDTH: usize = 80;

/// Shoppers at risk that are shown.
pub const AT_RISK_MAX: usize = 5;

/// Triggers that are shown.
const TRIGGERS_MAX: usize = 4;

/// Columns of the bars of the effect.
const BAR: usize = 34;

/// Steps of a bar's last column, and heights of a bar of the flow.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Everything that is shown.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// What is simulated.
    pub title: String,
    /// The shop's time, when it opened and when the run ends.
    pub now: Timestamp,
    /// When the shop opened.
    pub from: Timestamp,
    /// When the run ends.
    pub until: Timestamp,
    /// Events so far.
    pub events: u64,
    /// Events of the last seconds, per second.
    pub events_per_s: f64,
    /// Shoppers who came.
    pub customers: u64,
    /// Orders.
    pub orders: u64,
    /// Events of each of the last hours, the current one last.
    pub hours: Vec<u64>,
    /// Scores by a model, and those that stood in.
    pub scored: u64,
    /// Scores that stood in for a model's.
    pub fallbacks: u64,
    /// Decisions by how they ended.
    pub decided: Decided,
    /// The likeliest to go, and why.
    pub at_risk: Vec<AtRisk>,
    /// Name of each trigger, with how many it reached and held back; those that did most first.
    pub triggers: Vec<(String, u64, u64)>,
    /// What outreach changed.
    pub effect: Report,
}

/// Decisions by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Outreach left.
    pub sent: u64,
    /// A control arm.
    pub held_back: u64,
    /// Deferred, suppressed, expired, failed.
    pub not_sent: u64,
}

/// A shopper at risk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AtRisk {
    /// Who.
    pub customer: String,
    /// What may be lost.
    pub what: String,
    /// The probability. Units: 0 to 1.
    pub risk: f32,
    /// The features that say so, in words, the strongest first.
    pub why: String,
    /// What the engine did about it.
    pub then: Then,
}

/// What the engine did about a risk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// An outreach left.
    Sent,
    /// A control arm.
    HeldBack,
    /// Nothing.
    #[default]
    LeftAlone,
}

/// How text is set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Escape sequences, for terminals.
    Coloured,
    /// None.
    Plain,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Style::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
            Style::Plain => text.to_owned(),
        }
    }
}

impl Picture {
    /// Returns the lines of the picture.
    ///
    /// Shape: at most 23 lines of at most 80 columns.
    pub fn lines(&self, style: Style) -> Vec<String> {
        let mut lines = vec![self.heading(style), self.progress(style)];
        lines.extend(self.flow(style));
        lines.push(String::new());
        lines.extend(self.risks(style));
        lines.push(String::new());
        lines.extend(self.outreach(style));
        lines.extend(self.change(style));
        lines
    }

    /// Returns one line, for whoever keeps a log.
    pub fn line(&self) -> String {
        let Decided { sent, held_back, not_sent } = self.decided;
        let mut line = format!(
            "{}  {} events ({}/s)  {} shoppers  {} orders  {} scores  {sent} sent  {held_back} held back  {not_sent} not sent",
            clock(self.now),
            grouped(self.events),
            grouped(self.events_per_s as u64),
            grouped(self.customers),
            grouped(self.orders),
            grouped(self.scored),
        );
        if let (Some(difference), Some([low, high])) = (self.effect.difference, self.effect.interval) {
            let (difference, low, high) = (points(difference), points(low), points(high));
            line.push_str(&format!("  effect {difference} points ({low} to {high})"));
        }
        line
    }

    fn heading(&self, style: Style) -> String {
        let days = |from: Timestamp, to: Timestamp| (to - from).0.div_euclid(86_400_000);
        let (day, of) = (days(self.from, self.now) + 1, days(self.from, self.until).max(1));
        let left = format!(" {}", cut(&printable(&self.title), 44));
        let right = format!("{}  day {} of {of} ", clock(self.now), day.min(of));
        let gap = WIDTH.saturating_sub(columns(&left) + columns(&right));
        style.paint("1", &format!("{left}{}{right}", " ".repeat(gap)))
    }

    fn progress(&self, style: Style) -> String {
        let whole = (self.until - self.from).0.max(1) as f64;
        let share = ((self.now - self.from).0 as f64 / whole).clamp(0.0, 1.0);
        format!(" {}", style.paint("36", &bar(share, WIDTH - 2, '·')))
    }

    fn flow(&self, style: Style) -> Vec<String> {
        let Decided { sent, held_back, not_sent } = self.decided;
        let label = |text: &str| style.paint("2", &format!(" {text:<10}"));
        let number = |n: u64| style.paint("1", &grouped(n));
        let fallbacks = match self.fallbacks {
            0 => "none stood in".to_owned(),
            n => style.paint("33", &format!("{} stood in", grouped(n))),
        };
        vec![
            format!(
                "{}{} events/s   {} events   {} shoppers   {} orders",
                label("flow"),
                number(self.events_per_s as u64),
                number(self.events),
                number(self.customers),
                number(self.orders)
            ),
            format!("{}{}  events of each hour", label(""), style.paint("36", &spark(&self.hours))),
            format!("{}{} by the model, {fallbacks}", label("scores"), number(self.scored)),
            format!(
                "{}{} sent   {} held back   {} not sent",
                label("decisions"),
                number(sent),
                number(held_back),
                number(not_sent)
            ),
        ]
    }

    fn risks(&self, style: Style) -> Vec<String> {
        let heading = format!(" {:<29}{:>4}  {}", "AT RISK NOW", "risk", "why");
        let mut lines = vec![style.paint("1", &heading)];
        for one in self.at_risk.iter().take(AT_RISK_MAX) {
            let who = format!("{} {}", printable(&one.customer), printable(&one.what));
            let (mark, code) = match one.then {
                Then::Sent => ("→", "32"),
                Then::HeldBack => ("=", "33"),
                Then::LeftAlone => (" ", "0"),
            };
            let risk = format!("{:>3.0}%", one.risk * 100.0);
            let why = cut(&printable(&one.why), WIDTH - 36);
            lines.push(format!(
                " {} {}{}  {why}",
                style.paint(code, mark),
                padded(&cut(&who, 26), 27),
                style.paint("31", &risk)
            ));
        }
        lines.resize(AT_RISK_MAX + 1, String::new());
        lines
    }

    fn outreach(&self, style: Style) -> Vec<String> {
        let heading = format!(" {:<32}{:>6}{:>12}", "OUTREACH", "→ sent", "= held back");
        let mut lines = vec![style.paint("1", &heading)];
        for (name, sent, held_back) in self.triggers.iter().take(TRIGGERS_MAX) {
            let name = padded(&cut(&printable(name), 31), 32);
            lines.push(format!(" {name}{:>6}{:>12}", grouped(*sent), grouped(*held_back)));
        }
        lines.resize(TRIGGERS_MAX + 1, String::new());
        lines
    }

    fn change(&self, style: Style) -> Vec<String> {
        let Report { offered, control, purchase_rate_offered, purchase_rate_control, .. } = self.effect;
        let side = |name: &str, n: u64, rate: Option<f64>, code: &str| match rate {
            Some(rate) => {
                let share = format!("{:>5.1}%", rate * 100.0);
                format!(" {name:<12}{:>7}  {share}  {}", grouped(n), style.paint(code, &bar(rate, BAR, ' ')))
            }
            None => format!(" {name:<12}{:>7}  nobody yet", grouped(n)),
        };
        vec![
            style.paint("1", " WHAT IT CHANGED: who bought within a day"),
            side("offered", offered, purchase_rate_offered, "32"),
            side("held back", control, purchase_rate_control, "33"),
            self.difference(style),
        ]
    }

    fn difference(&self, style: Style) -> String {
        let Report { difference, interval, true_effect, .. } = self.effect;
        let (Some(difference), Some([low, high])) = (difference, interval) else {
            return " difference  not known yet".to_owned();
        };
        let of =
            format!("{} points, with 95 % certainty {} to {}", points(difference), points(low), points(high));
        let truth = true_effect.map_or(String::new(), |truth| format!("   truth {}", points(truth)));
        format!(" {:<12}{}{}", "difference", style.paint("1", &of), style.paint("2", &truth))
    }
}

/// Returns a share as a bar of so many columns.
fn bar(share: f64, width: usize, rest: char) -> String {
    let eighths = (share.clamp(0.0, 1.0) * (width * 8) as f64).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    let drawn = eighths.div_ceil(8);
    bar.extend(std::iter::repeat_n(rest, width - drawn));
    bar
}

/// Returns numbers as heights.
fn spark(numbers: &[u64]) -> String {
    let highest = numbers.iter().copied().max().unwrap_or(0).max(1);
    numbers.iter().map(|n| HEIGHTS[(n * 7).div_ceil(highest).min(7) as usize]).collect()
}

/// Returns percentage points with their sign.
fn points(share: f64) -> String {
    format!("{:+.1}", share * 100.0)
}

/// Returns a number with its thousands set apart.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the columns that a text takes: two for the wide letters of East Asia.
fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(letter: char) -> usize {
    match letter {
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => 2,
        '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' => 2,
        '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// Returns as much of a text as fits, with a mark where something is missing.
fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut taken = 0;
    let fits = |letter: &char| {
        taken += columns_of(*letter);
        taken < width
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

/// Returns a text with spaces behind it up to a width.
fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Returns the shop's time as a person reads it; the calendar's end is no reason to stop.
fn clock(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(instant) => instant.strftime("%a %d %b %H:%M").to_string(),
        Err(_) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> Picture {
        let at_risk = |nth: usize| AtRisk {
            customer: format!("shopper-{nth}"),
            what: "cart of 1,234.50 EUR".to_owned(),
            risk: 0.93,
            why: "cart untouched for 15 min, no order before, three payments failed today".to_owned(),
            then: Then::Sent,
        };
        Picture {
            title: "A shop of 2,000 simulated shoppers, seed 7".to_owned(),
            now: Timestamp(1_772_452_800_000),
            from: Timestamp(1_772_000_000_000),
            until: Timestamp(1_773_209_600_000),
            events: 1_234_567,
            events_per_s: 98_765.4,
            customers: 1_999,
            orders: 12_345,
            hours: (0..48).collect(),
            scored: 9_876_543,
            fallbacks: 0,
            decided: Decided { sent: 12_345, held_back: 2_345, not_sent: 23_456 },
            at_risk: (0..9).map(at_risk).collect(),
            triggers: (0..9).map(|nth| (format!("trigger-with-a-long-name-{nth}"), 1_234, 321)).collect(),
            effect: Report {
                contacts: 12_345,
                offered: 12_500,
                control: 2_345,
                purchase_rate_offered: Some(0.999),
                purchase_rate_control: Some(0.001),
                difference: Some(0.998),
                interval: Some([0.9, 1.0]),
                true_effect: Some(-0.123),
            },
        }
    }

    #[test]
    fn every_picture_fits_a_small_terminal() {
        let mut wide = busy();
        wide.title = "模拟商店".repeat(20);
        wide.at_risk.iter_mut().for_each(|one| one.why = "购物车".repeat(30));
        for picture in [Picture::default(), busy(), wide] {
            let lines = picture.lines(Style::Plain);
            assert_eq!(lines.len(), 23, "every picture has its lines in the same place");
            for line in lines {
                assert!(columns(&line) <= WIDTH, "{} columns: {line}", columns(&line));
            }
        }
    }

    #[test]
    fn a_picture_says_who_why_and_what_it_changed() {
        let text = busy().lines(Style::Plain).join("\n");
        for part in ["shopper-0", "93%", "cart untouched", "12,345 sent", "+99.8 points", "truth -12.3"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn nothing_that_a_sender_names_steers_the_terminal() {
        let mut picture = busy();
        picture.at_risk[0].customer = "\u{1b}[2Jeve".to_owned();
        picture.triggers[0].0 = "\u{7}bell".to_owned();
        let text = picture.lines(Style::Plain).join("\n");
        assert!(text.contains("eve") && !text.contains(['\u{1b}', '\u{7}']), "{text}");
    }

    #[test]
    fn bars_show_shares() {
        assert_eq!(bar(0.0, 4, '·'), "····");
        assert_eq!(bar(0.5, 4, '·'), "██··");
        assert_eq!(bar(0.53, 4, '·'), "██▏·");
        assert_eq!(bar(7.0, 4, '·'), "████");
        assert_eq!(spark(&[0, 1, 8]), "▁▂█");
    }
}
