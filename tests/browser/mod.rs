//! What people meet, in a headless Chromium pointed at the running binary.
//!
//! A test is a program for Node beside this file, which begins with `driver.cjs`, and a function here or in a module of its own that
//! starts the binary, [`drive`]s the program and looks at what came of it. `ops/setup.sh` finds or installs the browser; where none can
//! be had, `ops/test` leaves the tests of this module out by name.

mod console;
mod demo;
mod segment;
mod widget;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::npm;

/// What drives the browser.
const DRIVER: &str = "playwright-core@1.65.1";

/// Programs that are a Chromium, the smallest first.
const BROWSERS: [&str; 4] = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

/// Returns the browser that `CARE_BROWSER` names, else the first that is in the path.
#[expect(clippy::disallowed_methods, reason = "a test is told by the environment where a program is")]
fn browser() -> PathBuf {
    if let Some(named) = std::env::var_os("CARE_BROWSER") {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let all = BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|program| program.is_file()).unwrap_or_else(|| {
        panic!(
            "no browser: install one of {} or name one in CARE_BROWSER (ops/test does)",
            BROWSERS.join(", ")
        )
    })
}

/// Returns the folder for pictures of what people see in a test.
fn shots(of: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(of);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Returns a file of this folder.
fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(name)
}

/// Runs a program of this folder in the browser, with these packages of npm beside the driver, and returns what it says at its end.
#[track_caller]
pub fn drive(program: &str, packages: &[&str], asked: &Value) -> Value {
    let folder = npm::packages(&[&[DRIVER], packages].concat());
    let mut command: Command = npm::program(&beside(program), &folder);
    let said = npm::run(command.env("CARE_BROWSER", browser()).arg(asked.to_string()));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{program} said no JSON ({error}): {said}"))
}
