//! What people read, on the command line and in the live view: instants, money, values, conditions and reasons in words.
//!
//! Names and values come from whoever sends events; [`Printable`] keeps them from steering the terminal.

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};

use schemas::decision::{Evaluated, Reason};
use schemas::money::Money;
use schemas::time::{Span, Timestamp};
use schemas::value::Value;

/// An instant to the second, in UTC.
pub struct Instant(pub Timestamp);

impl Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0.0) {
            Ok(instant) => write!(f, "{}", instant.strftime("%Y-%m-%d %H:%M:%SZ")),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

/// An instant that may be missing.
pub struct Maybe(pub Option<Timestamp>);

impl Display for Maybe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, "{}", Instant(at)),
            None => f.write_str("never"),
        }
    }
}

/// A length of time in its two largest units.
pub struct Length(pub Span);

impl Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
        let mut seconds = self.0.0.max(0) / 1_000;
        let mut written = 0;
        for (size, unit) in UNITS {
            if seconds >= size && written < 2 {
                write!(f, "{}{} {unit}", if written == 0 { "" } else { " " }, seconds / size)?;
                written += 1;
            }
            seconds %= size;
        }
        if written == 0 { f.write_str("0 s") } else { Ok(()) }
    }
}

/// An amount in units of its currency; one without amounts so far has no currency.
pub struct Amount(pub Money);

impl Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Money { minor, currency } = self.0;
        write!(f, "{}{}.{:02}", if minor < 0 { "-" } else { "" }, minor.abs() / 100, minor.abs() % 100)?;
        match std::str::from_utf8(&currency.0) {
            Ok(letters) if currency.0 != [0; 3] => write!(f, " {letters}"),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// A value on one line.
pub struct Plain<'a>(pub &'a Value);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("none"),
            Value::Bool(claim) => write!(f, "{claim}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => f.write_str(text),
            Value::List(_) | Value::Map(_) => {
                f.write_str(&serde_json::to_string(self.0).map_err(|_| fmt::Error)?)
            }
        }
    }
}

/// The key of an instance behind its trigger's name: ` of c-7`, or nothing.
pub struct Of<'a>(pub &'a str);

impl Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " of {}", self.0) }
    }
}

/// A condition with the value it saw.
pub struct Seen<'a>(pub &'a Evaluated);

impl Display for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Evaluated { condition, value, held, partial } = self.0;
        let mark = if *held { "✓" } else { "✗" };
        let partial = if *partial { ", which may be incomplete" } else { "" };
        write!(f, "{mark} {condition} (was {}{partial})", Plain(value))
    }
}

