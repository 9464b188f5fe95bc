//! The files of `ops/deploy/` against what they speak of: metrics, settings, versions, the port. `ops/deploy/check.py` holds them against the
//! programs that read them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::care;

/// Endings of the series that a histogram has.
const SERIES: [&str; 3] = ["_bucket", "_sum", "_count"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root")
}

/// Returns the text of every file below a folder, with its path from the root.
fn files_below(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("the files are text");
                let path = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

/// Returns the words of a text that begin so and go on with letters of a name.
fn names<'a>(text: &'a str, beginning: &str) -> BTreeSet<&'a str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter| !is_name(letter)).filter(|word| word.starts_with(beginning)).collect()
}

#[track_caller]
fn assert_none(violations: &[String], reason: &str) {
    assert!(violations.is_empty(), "{reason}\n  {}", violations.join("\n  "));
}

#[test]
fn alerts_and_dashboards_speak_of_metrics_that_exist() {
    let mut sources = files_below("actors/src/metrics");
    sources.push((String::new(), fs::read_to_string(root().join("actors/src/metrics.rs")).expect("text")));
    let quoted = |text: &str| -> Vec<String> {
        text.split('"').filter(|word| word.starts_with("care_")).map(str::to_owned).collect()
    };
    let known: BTreeSet<String> = sources.iter().flat_map(|(_, text)| quoted(text)).collect();
    let exists = |name: &str| {
        known.contains(name)
            || SERIES.iter().any(|ending| name.strip_suffix(ending).is_some_and(|name| known.contains(name)))
    };
    let mut violations = Vec::new();
    let mut used = 0;
    for (path, text) in files_below("ops/deploy/prometheus").iter().chain(&files_below("ops/deploy/grafana"))
    {
        let spoken_of = names(text, "care_");
        used += spoken_of.len();
        violations
            .extend(spoken_of.iter().filter(|name| !exists(name)).map(|name| format!("{path}: {name}")));
    }
    assert!(used > 20, "{used} names were found: the files are read wrongly");
    assert_none(&violations, "no such metric in actors/src/metrics");
}

#[test]
fn the_settings_of_a_deployment_are_legal_and_its_variables_name_settings() {
    let settings = root().join("ops/deploy/care.toml").display().to_string();
    let checked = care::run(["check-config", "--config", &settings]);
    assert!(checked.success, "{}", checked.err);
    let defaults = fs::read_to_string(root().join("engine/default.toml")).expect("text");
    let defaults: toml::Table = defaults.parse().expect("TOML");
    let is_setting = |variable: &str| {
        let path = variable.trim_start_matches("CARE__").to_ascii_lowercase();
        let (section, key) = path.split_once("__").unwrap_or((&path, ""));
        defaults.get(section).and_then(|section| section.get(key)).is_some()
    };
    let mut violations = Vec::new();
    for (path, text) in files_below("ops/deploy") {
        let variables = names(&text, "CARE__");
        violations
            .extend(variables.iter().filter(|name| !is_setting(name)).map(|name| format!("{path}: {name}")));
    }
    assert_none(&violations, "no such setting in engine/default.toml");
}

#[test]
fn version_and_port_are_the_same_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    let defaults = fs::read_to_string(root().join("engine/default.toml")).expect("text");
    let defaults: toml::Table = defaults.parse().expect("TOML");
    let listen = defaults["serve"]["listen"].as_str().expect("an address");
    let port = listen.rsplit(':').next().expect("a port");
    let package = format!("care-{version}");
    let tag = format!("newTag: {version}");
    for (file, words) in [
        ("compose.yml", [package.as_str(), port]),
        ("Dockerfile", [&package, port]),
        ("kubernetes/kustomization.yaml", [&tag, ""]),
        ("kubernetes/care.yaml", [port, ""]),
        ("prometheus/prometheus.yml", [port, ""]),
    ] {
        let path = root().join("ops/deploy").join(file);
        let text = fs::read_to_string(&path).expect("text");
        for word in words {
            assert!(text.contains(word), "{file} has to name {word}");
        }
    }
}
