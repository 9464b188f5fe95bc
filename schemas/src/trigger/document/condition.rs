//! Conditions: `when`, `where`, `becomes`, `ceases`.

use super::check::{Check, Map, listed};
use super::entry::{all, crossing};
use super::scalar;
use super::tree::{Entry as Item, Kind, Node};
use crate::profile::Consent;
use crate::profile::day::{DAYS_MAX, DayKind};
use crate::profile::field::{self, FieldKind};
use crate::profile::recent::WINDOW_MAX;
use crate::time::Span;
use crate::trigger::spec::{Compare, Condition, Entry};
use crate::value::Value;

/// Conditions inside each other.
const DEPTH_MAX: u8 = 8;

/// Conditions of one tree.
const CONDITIONS_MAX: u32 = 64;

/// Values of one `in`.
const VALUES_MAX: usize = 64;

/// Largest number that events can be compared with: more are not counted one by one.
const COUNT_MAX: u32 = 1_000_000;

/// Longest window of a count.
const LONGEST: Span = Span::days(DAYS_MAX as i64);

/// What a condition may begin with; exactly one does.
const HEADS: [&str; 9] = ["all", "any", "not", "count", "profile", "event", "score", "open_case", "consent"];

/// The comparisons.
const COMPARISONS: [&str; 8] = ["gt", "gte", "lt", "lte", "eq", "ne", "in", "exists"];

/// What a condition can look at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// An event alone.
    Filter,
    /// The profile, and the event that opened the instance.
    WithEvent,
    /// The profile; no event opened the instance.
    NoEvent,
}

impl Scope {
    /// Returns the heads that are legal.
    fn heads(self) -> &'static [&'static str] {
        match self {
            Scope::Filter => &["all", "any", "not", "event"],
            Scope::WithEvent => &HEADS,
            Scope::NoEvent => &["all", "any", "not", "count", "profile", "score", "open_case", "consent"],
        }
    }
}

/// Reads `spec.when`; `entry` is what opens the instance, where that could be read.
pub fn when(node: &Node, entry: Option<&Entry>, check: &mut Check) -> Option<Condition> {
    let scope = match entry {
        None | Some(Entry::Event(_)) => Scope::WithEvent,
        Some(Entry::Crossing(_) | Entry::Becomes(_) | Entry::Ceases(_)) => Scope::NoEvent,
    };
    root(node, scope, check)
}

/// Reads a tree of conditions.
pub fn root(node: &Node, scope: Scope, check: &mut Check) -> Option<Condition> {
    Reader { scope, left: CONDITIONS_MAX, depth: 0, check }.condition(node)
}

/// Reads one tree within its bounds.
struct Reader<'c> {
    scope: Scope,
    left: u32,
    depth: u8,
    check: &'c mut Check,
}

