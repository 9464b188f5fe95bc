//! Collects faults while nodes are read. Readers return `None` where a fault was told, and go on with the rest.

use std::fmt::Write as _;

use smol_str::SmolStr;

use super::fault::{Fault, Faults};
use super::tree::{Entry, Kind, Node, child};
use super::{Parsed, Trigger};

/// Faults of a document that are told; a document with more is told how many more.
const FAULTS_MAX: usize = 100;

/// What the grammar of triggers will have and this version refuses.
const LATER: [&str; 6] = ["steps", "variants", "generate", "schedule", "list", "liquid"];

/// Everything told so far.
#[derive(Default)]
pub struct Check {
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    untold: usize,
}

/// A map whose keys were checked.
pub struct Map<'n> {
    /// The node it is.
    pub node: &'n Node,
    entries: &'n [Entry],
}

impl<'n> Map<'n> {
    /// Returns the value under a key.
    pub fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| &entry.value)
    }

    /// Returns its entries whose keys are among these.
    pub fn among(&self, names: &[&str]) -> impl Iterator<Item = &'n Entry> {
        self.entries.iter().filter(move |entry| names.contains(&entry.name.as_str()))
    }
}

impl Check {
    /// Returns the trigger with its warnings, or all faults by line.
    pub fn finish(mut self, trigger: Option<Trigger>) -> Result<Parsed, Faults> {
        match trigger {
            Some(trigger) if self.faults.is_empty() => Ok(Parsed { trigger, warnings: self.warnings }),
            Some(_) | None => {
                self.faults.sort_by_key(|fault| (fault.line, fault.column));
                if self.untold > 0 {
                    let (line, column) =
                        self.faults.last().map_or((1, 1), |fault| (fault.line, fault.column));
                    let wrong = format!("and {} faults more", self.untold);
                    let (path, legal) = (SmolStr::default(), String::new());
                    self.faults.push(Fault { line, column, path, wrong, legal });
                }
                Err(Faults(self.faults))
            }
        }
    }

    /// Tells a fault at a place that is no node.
    pub fn at(
        &mut self,
        line: u32,
        column: u32,
        path: &str,
        wrong: impl Into<String>,
        legal: impl Into<String>,
    ) {
        if self.faults.len() >= FAULTS_MAX {
            self.untold += 1;
            return;
        }
        let (path, wrong, legal) = (path.into(), wrong.into(), legal.into());
        self.faults.push(Fault { line, column, path, wrong, legal });
    }

    /// Tells a fault of a node.
    pub fn fault(&mut self, node: &Node, wrong: impl Into<String>, legal: impl Into<String>) {
        self.at(node.line, node.column, &node.path, wrong, legal);
    }

    /// Tells a fault of a key.
    pub fn key(&mut self, entry: &Entry, wrong: impl Into<String>, legal: impl Into<String>) {
        self.at(entry.line, entry.column, &entry.value.path, wrong, legal);
    }

    /// Tells a warning about a node.
    pub fn warn(&mut self, node: &Node, wrong: impl Into<String>, legal: impl Into<String>) {
        if self.warnings.len() < FAULTS_MAX {
            let (line, column, path) = (node.line, node.column, node.path.clone());
            self.warnings.push(Fault { line, column, path, wrong: wrong.into(), legal: legal.into() });
        }
    }

