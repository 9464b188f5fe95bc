//! Helpers for answers: instants, money and values as people read them.

use std::fmt;
use std::io::Write;

use anyhow::Result;
use schemas::money::Money;
use schemas::time::{Span, Timestamp};
use schemas::value::Value;
use serde::Serialize;

/// An instant to the second, in UTC.
pub struct Instant(pub Timestamp);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0.0) {
            Ok(instant) => write!(f, "{}", instant.strftime("%Y-%m-%d %H:%M:%SZ")),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

/// An instant that may be missing.
pub struct Maybe(pub Option<Timestamp>);

impl fmt::Display for Maybe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, "{}", Instant(at)),
            None => f.write_str("never"),
        }
    }
}

/// A length of time in its two largest units.
pub struct Length(pub Span);

impl fmt::Display for Length {
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

impl fmt::Display for Amount {
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

impl fmt::Display for Plain<'_> {
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

/// Writes one value as a line of JSON.
pub fn json(value: &impl Serialize, out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    Ok(writeln!(out)?)
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
}
