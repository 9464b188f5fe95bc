//! Where `care` keeps what it knows: one world of a test. The same checks run in each, and none knows in which.
//!
//! A check is a function of a world; [`in_both_worlds`] makes a test of it in every one.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::care::{self, Finished};

/// An empty world, which goes with the value.
pub struct World {
    /// Files of the test, and what is durable in the embedded world.
    dir: TempDir,
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
    };
}
pub(crate) use in_both_worlds;

impl World {
    /// Returns the world of one process: log and store in a data folder.
    pub fn embedded() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
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
        vec!["--data-dir".to_owned(), text(&self.data())]
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
        !self.data().exists()
    }
}

/// Returns a path as a word of a command.
pub fn text(path: &Path) -> String {
    path.display().to_string()
}
