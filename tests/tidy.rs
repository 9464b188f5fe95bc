//! The tidy test: rules of the repository that a machine can hold, each with its reason.
//!
//! It reads `cargo metadata` and the text of the files; it does not judge style. A rule that fails prints every violation with its
//! place, so that one run is enough to mend them all.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Everything that may be seen in the root, dot-files and what `.gitignore` names aside.
const VISIBLE_ROOT: [&str; 11] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "actors",
    "engine",
    "ops",
    "rust-toolchain.toml",
    "schemas",
    "tests",
];

/// Folders of the root that git ignores.
const IGNORED_ROOT: [&str; 2] = ["data", "target"];

/// Folders of the console whose content others wrote, or a build did.
const OTHERS: [&str; 2] = ["node_modules", "dist"];

/// Lines of a source file: beyond the first it is reported, beyond the second it fails.
const LINES_REPORTED: usize = 400;
const LINES_MAX: usize = 600;

/// What a floor may be built on: its own crates by name. A new one is a decision about the floor, made here.
struct Floor {
    package: &'static str,
    may_use: &'static [&'static str],
    /// Crates that must not come in through another crate either.
    never_reaches: &'static [&'static str],
}

const FLOORS: [Floor; 2] = [
    Floor {
        package: "care-schemas",
        may_use: &[
            "bytes",
            "jiff",
            "postcard",
            "rustc-hash",
            "saphyr-parser",
            "serde",
            "serde_json",
            "smol_str",
            "sonic-rs",
            "strsim",
            "thiserror",
            "xxhash-rust",
        ],
        never_reaches: &["actix", "mio", "rand", "socket2", "tokio", "tracing"],
    },
    Floor {
        package: "care-actors",
        may_use: &[
            "actix",
            "bytes",
            "care-schemas",
            "futures-util",
            "prometheus",
            "rustc-hash",
            "serde",
            "serde_json",
            "smol_str",
            "thiserror",
            "tokio",
            "tracing",
            "xxhash-rust",
        ],
        never_reaches: &[
            "actix-web",
            "clap",
            "config",
            "fjall",
            "hyper",
            "rdkafka",
            "reqwest",
            "scylla",
            "tch",
            "torch-sys",
        ],
    },
];

/// A text file of the repository.
struct File {
    /// Relative to the root, with forward slashes.
    path: String,
    text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Returns true for code that runs in tests and benchmarks only.
    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
            || name == "tests.rs"
            || name.ends_with("_tests.rs")
    }

    /// Returns the lines above the file's own test module, with their numbers from 1.
    fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        lines.enumerate().map(|(index, line)| (index + 1, line))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_path_buf()
}