/// A number of things: `1 event`, `2 events`.
pub struct Count(pub u64, pub &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// Returns a feature with its value in words, for people who do not know the feature table.
pub fn feature_in_words(name: &str, value: f32) -> String {
    let minutes = |hours: f32| Length(Span((f64::from(hours) * 3_600_000.0) as i64));
    let days = |days: f32| Length(Span((f64::from(days) * 86_400_000.0) as i64));
    let many = |n: f32, what: &'static str| Count(n.max(0.0) as u64, what);
    match name {
        "cart_idle" => format!("untouched for {}", minutes(value)),
        "cart_age" => format!("cart open for {}", minutes(value)),
        "cart_value" => format!("cart worth {value:.2}"),
        "cart_items" => many(value, "item").to_string(),
        "cart_in_checkout" if value > 0.0 => "checkout begun".to_owned(),
        "cart_in_checkout" => "no checkout begun".to_owned(),
        "order_count" if value < 1.0 => "no order so far".to_owned(),
        "order_count" => format!("{} so far", many(value, "order")),
        "order_recency" if value >= 3_650.0 => "never ordered".to_owned(),
        "order_recency" => format!("last order {} ago", days(value)),
        "activity_recency" => format!("silent for {}", days(value)),
        "tenure" => format!("known for {}", days(value)),
        "payment_failures_24_hours" => format!("{} today", many(value, "failed payment")),
        "removals_1_hour" => format!("{} from the cart", many(value, "removal")),
        "identified" if value > 0.0 => "signed in".to_owned(),
        "identified" => "not signed in".to_owned(),
        "late_deliveries_90_days" => format!("{} late", many(value, "parcel")),
        "case_open" if value > 0.0 => "a case is open".to_owned(),
        "session_count" => format!("{} so far", many(value, "visit")),
        "session_product_views" => format!("{} this visit", many(value, "product view")),
        _ => format!("{} {}", name.replace('_', " "), (f64::from(value) * 100.0).round() / 100.0),
    }
}

/// Returns a reason in words.
pub fn meaning(reason: Reason) -> &'static str {
    match reason {
        Reason::Clear => "nothing stood against it",
        Reason::Condition => "its conditions did not hold when it was due",
        Reason::Exited => "an exit event ended it",
        Reason::GoalReached => "its goal was reached before",
        Reason::Cooldown => "the same key was entered too recently",
        Reason::ReentryMax => "the same key was entered as often as it may be",
        Reason::NoKey => "the entry event lacks the key",
        Reason::InstanceLimit => "too many instances are open",
        Reason::NoConsent => "consent is not granted",
        Reason::SuppressedCustomer => "the customer is suppressed",
        Reason::Cap => "a cap is used up",
        Reason::QuietHours => "it is the customer's quiet hours",
        Reason::Priority => "another proposal had priority",
        Reason::MaxAge => "it came too late (max_age)",
        Reason::MaxDefer => "it was deferred for too long (max_defer)",
        Reason::OpenCase => "a case of the customer is open",
        Reason::Holdout => "the customer is in the trigger's control arm",
        Reason::GlobalControl => "the customer is in the global control group",
        Reason::LateEvent => "the event is too late to act on",
        Reason::Shadow => "the trigger runs in shadow",
        Reason::Render => "the template could not be rendered",
        Reason::Erased => "the customer was erased",
        Reason::Merged => "a merge brought an older instance of the same key, which goes on in its place",
        Reason::Unknown => "nobody told what became of it",
        Reason::TriggerGone => "no trigger of this name is in force any more",
        Reason::Restored => {
            "the shop was taken out of a backup, and this may have been sent in the time that is lost"
        }
        Reason::ChannelRefused => "the channel refused it for good",
    }
}

/// Returns a text whose control characters are written out, so that it can be shown on a terminal.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            write!(shown, "{}", character.escape_default()).expect("a text takes every character");
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Writes text on, with its control characters written out; keeps what ends within a character until the rest has come.
pub struct Printable<W> {
    out: W,
    begun: Vec<u8>,
}

impl<W: Write> Printable<W> {
    /// Returns a writer before `out`.
    pub fn new(out: W) -> Self {
        Self { out, begun: Vec::new() }
    }
}

impl<W: Write> Write for Printable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.begun) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.begun.len(),
        };
        let text = String::from_utf8_lossy(&self.begun[..whole]);
        self.out.write_all(printable(&text).as_bytes())?;
        self.begun.drain(..whole);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use schemas::money::Currency;

    use super::*;

    #[test]
    fn lengths_show_their_two_largest_units() {
        for (span, text) in [
            (Span(0), "0 s"),
            (Span::seconds(59), "59 s"),
            (Span::minutes(90), "1 h 30 min"),
            (Span(Span::days(2).0 + 5_000), "2 d 5 s"),
        ] {
            assert_eq!(Length(span).to_string(), text);
        }
    }

    #[test]
    fn amounts_keep_their_hundredths_and_sign() {
        let amount = |minor| Amount(Money { minor, currency: Currency(*b"EUR") }).to_string();
        assert_eq!((amount(1_205), amount(-5)), ("12.05 EUR".to_owned(), "-0.05 EUR".to_owned()));
    }

    #[test]
    fn instants_beyond_the_calendar_are_written_all_the_same() {
        assert_eq!(Instant(Timestamp(0)).to_string(), "1970-01-01 00:00:00Z");
        assert!(Instant(Timestamp(i64::MAX)).to_string().contains("ms"));
    }

    #[test]
    fn what_would_steer_a_terminal_is_written_out_wherever_it_is_cut() {
        let text = "\u{1b}[2J 李\u{9b}\tnext\n";
        assert_eq!(printable(text), "\\u{1b}[2J 李\\u{9b}\\tnext\n");
        for cut in 0..text.len() {
            let mut out = Printable::new(Vec::new());
            out.write_all(&text.as_bytes()[..cut]).expect("memory takes every byte");
            out.write_all(&text.as_bytes()[cut..]).expect("memory takes every byte");
            assert_eq!(out.out, printable(text).as_bytes(), "cut at {cut}");
        }
    }
}
