//! The life of an instance: what opens it, what it waits for, what ends it, what it is for.

use smol_str::SmolStr;

use super::check::{Check, Map, listed};
use super::condition::{self, Scope};
use super::scalar;
use super::tree::Node;
use crate::time::Span;
use crate::trigger::spec::{
    Condition, Crossing, Entry, EventPattern, Exit, Goal, Key, Match, Reentry, ReentryMode, Wait,
};

/// Longest wait, cool-down and goal.
const LONGEST: Span = Span::days(366);

/// Exits of a trigger; also names that reset its wait.
const PATTERNS_MAX: usize = 16;

/// Largest `reentry.max`.
const ENTRIES_MAX: u32 = 10_000;

/// How an instance may be opened; exactly one stands in `entry`.
const WAYS: [&str; 4] = ["event", "score", "becomes", "ceases"];

/// What `entry` says.
pub struct Opening {
    /// What opens an instance.
    pub entry: Entry,
    /// What tells instances apart.
    pub key: Key,
    /// How often the same key may enter.
    pub reentry: Reentry,
}

/// Reads `spec.entry`.
pub fn entry(node: &Node, check: &mut Check) -> Option<Opening> {
    const LEGAL: [&str; 9] =
        ["event", "where", "score", "rises_above", "rearms_below", "becomes", "ceases", "key", "reentry"];
    let map = check.map(node, &LEGAL)?;
    let entry = way(&map, check);
    let key = match map.get("key") {
        Some(node) => key(node, entry.as_ref(), check),
        None => Some(Key::default()),
    };
    let reentry = match map.get("reentry") {
        Some(node) => reentry(node, check),
        None => Some(Reentry { mode: ReentryMode::Always, max: None }),
    };
    Some(Opening { entry: entry?, key: key?, reentry: reentry? })
}

fn way(map: &Map<'_>, check: &mut Check) -> Option<Entry> {
    let mut ways = map.among(&WAYS);
    let Some(way) = ways.next() else {
        check.fault(map.node, "says no way to start", format!("one of {}", listed(&WAYS)));
        return None;
    };
    for second in ways {
        check.key(second, format!("a second way to start beside {}", way.name), "one");
    }
    let fitting: &[&str] = match way.name.as_str() {
        "event" => &["where"],
        "score" => &["rises_above", "rearms_below"],
        _ => &[],
    };
    for stray in map.among(&["where", "rises_above", "rearms_below"]) {
        if !fitting.contains(&stray.name.as_str()) {
            check.key(stray, format!("does not go with {}", way.name), listed(fitting));
        }
    }
    match way.name.as_str() {
        "event" => pattern_of(map, check).map(Entry::Event),
        "score" => crossing(map, check).map(Entry::Crossing),
        "becomes" => condition::root(&way.value, Scope::NoEvent, check).map(Entry::Becomes),
        _ => condition::root(&way.value, Scope::NoEvent, check).map(Entry::Ceases),
    }
}

/// Reads `score`, `rises_above` and `rearms_below` of a map.
pub fn crossing(map: &Map<'_>, check: &mut Check) -> Option<Crossing> {
    let head = check.required(map, "score").and_then(|node| scalar::head(node, check));
    let rises = check.required(map, "rises_above").and_then(|node| check.number_within(node, 0.0, 1.0));
    let rearms = match map.get("rearms_below") {
        Some(node) => {
            let value = check.number_within(node, 0.0, 1.0);
            if let (Some(rises), Some(rearms)) = (rises, value)
                && rearms > rises
            {
                let legal = format!("at most rises_above, {rises}");
                check.fault(node, format!("{rearms} is above the other threshold"), legal);
                return None;
            }
            value
        }
        None => rises,
    };
    Some(Crossing { head: head?, rises_above: rises? as f32, rearms_below: rearms? as f32 })
}

fn key(node: &Node, entry: Option<&Entry>, check: &mut Check) -> Option<Key> {
    let key = match scalar::property(node, check)?.as_str() {
        "customer" => Key::Customer,
        "cart" => Key::Cart,
        "order" => Key::Order,
        path => Key::Property(SmolStr::new(path)),
    };
    match (&key, entry) {
        (Key::Order | Key::Property(_), Some(Entry::Crossing(_) | Entry::Becomes(_) | Entry::Ceases(_))) => {
            check.fault(
                node,
                format!("{} stands in an event, and none starts this", node.shown()),
                "customer, cart",
            );
            None
        }
        (Key::Customer | Key::Cart | Key::Order | Key::Property(_), _) => Some(key),
    }
}

/// Which word stands under `reentry.mode`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Always,
    Cooldown,
    Once,
}

