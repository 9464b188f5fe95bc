//! How settings are read: three layers over the embedded defaults, every fault collected before any is told.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use config::{Environment, File, FileFormat, Map, Source, Value, ValueKind};
use serde::Serialize;
use serde_json::Value as Json;

use super::Settings;
use super::legal::{self, HIDDEN, Legal};

/// The documented defaults, as shipped.
pub const DEFAULTS: &str = include_str!("../../default.toml");

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// `default.toml`.
    Default,
    /// The file given with `--config`.
    File(String),
    /// This variable.
    Environment(String),
    /// An option of the command.
    Option,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => f.write_str(path),
            Origin::Environment(name) => f.write_str(name),
            Origin::Option => f.write_str("command line"),
        }
    }
}

/// A value in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effective {
    /// The value.
    pub value: Json,
    /// Where it came from.
    pub origin: Origin,
}

/// Settings, and where each came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Every key in force, by path; secrets hidden.
    pub effective: BTreeMap<String, Effective>,
}

/// What lies above the defaults.
#[derive(Clone, Debug, Default)]
pub struct Layers<'a> {
    /// A file of single keys.
    pub file: Option<&'a Path>,
    /// Variables by name; those that do not begin with `CARE__` are left alone.
    pub environment: Map<String, String>,
    /// Options of the command: path and value.
    pub options: Vec<(&'static str, String)>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the key; empty when a whole file is wrong.
    pub path: String,
    /// Where it stands.
    pub origin: String,
    /// What is wrong and what would be legal.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return write!(f, "{}: {}", self.origin, self.problem);
        }
        write!(f, "{} ({}): {}", self.path, self.origin, self.problem)
    }
}

/// Everything that is wrong, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are not legal")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// Returns the variables of this process.
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn environment() -> Map<String, String> {
    let texts = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    texts.map(|(name, value)| (name, value.to_string_lossy().into_owned())).collect()
}

/// Reads the defaults and what lies above them.
///
/// Errors: every fault of every layer.
pub fn load(layers: &Layers<'_>) -> Result<Loaded, Faults> {
    let mut reader = Reader::default();
    reader.add(File::from_str(DEFAULTS, FileFormat::Toml), "default.toml", |_| Origin::Default);
    if let Some(path) = layers.file {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => {
                reader.add(File::from_str(&text, FileFormat::Toml), &name, |_| Origin::File(name.clone()));
            }
            Err(error) => reader.fault("", &name, format!("cannot be read: {error}")),
        }
    }
    let environment = Environment::with_prefix("CARE").prefix_separator("__").separator("__");
    reader.add(environment.source(Some(layers.environment.clone())), "the environment", |path| {
        Origin::Environment(format!("CARE__{}", path.to_uppercase().replace('.', "__")))
    });
    for (path, value) in &layers.options {
        reader.put(path, &Value::new(None, ValueKind::String(value.clone())), Origin::Option);
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    effective: BTreeMap<String, Effective>,
    faults: Vec<Fault>,
}

impl Reader {
    fn add(&mut self, source: impl Source, name: &str, origin: impl Fn(&str) -> Origin) {
        match source.collect() {
            Ok(table) => self.put_table("", &table, &origin),
            Err(error) => self.fault("", name, one_line(&error.to_string())),
        }
    }

    fn put_table(&mut self, above: &str, table: &Map<String, Value>, origin: &impl Fn(&str) -> Origin) {
        for (name, value) in table {
            let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
            match &value.kind {
                ValueKind::Table(inner) => self.put_table(&path, inner, origin),
                _ => self.put(&path, value, origin(&path)),
            }
        }
    }

    fn put(&mut self, path: &str, value: &Value, origin: Origin) {
        let Some(legal) = Legal::of(path) else {
            return self.fault(path, &origin.to_string(), unknown(path));
        };
        match legal.check(value) {
            Ok(value) => {
                self.effective.insert(path.to_owned(), Effective { value, origin });
            }
            Err(problem) => self.fault(path, &origin.to_string(), format!("{problem}; legal: {legal}")),
        }
    }

    fn fault(&mut self, path: &str, origin: &str, problem: String) {
        self.faults.push(Fault { path: path.to_owned(), origin: origin.to_owned(), problem });
    }

    fn finish(mut self) -> Result<Loaded, Faults> {
        if self.faults.is_empty() {
            match serde_json::from_value::<Settings>(nested(&self.effective)) {
                Ok(settings) => {
                    for (path, problem) in settings.contradictions() {
                        let origin = self.effective.get(path).map_or(Origin::Default, |e| e.origin.clone());
                        self.fault(path, &origin.to_string(), problem);
                    }
                    if self.faults.is_empty() {
                        hide_secrets(&mut self.effective);
                        return Ok(Loaded { settings, effective: self.effective });
                    }
                }
                Err(error) => self.fault("", "settings", error.to_string()),
            }
        }
        self.faults.sort_by(|a, b| a.path.cmp(&b.path));
        Err(Faults(self.faults))
    }
}

/// Puts a sign in the place of every secret that is set: what is in force is there to be shown.
fn hide_secrets(effective: &mut BTreeMap<String, Effective>) {
    for (path, of) in effective {
        if Legal::of(path) == Some(Legal::Secret) && of.value.as_str() != Some("") {
            of.value = Json::from(HIDDEN);
        }
    }
}

/// Returns the values as nested objects.
fn nested(effective: &BTreeMap<String, Effective>) -> Json {
    let mut root = serde_json::Map::new();
    for (path, Effective { value, .. }) in effective {
        let mut at = &mut root;
        let mut names = path.split('.').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                at.insert(name.to_owned(), value.clone());
                break;
            }
            let inner = at.entry(name).or_insert_with(|| Json::Object(serde_json::Map::new()));
            let Json::Object(inner) = inner else { break };
            at = inner;
        }
    }
    Json::Object(root)
}

/// Says that there is no such key, and which one may be meant.
fn unknown(path: &str) -> String {
    let nearest = legal::keys().map(|(key, _)| (strsim::osa_distance(key, path), *key)).min();
    match nearest {
        Some((steps, key)) if steps <= path.len() / 3 + 1 => format!("no such setting; nearest is {key}"),
        Some(_) | None => "no such setting; `care check-config` lists all".to_owned(),
    }
}

/// Returns a message about a file without the picture of the place, which needs lines of its own.
fn one_line(text: &str) -> String {
    let is_picture =
        |line: &&str| line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|');
    let lines = text.lines().filter(|line| !is_picture(line)).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(": ")
}
