//! The trigger document: from the YAML (or JSON, its subset) that a marketer writes to a [`Trigger`], or to every fault it has.
//!
//! | file | holds |
//! |---|---|
//! | `fault` | what is wrong, where, and what would be legal |
//! | `tree` | from text to nodes that know their line, column and path; bounds on hostile input |
//! | `check` | collects faults while nodes are read: closed maps, choices, numbers, texts |
//! | `scalar` | durations, times of day, names |
//! | `entry` | `metadata`, `entry`, `wait`, `exit`, `goal` |
//! | `condition` | `when`, `where`, `becomes`, `ceases` |
//! | `policy` | `policy` with its defaults, `test`, `action` |
//!
//! A document is small and closed: no anchors, tags, second documents, scripts or unknown keys. All its faults are told at once, so one
//! round of mending is enough.

mod check;
mod condition;
mod entry;
mod fault;
mod policy;
mod scalar;
mod tree;

use smol_str::SmolStr;

pub use fault::{Fault, Faults};
pub use policy::defaults;
pub use tree::DOCUMENT_MAX;

use super::spec::{Condition, Mode, Trigger};
use check::{Check, Map};
use tree::Node;

/// What stands under `apiVersion`.
pub const API_VERSION: &str = "care/v1";

/// What stands under `kind`.
pub const KIND: &str = "Trigger";

/// Longest description, in characters.
const DESCRIPTION_MAX: usize = 500;

/// A document that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The trigger.
    pub trigger: Trigger,
    /// What is legal and probably not meant.
    pub warnings: Vec<Fault>,
}

/// Reads a trigger document.
///
/// Errors: `Faults` → everything that is wrong with it, in the order of its lines.
/// Bounds: [`DOCUMENT_MAX`] bytes of text.
pub fn parse(text: &str) -> Result<Parsed, Faults> {
    let mut check = Check::default();
    let trigger = tree::read(text, &mut check).and_then(|root| document(&root, &mut check));
    check.finish(trigger)
}

fn document(root: &Node, check: &mut Check) -> Option<Trigger> {
    let map = check.map(root, &["apiVersion", "kind", "metadata", "spec"])?;
    constant(&map, "apiVersion", API_VERSION, check);
    constant(&map, "kind", KIND, check);
    let metadata = check.required(&map, "metadata").and_then(|node| metadata(node, check));
    let spec = check.required(&map, "spec").and_then(|node| spec(node, check));
    let (metadata, trigger) = (metadata?, spec?);
    Some(Trigger {
        name: metadata.name,
        version: metadata.version,
        description: metadata.description,
        mode: metadata.mode,
        ..trigger
    })
}

fn constant(map: &Map<'_>, name: &str, legal: &str, check: &mut Check) {
    if let Some(node) = check.required(map, name)
        && node.text() != Some(legal)
    {
        check.fault(node, format!("{} is another format", node.shown()), legal);
    }
}

struct Metadata {
    name: SmolStr,
    version: u32,
    description: SmolStr,
    mode: Mode,
}

fn metadata(node: &Node, check: &mut Check) -> Option<Metadata> {
    let map = check.map(node, &["name", "version", "description", "mode"])?;
    let name = check.required(&map, "name").and_then(|node| scalar::name(node, check));
    let version = match map.get("version") {
        Some(node) => check.whole(node, 1, u32::MAX),
        None => Some(1),
    };
    let description = match map.get("description") {
        Some(node) => check.text(node, DESCRIPTION_MAX),
        None => Some(SmolStr::default()),
    };
    let mode = match map.get("mode") {
        Some(node) => {
            check.choice(node, &[("live", Mode::Live), ("shadow", Mode::Shadow), ("paused", Mode::Paused)])
        }
        None => Some(Mode::default()),
    };
    Some(Metadata { name: name?, version: version?, description: description?, mode: mode? })
}

/// Reads `spec` into a trigger whose metadata are still empty.
fn spec(node: &Node, check: &mut Check) -> Option<Trigger> {
    let map = check.map(node, &["entry", "wait", "exit", "when", "policy", "test", "action", "goal"])?;
    let entry = check.required(&map, "entry").and_then(|node| entry::entry(node, check));
    let key = entry.as_ref().map(|entry| &entry.key);
    let wait = check.optional(&map, "wait", entry::wait);
    let exits = match map.get("exit") {
        Some(node) => entry::exits(node, key, check),
        None => Some(Vec::new()),
    };
    let when = match map.get("when") {
        Some(node) => condition::when(node, entry.as_ref().map(|entry| &entry.entry), check),
        None => Some(Condition::always()),
    };
    let policy = policy::policy(map.get("policy"), check);
    let holdout = match map.get("test") {
        Some(node) => policy::holdout(node, check),
        None => Some(0.0),
    };
    let action = check.required(&map, "action").and_then(|node| policy::action(node, check));
    let goal = check.optional(&map, "goal", entry::goal);
    let entry = entry?;
    let trigger = Trigger {
        name: SmolStr::default(),
        version: 1,
        description: SmolStr::default(),
        mode: Mode::default(),
        entry: entry.entry,
        key: entry.key,
        reentry: entry.reentry,
        wait: wait?,
        exits: exits?,
        when: when?,
        policy: policy?,
        holdout: holdout?,
        action: action?,
        goal: goal?,
    };
    overruled_resets(&trigger, &map, check);
    Some(trigger)
}

/// Warns of events that are to start the wait anew and end the instance: the end comes first.
fn overruled_resets(trigger: &Trigger, map: &Map<'_>, check: &mut Check) {
    let (Some(wait), Some(node)) = (&trigger.wait, map.get("wait")) else { return };
    for pattern in &wait.reset_on {
        let exits = trigger.exits.iter().map(|exit| &exit.event);
        if exits.chain(trigger.goal.iter().map(|goal| &goal.event)).any(|event| event == pattern) {
            let wrong =
                format!("{} is to start the wait anew, and it ends the instance before", pattern.name);
            check.warn(node, wrong, "one of the two");
        }
    }
}

#[cfg(test)]
mod tests;
