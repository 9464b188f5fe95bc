//! Where `care` keeps what it knows: one world of a test. The same checks run in each, and none knows in which.
//!
//! A check is a function of a world; [`in_both_worlds`] makes a test of it in every one.

use std::path::{Path, PathBuf};

use engine::settings::{Layers, Settings, load};
use tempfile::TempDir;

use crate::care::{self, Finished};
use crate::cluster::{Cluster, Names};

/// Partitions of every topic, where a test does not care.
const PARTITIONS: u32 = 8;

/// Name of the settings of a world.
const SETTINGS: &str = "world.toml";

/// An empty world, which goes with the value.
pub struct World {
    /// Files of the test, and what is durable in the embedded world.
    dir: TempDir,
    kind: Kind,
}

/// What keeps a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Log and store in a data folder.
    Embedded,
    /// Topics made for a replay, and a keyspace, of its own, on servers that others use too.
    Servers,
}

/// Makes an empty world of one kind.
pub type Make = fn() -> World;

/// Makes tests of checks: functions of a world, of the module above.
macro_rules! in_both_worlds {
    ($($check:ident),+ $(,)?) => {
        mod embedded {
            $(
                #[test]
                fn $check() {
                    super::$check(&$crate::world::World::embedded());
                }
            )+
        }

        mod servers {
            $(
                #[test]
                fn $check() {
                    super::$check(&$crate::world::World::servers());
                }
            )+
        }
    };
}
pub(crate) use in_both_worlds;

impl World {
    /// Returns the world of one process: log and store in a data folder.
    pub fn embedded() -> Self {
        Self::of(Kind::Embedded, PARTITIONS)
    }

    /// Returns a world of servers: the topics are made, the store is migrated.
    pub fn servers() -> Self {
        Self::of(Kind::Servers, PARTITIONS)
    }

    /// Returns a world of so many partitions.
    pub fn of(kind: Kind, partitions: u32) -> Self {
        let world = Self { dir: tempfile::tempdir().expect("a temporary folder"), kind };
        let data = text(&world.data());
        let common = format!("[data]\ndir = \"{data}\"\n[log]\npartitions = {partitions}\n");
        match kind {
            Kind::Embedded => {
                world.write(SETTINGS, common);
            }
            Kind::Servers => {
                world.write(SETTINGS, common + &servers());
                for words in [&["topics", "create", "--for-replay"][..], &["migrate"]] {
                    let made = world.care(words);
                    assert!(made.success, "{words:?}: {}", made.err);
                }
            }
        }
        world
    }

    /// Returns the path of a file of the test.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file of the test.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    /// Returns the data folder; it need not be there.
    pub fn data(&self) -> PathBuf {
        self.file("data")
    }

    /// Returns what leads every command into this world.
    pub fn options(&self) -> Vec<String> {
        vec!["--config".to_owned(), text(&self.file(SETTINGS))]
    }

    /// Returns the settings that lead into this world.
    pub fn settings(&self) -> Settings {
        let file = self.file(SETTINGS);
        load(&Layers { file: Some(&file), ..Layers::default() }).expect("legal settings").settings
    }

    /// Runs a command of `care` in this world.
    pub fn care<I: AsRef<str>>(&self, words: impl IntoIterator<Item = I>) -> Finished {
        let words = words.into_iter().map(|word| word.as_ref().to_owned());
        care::run(words.chain(self.options()))
    }

    /// Returns everything that is durable here, one line each, sorted.
    #[track_caller]
    pub fn dump(&self) -> Vec<String> {
        care::dump(self.options())
    }

    /// Returns true when nothing was ever made durable here.
    pub fn is_untouched(&self) -> bool {
        match self.kind {
            Kind::Embedded => !self.data().exists(),
            Kind::Servers => {
                let shown = self.care(["topics", "show", "--json"]).summary();
                let partitions = shown["partitions"].as_array().expect("a list");
                assert!(!partitions.is_empty(), "{shown}");
                partitions.iter().all(|one| one["events_end"] == 0)
            }
        }
    }
}

/// Returns the settings of topics and a keyspace of their own on the servers of the tests.
fn servers() -> String {
    let cluster = Cluster::shared();
    let Names { topic_prefix, group, keyspace } = cluster.names("world");
    let (brokers, nodes, copies) = (&cluster.brokers, &cluster.cql, cluster.replication);
    format!(
        r#"kind = "kafka"
[store]
kind = "cql"
[kafka]
brokers = "{brokers}"
topic_prefix = "{topic_prefix}"
group = "{group}"
replication = {copies}
min_insync = 1
session_timeout_ms = 3000
ends_ms = 20
fetch_wait_ms = 20
[cql]
nodes = "{nodes}"
keyspace = "{keyspace}"
replication = 1
"#
    )
}

/// Returns a path as a word of a command.
pub fn text(path: &Path) -> String {
    path.display().to_string()
}
