//! Trigger files: those of the shop's folder, or else the ready ones that ship with the engine.
//!
//! Every fault of every file is told at once, with file and line, so that one round of mending is enough.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use schemas::trigger::{self, Parsed, Trigger, Triggers};
use smol_str::SmolStr;

/// Endings of trigger files.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The ready triggers, by file name.
pub const READY: &[(&str, &str)] = &[
    ("big-spender-refund.yaml", include_str!("../triggers/big-spender-refund.yaml")),
    ("cart-at-risk.yaml", include_str!("../triggers/cart-at-risk.yaml")),
    ("cart-idle.yaml", include_str!("../triggers/cart-idle.yaml")),
    ("churn-risk.yaml", include_str!("../triggers/churn-risk.yaml")),
    ("good-customer-gone-silent.yaml", include_str!("../triggers/good-customer-gone-silent.yaml")),
    ("late-delivery.yaml", include_str!("../triggers/late-delivery.yaml")),
    ("low-rating.yaml", include_str!("../triggers/low-rating.yaml")),
    ("order-cancelled-twice.yaml", include_str!("../triggers/order-cancelled-twice.yaml")),
    ("payment-failed.yaml", include_str!("../triggers/payment-failed.yaml")),
];

/// A trigger file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is, as messages name it.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// One thing that is wrong with a file, or a warning.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: u32,
    /// Column, from 1; 0 where the whole line is meant.
    pub column: u32,
    /// What is wrong, and what would be legal.
    pub message: String,
}

/// Everything that is wrong with a set of trigger files, one line each; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

/// One file, read: its trigger, if it has no faults, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// The trigger of a file without faults.
    pub trigger: Option<Trigger>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What is legal and probably not meant.
    pub warnings: Vec<Fault>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for place in [self.line, self.column].into_iter().take_while(|place| *place > 0) {
            write!(f, ":{place}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the triggers have faults")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// Returns the triggers of a folder, or the ready ones where no folder is named.
///
/// Errors: every fault of every file; a folder that cannot be read is one.
pub fn load<'a>(dir: &Path, channels: impl Iterator<Item = &'a str> + Clone) -> Result<Triggers, Faults> {
    let files = if dir.as_os_str().is_empty() { ready() } else { read_dir(dir)? };
    let mut checked = check(&files, channels);
    let faults: Vec<Fault> = checked.iter_mut().flat_map(|one| one.faults.drain(..)).collect();
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    for warning in checked.iter().flat_map(|one| &one.warnings) {
        tracing::warn!("{warning}");
    }
    Ok(checked.into_iter().filter_map(|one| one.trigger).collect())
}

/// Returns the ready triggers.
pub fn ready() -> Vec<File> {
    let file = |(name, text): &(&str, &str)| File { name: format!("ready/{name}"), text: (*text).to_owned() };
    READY.iter().map(file).collect()
}

/// Reads the trigger files of a folder, in the order of their names.
fn read_dir(dir: &Path) -> Result<Vec<File>, Faults> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| Faults(vec![whole(dir, format!("cannot be read: {error}"))]))?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ENDINGS.iter().any(|one| ending == *one)));
    paths.sort_unstable();
    if paths.is_empty() {
        let message =
            format!("holds no trigger file (*.{}); `care trigger lint` checks one", ENDINGS.join(", *."));
        return Err(Faults(vec![whole(dir, message)]));
    }
    let (files, faults): (Vec<_>, Vec<_>) = paths.iter().map(|path| read(path)).partition(Result::is_ok);
    let faults: Vec<Fault> = faults.into_iter().filter_map(Result::err).collect();
    if faults.is_empty() { Ok(files.into_iter().flatten().collect()) } else { Err(Faults(faults)) }
}

/// Returns the trigger files that a path names: itself, or those of a folder, in the order of their names.
///
/// Errors: what cannot be read; a folder without a trigger file.
pub fn gather(path: &Path) -> Result<Vec<File>, Faults> {
    if path.is_dir() {
        read_dir(path)
    } else {
        read(path).map(|file| vec![file]).map_err(|fault| Faults(vec![fault]))
    }
}

/// Reads one file.
///
/// Errors: the fault that it cannot be read, or is no text.
fn read(path: &Path) -> Result<File, Fault> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(File { name: path.display().to_string(), text }),
        Err(error) => Err(whole(path, format!("cannot be read: {error}"))),
    }
}