/// Returns every text file of the repository but this one, which has to spell what it forbids.
fn files() -> Vec<File> {
    let root = root();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("readable folder").map(|entry| entry.expect("entry")) {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let at_root = folder == root;
            let kind = entry.file_type().expect("a kind of entry");
            if kind.is_symlink() {
                continue; // .libtorch leads to thousands of headers that are not ours
            } else if kind.is_dir() {
                let ignored = at_root && IGNORED_ROOT.contains(&name.as_str());
                let ours = !OTHERS.contains(&name.as_str());
                if !ignored && ours && name != ".git" && name != ".cache" && name != "target" {
                    folders.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
                if path != "tests/tidy.rs" && path != ".git" {
                    files.push(File { path, text });
                }
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Returns the lines of product code outside `allowed` that contain one of `words`, as `path:line: text`.
fn product_lines_with(words: &[&str], allowed: impl Fn(&File) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.is_rust() && !file.is_test() && !allowed(file)) {
        for (number, line) in file.product_lines() {
            let code = line.split("//").next().unwrap_or(line);
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    found
}

#[track_caller]
fn assert_none(violations: &[String], reason: &str) {
    let mut list = String::new();
    for violation in violations {
        writeln!(list, "  {violation}").expect("a string takes every write");
    }
    assert!(violations.is_empty(), "{reason}\n{list}");
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .expect("cargo metadata")
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    metadata.workspace_packages().into_iter().find(|package| package.name == name).expect("workspace package")
}

/// Returns the names of all crates that a package reaches by normal dependencies.
fn reached(metadata: &Metadata, start: &Package) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().expect("cargo metadata resolves");
    let mut open = vec![&start.id];
    let mut names = BTreeSet::new();
    while let Some(id) = open.pop() {
        let node = resolve.nodes.iter().find(|node| node.id == *id).expect("every id has a node");
        for dependency in &node.deps {
            let normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if normal && names.insert(metadata[&dependency.pkg].name.to_string()) {
                open.push(&dependency.pkg);
            }
        }
    }
    names
}

#[test]
fn floors_depend_downwards_and_on_no_vendor() {
    let metadata = metadata();
    let mut violations = Vec::new();
    for floor in &FLOORS {
        let package = package(&metadata, floor.package);
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            if !floor.may_use.contains(&dependency.name.as_str()) {
                violations.push(format!("{} uses {}", floor.package, dependency.name));
            }
        }
        let reached = reached(&metadata, package);
        let above = ["care-engine", "care-tests"];
        for name in floor.never_reaches.iter().chain(&above).filter(|name| reached.contains(**name)) {
            violations.push(format!("{} reaches {name}", floor.package));
        }
    }
    let engine = reached(&metadata, package(&metadata, "care-engine"));
    violations.extend(engine.contains("care-tests").then(|| "care-engine reaches care-tests".to_owned()));
    assert_none(
        &violations,
        "a floor may use the floors below it and the crates that tests/tidy.rs names for it: schemas does no I/O, actors know no vendor",
    );
}

#[test]
fn schemas_touch_no_clock_file_network_environment_or_thread() {
    let words = [
        "std::fs",
        "std::net",
        "std::env",
        "std::thread",
        "std::process",
        "std::io::",
        "Instant",
        "SystemTime",
        "::now()",
        "async ",
    ];
    let violations = product_lines_with(&words, |file| !file.path.starts_with("schemas/"));
    assert_none(&violations, "schemas is pure: time, files and the rest come in as arguments");
}

#[test]
fn root_shows_what_it_may_and_nothing_else() {
    let mut seen: Vec<String> = fs::read_dir(root())
        .expect("readable root")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !IGNORED_ROOT.contains(&name.as_str()))
        .collect();
    seen.sort();
    assert_eq!(seen, VISIBLE_ROOT, "the visible root is fixed; new things find their room inside it");
}

#[test]
fn source_files_are_short_enough_to_read() {
    let mut violations = Vec::new();
    for file in files()
        .iter()
        .filter(|file| file.is_rust() || file.path.starts_with("ops/") && !file.path.contains("demo-data"))
    {
        let lines = file.text.lines().count();
        if lines > LINES_MAX {
            violations.push(format!("{}: {lines} lines", file.path));
        } else if lines > LINES_REPORTED {
            println!("{}: {lines} lines, more than {LINES_REPORTED}", file.path);
        }
    }
    assert_none(&violations, &format!("a file has at most {LINES_MAX} lines"));
}

#[test]
fn every_module_says_what_it_is() {
    let violations: Vec<String> = files()
        .iter()
        .filter(|file| file.is_rust() && !file.text.starts_with("//!"))
        .map(|file| file.path.clone())
        .collect();
    assert_none(&violations, "a source file opens with //! and what it is");
}

#[test]
fn no_test_is_switched_off() {
    let words = ["#[ignore", "#[should_panic", "thread::sleep", "tokio::time::sleep"];
    let mut violations = Vec::new();
    for file in files().iter().filter(|file| file.is_rust() && !file.path.ends_with("/clock.rs")) {
        for (number, line) in file.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                violations.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_none(
        &violations,
        "every test runs, says what fails instead of panicking on purpose, and waits for a level, not for a time",
    );
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["TODO", "FIXME", "todo!(", "unimplemented!("];
    let mut violations = Vec::new();
    for file in files().iter().filter(|file| file.is_rust() || file.path.starts_with("ops/")) {
        for (number, line) in file.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                violations.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_none(&violations, "what is there is finished; what is not there is refused by name");
}

#[test]
fn no_machine_path_or_private_registry_is_written_down() {
    let paths = ["/work/", "/home/", "/root/", "/Users/"];
    let hosts = ["nexus", "artifactory", "mirror", "proxy", ".internal", ".corp", ".svc"];
    let mut violations = Vec::new();
    for file in files() {
        for (number, line) in file.text.lines().enumerate() {
            let host =
                line.split("://").nth(1).map(|rest| rest.split(['/', '"', ' ']).next().unwrap_or(rest));
            if paths.iter().any(|path| line.contains(path))
                || host.is_some_and(|host| hosts.iter().any(|word| host.contains(word)))
            {
                violations.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    for line in lock.lines().filter(|line| line.starts_with("source") && *line != public) {
        violations.push(format!("Cargo.lock: {line}"));
    }
    assert_none(
        &violations,
        "the repository works on any machine: no paths of one, no hosts but public ones",
    );
}

#[test]
fn every_workspace_dependency_says_why_it_is_there() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let section = manifest.split("[workspace.dependencies]").nth(1).expect("a section of dependencies");
    let violations: Vec<String> = section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.contains('=') && !line.contains("path = ") && !line.contains(" # "))
        .map(str::to_owned)
        .collect();
    assert_none(&violations, "one line, one dependency, one reason behind #");
    let mut own = Vec::new();
    for package in metadata().workspace_packages() {
        let text = fs::read_to_string(&package.manifest_path).expect("manifest");
        let foreign = text.lines().filter(|line| line.contains("version = \""));
        own.extend(foreign.map(|line| format!("{}: {line}", package.name)));
    }
    assert_none(&own, "versions stand in the workspace's Cargo.toml, once");
}

#[test]
fn metric_names_stand_in_one_place() {
    let violations = product_lines_with(&["\"care_"], |file| file.path.starts_with("actors/src/metrics"));
    assert_none(
        &violations,
        "metric names stand in actors/src/metrics, so that dashboards can be checked against one list",
    );
}

#[test]
fn only_settings_read_the_environment() {
    let words = ["env::var", "env::vars", "env::var_os"];
    let violations = product_lines_with(&words, |file| {
        file.path.starts_with("engine/src/settings") || file.path.ends_with("/build.rs")
    });
    assert_none(
        &violations,
        "settings enter in engine/src/settings.rs and nowhere else; cargo tells build scripts by the environment",
    );
}

#[test]
fn build_scripts_link_libtorch_in_the_same_way() {
    let scripts: Vec<File> = files().into_iter().filter(|file| file.path.ends_with("/build.rs")).collect();
    let link =
        |file: &File| file.text.split_once("fn link_libtorch").map(|(_, function)| function.to_owned());
    let first = link(&scripts[0]);
    let violations: Vec<String> = scripts
        .iter()
        .filter(|file| link(file).is_none() || link(file) != first)
        .map(|file| file.path.clone())
        .collect();
    assert_none(
        &violations,
        "cargo tells each package by itself where libtorch lies: one function, in each that links it",
    );
}
