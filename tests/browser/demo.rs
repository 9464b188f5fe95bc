//! The demonstration as people meet it: `ops/demo` runs, and its two links are opened.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::drive;
use crate::care;

/// A demonstration that is running.
struct Demo {
    child: Child,
    /// Kept open: a script whose words nobody reads ends.
    _output: Lines<BufReader<ChildStdout>>,
    /// Its links, as it prints them.
    console: String,
    page: String,
}

impl Demo {
    /// Starts it with this build and a shop that is small enough for a busy machine.
    #[track_caller]
    fn start(folder: &Path) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut child = Command::new(root.join("ops/demo"))
            .args(["--port", "0", "--shoppers", "100000"])
            .arg("--care")
            .arg(care::binary())
            .arg("--data-dir")
            .arg(folder.join("demo"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut link = |name: &str| {
            let line = lines.find_map(|line| {
                line.expect("text").split_once(name).map(|(_, link)| link.trim().to_owned())
            });
            line.unwrap_or_else(|| panic!("it printed no link: {name}"))
        };
        let (console, page) = (link("console, signed in"), link("be a shopper (Ada)"));
        Self { child, _output: lines, console, page }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It ends what it started, so it is asked and not killed.
        drop(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status());
        drop(self.child.wait());
    }
}

#[test]
fn a_customer_at_risk_is_seen_with_reasons_offered_help_in_the_page_answered_in_two_languages_and_taken_over()
{
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = Demo::start(folder.path());
    let shots = super::shots("demo");
    let told = drive("demo.cjs", &[], &json!({"console": demo.console, "page": demo.page, "shots": shots}));
    assert!(told["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{told}");
    assert_eq!(told["bot_behind_the_agent"], Value::from(0), "{told}");
}
