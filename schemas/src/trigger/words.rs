//! What a trigger does, in plain words: for the linter, and beside every decision.
//!
//! A condition has a short text ("cart.value ≥ 40") that decisions carry; [`describe`] tells a whole trigger to the marketer who wrote
//! it. Nothing here is parsed again.

use std::fmt::{self, Write as _};

use smol_str::{SmolStr, SmolStrBuilder};

use super::spec::{Compare, Condition, Crossing};
use crate::time::Span;
use crate::value::Value;

mod describe;

pub use describe::describe;

impl Condition {
    /// Returns the condition in a few words, as decisions carry it.
    pub fn text(&self) -> SmolStr {
        let mut text = SmolStrBuilder::new();
        write!(text, "{}", Text(self)).expect("text grows");
        text.finish()
    }
}

/// Writes a condition on one line.
struct Text<'a>(&'a Condition);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Condition::All(parts) => several(f, parts, " and ", "always"),
            Condition::Any(parts) => several(f, parts, " or ", "never"),
            Condition::Not(inner) => write!(f, "not {}", Part(inner)),
            Condition::Count { event, within, compare } => {
                write!(f, "{} {event} within {}", Number(compare), Length(*within))
            }
            Condition::Profile { field, compare } => write!(f, "{} {}", field.path(), Than(compare)),
            Condition::Event { path, compare } => write!(f, "event.{path} {}", Than(compare)),
            Condition::Latch(Crossing { head, rises_above, rearms_below }) => {
                write!(f, "{} risen above {rises_above}, not yet below {rearms_below}", head.as_str())
            }
            Condition::Score { head, compare } => write!(f, "score {} {}", head.as_str(), Than(compare)),
        }
    }
}

/// Writes conditions that stand together; `none` when there are none.
fn several(f: &mut fmt::Formatter<'_>, parts: &[Condition], between: &str, none: &str) -> fmt::Result {
    let Some((first, rest)) = parts.split_first() else { return f.write_str(none) };
    if rest.is_empty() {
        return write!(f, "{}", Text(first));
    }
    write!(f, "{}", Part(first))?;
    rest.iter().try_for_each(|part| write!(f, "{between}{}", Part(part)))
}

/// Writes a condition inside another: in brackets where it would be misread without.
struct Part<'a>(&'a Condition);

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Condition::All(parts) | Condition::Any(parts) if parts.len() > 1 => {
                write!(f, "({})", Text(self.0))
            }
            Condition::All(_)
            | Condition::Any(_)
            | Condition::Not(_)
            | Condition::Count { .. }
            | Condition::Profile { .. }
            | Condition::Event { .. }
            | Condition::Latch(_)
            | Condition::Score { .. } => write!(f, "{}", Text(self.0)),
        }
    }
}

/// Writes a comparison behind what is compared.
struct Than<'a>(&'a Compare);

impl fmt::Display for Than<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Compare::Eq(value) => write!(f, "= {}", Said(value)),
            Compare::Ne(value) => write!(f, "≠ {}", Said(value)),
            Compare::Gt(number) => write!(f, "> {number}"),
            Compare::Gte(number) => write!(f, "≥ {number}"),
            Compare::Lt(number) => write!(f, "< {number}"),
            Compare::Lte(number) => write!(f, "≤ {number}"),
            Compare::In(values) => {
                f.write_str("is ")?;
                one_of(f, values)
            }
            Compare::Exists => f.write_str("is there"),
            Compare::Missing => f.write_str("is not there"),
        }
    }
}

/// Writes a comparison before the events that are counted.
struct Number<'a>(&'a Compare);

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Compare::Eq(value) => write!(f, "exactly {}", Said(value)),
            Compare::Ne(value) => write!(f, "not exactly {}", Said(value)),
            Compare::Gt(number) => write!(f, "more than {number}"),
            Compare::Gte(number) => write!(f, "{number} or more"),
            Compare::Lt(number) => write!(f, "fewer than {number}"),
            Compare::Lte(number) => write!(f, "at most {number}"),
            Compare::In(values) => one_of(f, values),
            Compare::Exists => f.write_str("any number of"),
            Compare::Missing => f.write_str("no number of"),
        }
    }
}

/// Writes "a, b or c".
fn one_of(f: &mut fmt::Formatter<'_>, values: &[Value]) -> fmt::Result {
    for (nth, value) in values.iter().enumerate() {
        let before = match nth {
            0 => "",
            _ if nth + 1 == values.len() => " or ",
            _ => ", ",
        };
        write!(f, "{before}{}", Said(value))?;
    }
    Ok(())
}

/// Writes a value as a person would; lists and objects by their type, which no document can compare with.
struct Said<'a>(&'a Value);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Bool(true) => f.write_str("yes"),
            Value::Bool(false) => f.write_str("no"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Null | Value::List(_) | Value::Map(_) => f.write_str(self.0.type_name()),
        }
    }
}

/// Writes a span in the units that people use: "30 min", "1 h 30 min", "60 days".
pub(crate) struct Length(pub Span);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 4] =
            [(86_400_000, "day"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
        let mut rest = self.0.0.max(0);
        let mut between = "";
        for (unit, name) in UNITS {
            let n = rest / unit;
            rest %= unit;
            if n > 0 {
                let many = if name == "day" && n > 1 { "s" } else { "" };
                write!(f, "{between}{n} {name}{many}")?;
                between = " ";
            }
        }
        match (rest, between) {
            (0, "") => f.write_str("0 s"),
            (0, _) => Ok(()),
            (rest, _) => write!(f, "{between}{rest} ms"),
        }
    }
}

#[cfg(test)]
mod tests;
