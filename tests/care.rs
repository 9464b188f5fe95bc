//! The real `care` binary for tests: built once per test run, in the profile of the tests, and run as a process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use cargo_metadata::{Artifact, Message};
use serde_json::Value;

/// What a finished run left.
#[derive(Debug)]
pub struct Finished {
    /// True when it exited with 0.
    pub success: bool,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Finished {
    /// Returns the last line of standard output as JSON: the summary of commands that print one.
    #[track_caller]
    pub fn summary(&self) -> Value {
        assert!(self.success, "care failed:\n{}\n{}", self.err, self.out);
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in the last line: {line}"))
    }
}

/// Returns the path of the binary, building it when it is not fresh, with all that `ops/test` builds: asked for alone, cargo would give its
/// dependencies other features and build most of them anew. Cargo has given its lock back by the time tests run.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| build("care", &["--workspace", "--bins", "--tests"]))
}

/// Returns the path of the engine after this one, whose row codec has a further version.
pub fn next_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        build("care-next", &["--package", "care-engine", "--bin", "care-next", "--features", "next_codec"])
    })
}

/// Returns the path of a binary from which rules can be taken away, `care serve --without RULE`: built anew, and put where the next build
/// of the real one does not reach it.
pub fn ablated() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("care-ablated");
        let built = build("care", &["--package", "care-engine", "--bin", "care", "--features", "ablation"]);
        std::fs::copy(built, &path).expect("a binary can be copied");
        path
    })
}

fn build(name: &str, what: &[&str]) -> PathBuf {
    let profile = if cfg!(debug_assertions) { "test" } else { "release" };
    let mut cargo = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--locked", "--quiet", "--profile", profile])
        .args(what)
        .args(["--message-format", "json-render-diagnostics"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("cargo runs");
    let out = std::io::BufReader::new(cargo.stdout.take().expect("piped"));
    let executable = Message::parse_stream(out)
        .filter_map(|message| match message.expect("cargo writes JSON") {
            Message::CompilerArtifact(artifact) if is_command(&artifact, name) => artifact.executable,
            _ => None,
        })
        .last();
    assert!(cargo.wait().expect("cargo ends").success(), "{name} does not build");
    executable.expect("cargo names the executable").into()
}

/// True for the command itself: its unit tests and this integration binary may bear the same name.
fn is_command(artifact: &Artifact, name: &str) -> bool {
    artifact.target.name == name && artifact.target.is_bin() && !artifact.profile.test
}

/// Runs `care` to its end.
pub fn run<I: Into<OsString>>(arguments: impl IntoIterator<Item = I>) -> Finished {
    run_with(arguments, &[])
}

/// Runs `care` to its end with variables of its environment, which are settings.
pub fn run_with<I: Into<OsString>>(
    arguments: impl IntoIterator<Item = I>,
    variables: &[(&'static str, String)],
) -> Finished {
    let variables = variables.iter().map(|(name, value)| (*name, value));
    finish(command(binary(), arguments).envs(variables))
}

/// Runs one of the two engines to its end.
pub fn run_as<I: Into<OsString>>(binary: &Path, arguments: impl IntoIterator<Item = I>) -> Finished {
    finish(&mut command(binary, arguments))
}

fn finish(command: &mut Command) -> Finished {
    let output = command.output().expect("care starts");
    Finished {
        success: output.status.success(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn command<I: Into<OsString>>(binary: &Path, arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments.into_iter().map(Into::into)).stdin(Stdio::null());
    command
}

/// Returns everything that is durable where the options lead, one line each, sorted.
#[track_caller]
pub fn dump(options: impl IntoIterator<Item = String>) -> Vec<String> {
    let finished = run(["dump".to_owned()].into_iter().chain(options));
    assert!(finished.success, "{}", finished.err);
    let mut lines: Vec<String> = finished.out.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// Names the first lines that one of two dumps has and the other lacks.
pub fn difference(expected: &[String], found: &[String]) -> Option<String> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    expected.iter().for_each(|line| *counts.entry(line).or_default() += 1);
    found.iter().for_each(|line| *counts.entry(line).or_default() -= 1);
    let differing: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count != 0)
        .take(6)
        .map(|(line, count)| format!("{} {line}", if *count > 0 { "lacks" } else { "has" }))
        .collect();
    (!differing.is_empty()).then(|| differing.join("\n"))
}