    /// Returns the map that a node is; every key that is not legal is a fault.
    pub fn map<'n>(&mut self, node: &'n Node, legal: &[&str]) -> Option<Map<'n>> {
        let Kind::Map(entries) = &node.kind else {
            self.fault(node, format!("{} is no map", node.shown()), format!("a map of {}", listed(legal)));
            return None;
        };
        for entry in entries.iter().filter(|entry| !legal.contains(&entry.name.as_str())) {
            let wrong = if LATER.contains(&entry.name.as_str()) {
                format!("{}: not in this version", entry.name)
            } else {
                match nearest(&entry.name, legal.iter().copied()) {
                    Some(near) => format!("no such key, nearest is {near}"),
                    None => "no such key".to_owned(),
                }
            };
            self.key(entry, wrong, listed(legal));
        }
        Some(Map { node, entries })
    }

    /// Returns the value under a key that has to be there.
    pub fn required<'n>(&mut self, map: &Map<'n>, name: &str) -> Option<&'n Node> {
        let found = map.get(name);
        if found.is_none() {
            let path = child(&map.node.path, name);
            self.at(map.node.line, map.node.column, &path, "is missing", "");
        }
        found
    }

    /// Reads what may be under a key: `None` after a fault, `Some(None)` where there is nothing.
    pub fn optional<'n, T>(
        &mut self,
        map: &Map<'n>,
        name: &str,
        read: impl FnOnce(&'n Node, &mut Check) -> Option<T>,
    ) -> Option<Option<T>> {
        match map.get(name) {
            Some(node) => read(node, self).map(Some),
            None => Some(None),
        }
    }

    /// Returns the items of the list that a node is.
    pub fn list<'n>(&mut self, node: &'n Node, max: usize) -> Option<&'n [Node]> {
        let Kind::List(items) = &node.kind else {
            self.fault(node, format!("{} is no list", node.shown()), "a list: [ … ]");
            return None;
        };
        if items.len() > max {
            self.fault(node, format!("{} are too many", items.len()), format!("up to {max}"));
            return None;
        }
        Some(items)
    }

    /// Returns the text that a node is.
    pub fn text(&mut self, node: &Node, max: usize) -> Option<SmolStr> {
        let Some(text) = node.text() else {
            let hint = match node.kind {
                Kind::Bool(_) | Kind::Number(_) => "a text; quote it if it is one",
                Kind::Null | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => "a text",
            };
            self.fault(node, format!("{} is no text", node.shown()), hint);
            return None;
        };
        if text.chars().count() > max {
            self.fault(node, "is too long", format!("up to {max} characters"));
            return None;
        }
        Some(SmolStr::new(text))
    }

    /// Returns the number that a node is.
    pub fn number(&mut self, node: &Node) -> Option<f64> {
        let Kind::Number(number) = node.kind else {
            self.fault(node, format!("{} is no number", node.shown()), "a number");
            return None;
        };
        Some(number)
    }

    /// Returns the number between two bounds, both included, that a node is.
    pub fn number_within(&mut self, node: &Node, min: f64, max: f64) -> Option<f64> {
        let number = self.number(node)?;
        if !(min..=max).contains(&number) {
            self.fault(node, format!("{number} is out of range"), format!("{min} to {max}"));
            return None;
        }
        Some(number)
    }

    /// Returns the whole number between two bounds, both included, that a node is.
    pub fn whole(&mut self, node: &Node, min: u32, max: u32) -> Option<u32> {
        let number = self.number_within(node, f64::from(min), f64::from(max))?;
        if number.fract() != 0.0 {
            self.fault(node, format!("{number} is not whole"), format!("a whole number, {min} to {max}"));
            return None;
        }
        Some(number as u32)
    }

    /// Returns the truth value that a node is.
    pub fn boolean(&mut self, node: &Node) -> Option<bool> {
        let Kind::Bool(value) = node.kind else {
            self.fault(node, format!("{} is neither true nor false", node.shown()), "true, false");
            return None;
        };
        Some(value)
    }

    /// Returns what one of a closed list of words means.
    pub fn choice<T: Copy>(&mut self, node: &Node, legal: &[(&str, T)]) -> Option<T> {
        let found = node.text().and_then(|text| legal.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let words: Vec<&str> = legal.iter().map(|(word, _)| *word).collect();
            let later = node.text().filter(|text| LATER.contains(text));
            let wrong = match later {
                Some(word) => format!("{word}: not in this version"),
                None => format!("{} is none of them", node.shown()),
            };
            self.fault(node, wrong, listed(&words));
        }
        found.map(|(_, meaning)| *meaning)
    }
}

/// Returns the most similar of the names, when one is similar at all.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(64).collect::<String>().to_lowercase();
    names
        .map(|name| (strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &word), name))
        .filter(|(similarity, _)| *similarity >= 0.5)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// Returns words with commas between them.
pub fn listed(words: &[&str]) -> String {
    let mut list = String::new();
    for (nth, word) in words.iter().enumerate() {
        let between = if nth == 0 { "" } else { ", " };
        write!(list, "{between}{word}").expect("a string takes every write");
    }
    list
}
