//! A full disk: the engine stops with what is wrong, and with room again the same command finishes as if nothing had been.
//!
//! As root the disk is a small file system in memory; otherwise the size of files is limited, which a program meets at the same place.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use care_tests::shop::Shop;
use serde_json::Value;
use tempfile::TempDir;

use crate::care;
use crate::world::text;

/// Room on the small disk: enough to begin, too little to finish. Units: MiB.
const ROOM_MIB: u64 = 6;
/// Room that is always enough. Units: MiB.
const PLENTY_MIB: u64 = 512;

/// A disk that is too small until it is made larger.
enum Disk {
    /// A file system in memory, mounted here.
    Mounted(PathBuf),
    /// A folder in which files may grow to [`ROOM_MIB`] only.
    Limited(PathBuf),
}

impl Disk {
    fn small(at: &Path) -> Self {
        std::fs::create_dir_all(at).expect("a folder");
        let options = format!("size={ROOM_MIB}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        match mounted.is_ok_and(|output| output.status.success()) {
            true => Disk::Mounted(at.to_owned()),
            false => Disk::Limited(at.to_owned()),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Disk::Mounted(at) | Disk::Limited(at) => at,
        }
    }

    fn run(&self, arguments: &[String]) -> Output {
        let mut command = match self {
            Disk::Mounted(_) => Command::new(care::binary()),
            Disk::Limited(_) => {
                // Blocks of 512 bytes; a write beyond is to fail, not to end the program by a signal.
                let limit = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", ROOM_MIB * 2_048 / 2);
                let mut shell = Command::new("sh");
                shell.args(["-c", &limit, "sh"]).arg(care::binary());
                shell
            }
        };
        command.args(arguments).stdin(Stdio::null()).output().expect("care starts")
    }

    fn enlarge(&self) {
        if let Disk::Mounted(at) = self {
            let options = format!("remount,size={PLENTY_MIB}m");
            let status = Command::new("mount").args(["-o", &options]).arg(at).status();
            assert!(status.is_ok_and(|status| status.success()), "the disk could not be made larger");
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Disk::Mounted(at) = self {
            // Lazily: a failed test may leave a process in it. What cannot be unmounted goes with the machine.
            drop(Command::new("umount").arg("-l").arg(at).status());
        }
    }
}

fn arguments(events: &Path, data: &Path) -> Vec<String> {
    let text = |path: &Path| path.display().to_string();
    let fixed = ["--format", "segment-jsonl", "--speed", "max", "--json", "--data-dir"];
    let mut arguments = vec!["replay".to_owned(), text(events)];
    arguments.extend(fixed.map(str::to_owned));
    arguments.push(text(data));
    arguments
}

#[test]
fn a_full_disk_is_named_and_nothing_is_lost_once_there_is_room() {
    let dir = TempDir::new().expect("a temporary folder");
    let events = dir.path().join("shop.jsonl");
    std::fs::write(&events, Shop { seed: 5, shoppers: 900, days: 3 }.lines().join("\n")).expect("events");
    let disk = Disk::small(&dir.path().join("disk"));
    let data = disk.path().join("data");
    let full = disk.run(&arguments(&events, &data));
    let said = String::from_utf8_lossy(&full.stderr).into_owned();
    assert!(!full.status.success(), "{ROOM_MIB} MiB were enough: make the events more");
    let reason = said.to_lowercase();
    assert!(reason.contains("no space left") || reason.contains("file too large"), "{said}");
    assert!(reason.contains("data"), "the folder is not named: {said}");
    disk.enlarge();
    let resumed = care::run(arguments(&events, &data)).summary();
    assert_eq!((&resumed["lost"], &resumed["doubled"]), (&Value::from(0), &Value::from(0)), "{resumed}");
    let plenty = dir.path().join("plenty");
    care::run(arguments(&events, &plenty)).summary();
    let dump = |data: &Path| care::dump(["--data-dir".to_owned(), text(data)]);
    assert_eq!(care::difference(&dump(&plenty), &dump(&data)), None);
}