fn reentry(node: &Node, check: &mut Check) -> Option<Reentry> {
    let map = check.map(node, &["mode", "cooldown", "max"])?;
    let modes = [("always", Mode::Always), ("cooldown", Mode::Cooldown), ("once", Mode::Once)];
    let mode = check.required(&map, "mode").and_then(|node| check.choice(node, &modes));
    let cooldown = match (mode, map.get("cooldown")) {
        (Some(Mode::Cooldown), None) => {
            check.required(&map, "cooldown");
            None
        }
        (Some(Mode::Always | Mode::Once), Some(node)) => {
            check.fault(node, "goes with mode: cooldown alone", "");
            None
        }
        (_, Some(node)) => scalar::duration(node, scalar::SHORTEST, LONGEST, check).map(Some),
        (_, None) => Some(None),
    };
    let max = match (mode, map.get("max")) {
        (Some(Mode::Once), Some(node)) => {
            check.fault(node, "does not go with mode: once", "");
            None
        }
        (_, Some(node)) => check.whole(node, 1, ENTRIES_MAX).map(Some),
        (_, None) => Some(None),
    };
    let mode = match (mode?, cooldown?) {
        (Mode::Cooldown, span) => ReentryMode::Cooldown(span?),
        (Mode::Always, _) => ReentryMode::Always,
        (Mode::Once, _) => ReentryMode::Once,
    };
    Some(Reentry { mode, max: max? })
}

/// Reads `spec.wait`.
pub fn wait(node: &Node, check: &mut Check) -> Option<Wait> {
    let map = check.map(node, &["for", "reset_on"])?;
    let span =
        check.required(&map, "for").and_then(|node| scalar::duration(node, scalar::SHORTEST, LONGEST, check));
    let reset_on = match map.get("reset_on") {
        Some(node) => check
            .list(node, PATTERNS_MAX)
            .and_then(|items| all(items.iter().map(|item| named_pattern(item, check)))),
        None => Some(Vec::new()),
    };
    Some(Wait { span: span?, reset_on: reset_on? })
}

/// Reads an event by name alone, or with a filter.
fn named_pattern(node: &Node, check: &mut Check) -> Option<EventPattern> {
    if node.text().is_some() {
        let name = scalar::event_name(node, check)?;
        return Some(EventPattern { name, filter: Condition::always() });
    }
    let map = check.map(node, &["event", "where"])?;
    pattern_of(&map, check)
}

/// Reads `event` and `where` of a map.
fn pattern_of(map: &Map<'_>, check: &mut Check) -> Option<EventPattern> {
    let name = check.required(map, "event").and_then(|node| scalar::event_name(node, check));
    let filter = match map.get("where") {
        Some(node) => condition::root(node, Scope::Filter, check),
        None => Some(Condition::always()),
    };
    Some(EventPattern { name: name?, filter: filter? })
}

/// Reads `spec.exit`.
pub fn exits(node: &Node, key: Option<&Key>, check: &mut Check) -> Option<Vec<Exit>> {
    let items = check.list(node, PATTERNS_MAX)?;
    all(items.iter().map(|item| exit(item, key, check)))
}

fn exit(node: &Node, key: Option<&Key>, check: &mut Check) -> Option<Exit> {
    let map = check.map(node, &["event", "where", "match"])?;
    let event = pattern_of(&map, check);
    let matching = match map.get("match") {
        Some(node) => matching(node, key, check),
        None => Some(Match::default()),
    };
    Some(Exit { event: event?, matching: matching? })
}

/// Reads a match; the name of a key has to be the trigger's own.
fn matching(node: &Node, key: Option<&Key>, check: &mut Check) -> Option<Match> {
    let (word, own) = match key {
        None => return None,
        Some(Key::Customer) => (node.text(), "any"),
        Some(Key::Cart) => (node.text(), "any, key, cart"),
        Some(Key::Order) => (node.text(), "any, key, order"),
        Some(Key::Property(_)) => (node.text(), "any, key"),
    };
    match (word, key) {
        (Some("any"), _) => Some(Match::Any),
        (Some("key"), Some(Key::Cart | Key::Order | Key::Property(_)))
        | (Some("cart"), Some(Key::Cart))
        | (Some("order"), Some(Key::Order)) => Some(Match::Key),
        _ => {
            check.fault(node, format!("{} does not fit the trigger's key", node.shown()), own);
            None
        }
    }
}

/// Reads `spec.goal`.
pub fn goal(node: &Node, check: &mut Check) -> Option<Goal> {
    let map = check.map(node, &["event", "where", "within"])?;
    let event = pattern_of(&map, check);
    let within = check
        .required(&map, "within")
        .and_then(|node| scalar::duration(node, scalar::SHORTEST, LONGEST, check));
    Some(Goal { event: event?, within: within? })
}

/// Returns all values when each is there; reads on after one that is not.
pub fn all<T>(values: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let mut read = Vec::new();
    let mut told = 0;
    for value in values {
        match value {
            Some(value) => read.push(value),
            None => told += 1,
        }
    }
    (told == 0).then_some(read)
}