impl Reader<'_> {
    fn condition(&mut self, node: &Node) -> Option<Condition> {
        if self.depth >= DEPTH_MAX {
            self.check.fault(
                node,
                "nests too deep",
                format!("up to {DEPTH_MAX} conditions inside each other"),
            );
            return None;
        }
        let Some(left) = self.left.checked_sub(1) else {
            self.check.fault(node, "too many conditions", format!("up to {CONDITIONS_MAX}"));
            return None;
        };
        self.left = left;
        self.depth += 1;
        let condition = self.inner(node);
        self.depth -= 1;
        condition
    }

    fn inner(&mut self, node: &Node) -> Option<Condition> {
        let head = self.head(node)?;
        let mut legal = vec![head.name.as_str()];
        match head.name.as_str() {
            "count" | "profile" | "event" => legal.extend(COMPARISONS),
            "score" => legal.extend(["rises_above", "rearms_below", "gt", "gte", "lt", "lte"]),
            _ => {}
        }
        let map = self.check.map(node, &legal)?;
        match head.name.as_str() {
            "all" => self.parts(&head.value).map(Condition::All),
            "any" => self.parts(&head.value).map(Condition::Any),
            "not" => self.condition(&head.value).map(|inner| Condition::Not(Box::new(inner))),
            "count" => self.count(&head.value, &map),
            "profile" => self.profile(&head.value, &map),
            "event" => {
                let path = scalar::property(&head.value, self.check);
                let compare = self.compare(&map, Takes::Anything);
                Some(Condition::Event { path: path?, compare: compare? })
            }
            "score" => self.score(&head.value, &map),
            "open_case" => {
                let value = self.check.boolean(&head.value)?;
                Some(known("open_case", Compare::Eq(Value::Bool(value))))
            }
            _ => self.consent(&head.value),
        }
    }

    /// Returns the entry that says what the condition is about.
    fn head<'n>(&mut self, node: &'n Node) -> Option<&'n Item> {
        let legal = self.scope.heads();
        let Kind::Map(entries) = &node.kind else {
            let legal = format!("a map with one of {}", listed(legal));
            self.check.fault(node, format!("{} is no condition", node.shown()), legal);
            return None;
        };
        let mut heads = entries.iter().filter(|entry| HEADS.contains(&entry.name.as_str()));
        let Some(head) = heads.next() else {
            // Unknown keys are told one by one; an empty map has none to tell.
            if entries.is_empty() || entries.iter().all(|entry| COMPARISONS.contains(&entry.name.as_str())) {
                let legal = format!("one of {}", listed(legal));
                self.check.fault(node, "does not say what it is about", legal);
            } else {
                self.check.map(node, legal);
            }
            return None;
        };
        if let Some(second) = heads.next() {
            let wrong = format!("a second condition beside {}", head.name);
            self.check.key(second, wrong, "one; two stand in a list under all or any");
            return None;
        }
        if !legal.contains(&head.name.as_str()) {
            let wrong = match self.scope {
                Scope::Filter => "a filter looks at the event alone",
                Scope::WithEvent | Scope::NoEvent => "no event starts this",
            };
            self.check.key(head, wrong, listed(legal));
            return None;
        }
        Some(head)
    }

    fn parts(&mut self, node: &Node) -> Option<Vec<Condition>> {
        let items = self.check.list(node, CONDITIONS_MAX as usize)?;
        if items.is_empty() {
            self.check.fault(node, "is empty", "one condition or more");
            return None;
        }
        all(items.iter().map(|item| self.condition(item)))
    }

    fn count(&mut self, node: &Node, map: &Map<'_>) -> Option<Condition> {
        let what = self.check.map(node, &["event", "within"]);
        let compare = self.compare(map, Takes::Count);
        let what = what?;
        let event = self.check.required(&what, "event").and_then(|node| scalar::event_name(node, self.check));
        let within = self.check.required(&what, "within").and_then(|within| {
            let span = scalar::duration(within, scalar::SHORTEST, LONGEST, self.check)?;
            let by_day = event.as_ref().is_none_or(|name| DayKind::of_event(name).is_some());
            if span > WINDOW_MAX && !by_day {
                let wrong = "events of this name are counted for a day only, so the number will be too small";
                self.check.warn(within, wrong, "up to P1D");
            }
            Some(span)
        });
        Some(Condition::Count { event: event?, within: within?, compare: compare? })
    }

    fn profile(&mut self, node: &Node, map: &Map<'_>) -> Option<Condition> {
        let field = scalar::field(node, self.check);
        let takes = field.as_ref().map_or(Takes::Anything, |field| match field.kind() {
            FieldKind::Number => Takes::Number,
            FieldKind::Text => Takes::Text,
            FieldKind::Bool => Takes::Bool,
            FieldKind::Any => Takes::Anything,
        });
        let compare = self.compare(map, takes);
        Some(Condition::Profile { field: field?, compare: compare? })
    }

    fn score(&mut self, node: &Node, map: &Map<'_>) -> Option<Condition> {
        let mut latch = map.among(&["rises_above", "rearms_below"]);
        if latch.next().is_none() {
            let head = scalar::head(node, self.check);
            let compare = self.compare(map, Takes::Probability);
            return Some(Condition::Score { head: head?, compare: compare? });
        }
        let crossing = crossing(map, self.check);
        if let Some(entry) = map.among(&COMPARISONS).next() {
            self.check.key(entry, "does not go with rises_above", "one of the two");
            return None;
        }
        crossing.map(Condition::Latch)
    }

    fn consent(&mut self, node: &Node) -> Option<Condition> {
        let words = [Consent::Granted, Consent::Denied, Consent::Unknown].map(|word| (word.as_str(), word));
        let word = self.check.choice(node, &words)?;
        Some(known("consent.marketing", Compare::Eq(Value::Text(word.as_str().into()))))
    }

    fn compare(&mut self, map: &Map<'_>, takes: Takes) -> Option<Compare> {
        let mut found = map.among(&COMPARISONS);
        let Some(entry) = found.next() else {
            let legal = format!("one of {}", listed(takes.comparisons()));
            self.check.fault(map.node, "has no comparison", legal);
            return None;
        };
        if let Some(second) = found.next() {
            let wrong = format!("a second comparison beside {}", entry.name);
            self.check.key(second, wrong, "one; two stand in a list under all");
            return None;
        }
        if !takes.comparisons().contains(&entry.name.as_str()) {
            let wrong = format!("does not fit {}", takes.noun());
            self.check.key(entry, wrong, listed(takes.comparisons()));
            return None;
        }
        let node = &entry.value;
        Some(match entry.name.as_str() {
            "gt" => Compare::Gt(self.bound(node, takes)?),
            "gte" => Compare::Gte(self.bound(node, takes)?),
            "lt" => Compare::Lt(self.bound(node, takes)?),
            "lte" => Compare::Lte(self.bound(node, takes)?),
            "eq" => Compare::Eq(self.value(node, takes)?),
            "ne" => Compare::Ne(self.value(node, takes)?),
            "in" => Compare::In(self.values(node, takes)?),
            _ => match self.check.boolean(node)? {
                true => Compare::Exists,
                false => Compare::Missing,
            },
        })
    }

    fn bound(&mut self, node: &Node, takes: Takes) -> Option<f64> {
        match takes {
            Takes::Count => self.check.whole(node, 0, COUNT_MAX).map(f64::from),
            Takes::Probability => self.check.number_within(node, 0.0, 1.0),
            Takes::Number | Takes::Text | Takes::Bool | Takes::Anything => self.check.number(node),
        }
    }

    fn value(&mut self, node: &Node, takes: Takes) -> Option<Value> {
        match takes {
            Takes::Count | Takes::Probability | Takes::Number => self.bound(node, takes).map(Value::Number),
            Takes::Text => self.check.text(node, usize::MAX).map(Value::Text),
            Takes::Bool => self.check.boolean(node).map(Value::Bool),
            Takes::Anything => match &node.kind {
                Kind::Bool(value) => Some(Value::Bool(*value)),
                Kind::Number(number) => Some(Value::Number(*number)),
                Kind::Text(text) => Some(Value::Text(text.clone())),
                Kind::Null | Kind::List(_) | Kind::Map(_) => {
                    let wrong = format!("{} is no value to compare with", node.shown());
                    self.check.fault(node, wrong, "a text, a number, true, false");
                    None
                }
            },
        }
    }

    fn values(&mut self, node: &Node, takes: Takes) -> Option<Vec<Value>> {
        let items = self.check.list(node, VALUES_MAX)?;
        if items.is_empty() {
            self.check.fault(node, "is empty", "one value or more");
            return None;
        }
        all(items.iter().map(|item| self.value(item, takes)))
    }
}

/// What stands on the other side of a comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Number,
    Text,
    Bool,
    Count,
    Probability,
    Anything,
}

impl Takes {
    fn comparisons(self) -> &'static [&'static str] {
        match self {
            Takes::Number | Takes::Anything => &COMPARISONS,
            Takes::Text => &["eq", "ne", "in", "exists"],
            Takes::Bool => &["eq", "ne", "exists"],
            Takes::Count => &["gt", "gte", "lt", "lte", "eq", "ne"],
            Takes::Probability => &["gt", "gte", "lt", "lte"],
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Takes::Number => "a number",
            Takes::Text => "a text",
            Takes::Bool => "a yes or no",
            Takes::Count => "a count",
            Takes::Probability => "a score",
            Takes::Anything => "a value",
        }
    }
}

/// Returns the condition on a field that is in the table.
fn known(path: &str, compare: Compare) -> Condition {
    let field = field::lookup(path).expect("the table has it, a test says so");
    Condition::Profile { field, compare }
}
