//! The document by example: everything the grammar has, everything it refuses, and input that means harm.

mod faults;
mod grammar;
mod hostile;
mod ready;

use super::{Parsed, parse};

/// A document with nothing that may be left out, for a table to put a part into.
const SHORTEST: &str = "apiVersion: care/v1
kind: Trigger
metadata: {name: shortest}
spec:
  entry: {event: Order Completed}
  action: {channel: log, template: thanks}
";

#[track_caller]
fn legal(text: &str) -> Parsed {
    parse(text).unwrap_or_else(|faults| panic!("{faults}\n---\n{text}"))
}

/// Returns the document whose line beginning with `replaced` (or, without one, its end) is another.
fn with(replaced: &str, line: &str) -> String {
    let mut text = String::new();
    for old in SHORTEST.lines() {
        let new = if !replaced.is_empty() && old.trim_start().starts_with(replaced) { line } else { old };
        text.push_str(new);
        text.push('\n');
    }
    if replaced.is_empty() {
        text.push_str(line);
    }
    text
}