/// Checks files, each by itself and against the others and the channels there are.
pub fn check<'a>(files: &[File], channels: impl Iterator<Item = &'a str> + Clone) -> Vec<Checked> {
    let mut names: BTreeMap<SmolStr, String> = BTreeMap::new();
    let mut all = Vec::with_capacity(files.len());
    for file in files {
        let mut checked = parse(file);
        if let Some(trigger) = &checked.trigger {
            if let Some(other) = names.insert(trigger.name.clone(), file.name.clone()) {
                let message =
                    format!("the name {:?} is taken by {other}; every trigger has its own", trigger.name);
                checked.faults.push(on_line_of(file, "name:", message));
            }
            let channel = &trigger.action.channel;
            if !channels.clone().any(|known| known == channel.as_str()) {
                let known: Vec<&str> = channels.clone().collect();
                let message = format!(
                    "there is no channel {channel:?}; the settings have {} (a section [channels.{channel}] makes it)",
                    known.join(", ")
                );
                checked.faults.push(on_line_of(file, "channel:", message));
            }
        }
        if !checked.faults.is_empty() {
            checked.trigger = None;
        }
        all.push(checked);
    }
    all
}

fn parse(file: &File) -> Checked {
    let fault = |fault: trigger::Fault| {
        let trigger::Fault { line, column, path, wrong, legal } = fault;
        let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
        let legal = if legal.is_empty() { String::new() } else { format!("; legal: {legal}") };
        Fault { file: file.name.clone(), line, column, message: format!("{place}{wrong}{legal}") }
    };
    match trigger::parse(&file.text) {
        Ok(Parsed { trigger, warnings }) => {
            let warnings = warnings.into_iter().map(fault).collect();
            Checked { trigger: Some(trigger), faults: Vec::new(), warnings }
        }
        Err(faults) => Checked { faults: faults.0.into_iter().map(fault).collect(), ..Checked::default() },
    }
}

/// Returns a fault on the first line that holds `words`: the document was understood, so the key stands there once.
fn on_line_of(file: &File, words: &str, message: String) -> Fault {
    let line = file.text.lines().position(|line| line.replace('"', "").contains(words));
    let line = line.map_or(0, |line| line as u32 + 1);
    Fault { file: file.name.clone(), line, column: 0, message }
}

fn whole(path: &Path, message: String) -> Fault {
    Fault { file: path.display().to_string(), line: 0, column: 0, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "log";

    fn trigger(name: &str, channel: &str) -> String {
        format!(
            "apiVersion: care/v1\nkind: Trigger\nmetadata: {{name: {name}, description: \"Says thanks\"}}\nspec:\n  entry: {{event: \"Order Completed\"}}\n  policy: {{category: service}}\n  action: {{channel: {channel}, template: thanks}}\n"
        )
    }

    fn folder(files: &[(&str, String)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("written");
        }
        folder
    }

    #[test]
    fn every_ready_trigger_is_shipped_and_without_fault() {
        let shipped = read_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("triggers")).expect("the folder");
        let texts = |files: &[File]| files.iter().map(|file| file.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&ready()), texts(&shipped), "READY names every file of triggers/, in order");
        let triggers = load(Path::new(""), [LOG].into_iter()).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(triggers.len(), READY.len());
    }

    #[test]
    fn faults_of_all_files_are_told_at_once_with_file_and_line() {
        let folder = folder(&[
            ("a.yaml", trigger("thanks", "log")),
            ("b.yaml", trigger("thanks", "log")),
            ("c.yml", trigger("pigeon", "carrier_pigeon")),
            ("d.yaml", trigger("broken", "log").replace("category", "kategory")),
            ("notes.txt", "no trigger".to_owned()),
        ]);
        let faults = load(folder.path(), [LOG].into_iter()).expect_err("three files have faults").0;
        let found = |file: &str| faults.iter().filter(|fault| fault.file.ends_with(file)).collect::<Vec<_>>();
        assert!(found("a.yaml").is_empty() && found("notes.txt").is_empty(), "{faults:?}");
        assert!(found("b.yaml")[0].line == 3 && found("b.yaml")[0].message.contains("a.yaml"), "{faults:?}");
        assert!(found("c.yml")[0].line == 7 && found("c.yml")[0].message.contains("log"), "{faults:?}");
        assert!(
            found("d.yaml")[0].line == 6 && found("d.yaml")[0].message.contains("kategory"),
            "{faults:?}"
        );
    }

    #[test]
    fn a_folder_without_trigger_files_is_a_fault() {
        let empty = tempfile::tempdir().expect("a temporary folder");
        assert!(
            load(empty.path(), [LOG].into_iter())
                .expect_err("a fault")
                .to_string()
                .contains("no trigger file")
        );
        let missing = empty.path().join("missing");
        assert!(
            load(&missing, [LOG].into_iter()).expect_err("a fault").to_string().contains("cannot be read")
        );
    }
}
