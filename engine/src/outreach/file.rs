//! A channel that appends to a file: one line of JSON per delivery, on the disk before the delivery counts. For whoever collects outreach
//! by hand, passes it on with tools of their own, or checks what an engine sends.
//!
//! Several processes may append to one file: a line is one write. It is opened for every line, so a file that was moved away is made anew.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use actors::port::BoxFuture;
use actors::port::channel::{Channel, Delivery, Repeat};
use schemas::decision::Outreach;
use serde::Deserialize;

/// What becomes of a call that was under way when the process ended, or that was not answered in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unanswered {
    /// It is made again: a line may stand there twice, and who reads takes an id once.
    #[default]
    Again,
    /// It is not: a line may be missing, and the outcome says that nobody knows.
    Never,
}

/// Appends to a file.
#[derive(Clone, Debug)]
pub struct FileChannel {
    path: PathBuf,
    unanswered: Unanswered,
}

impl FileChannel {
    /// Returns the channel of a file, which is made with the first line.
    pub fn new(path: &Path, unanswered: Unanswered) -> Self {
        Self { path: path.to_owned(), unanswered }
    }
}

impl Channel for FileChannel {
    fn repeat(&self) -> Repeat {
        match self.unanswered {
            Unanswered::Again => Repeat::Idempotent,
            Unanswered::Never => Repeat::AtMostOnce,
        }
    }

    fn deliver(&self, outreach: Outreach) -> BoxFuture<'static, Delivery> {
        let path = self.path.clone();
        Box::pin(async move {
            let shown = path.display().to_string();
            let id = outreach.id.to_string();
            // A disk may take its time, and whoever calls must not wait.
            let written = tokio::task::spawn_blocking(move || append(&path, &outreach)).await;
            match written.map_err(io::Error::other).flatten() {
                Ok(()) => Delivery::Delivered(Some(id)),
                Err(error) => {
                    tracing::error!(path = shown, %error, "the file of a channel takes no line");
                    Delivery::Refused(format!("append to {shown}: {error}"))
                }
            }
        })
    }
}

fn append(path: &Path, outreach: &Outreach) -> io::Result<()> {
    let mut line = serde_json::to_vec(outreach)?;
    line.push(b'\n');
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(&line)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actors::kit::contract::{channel, sample};
    use schemas::ids::OutreachId;
    use serde_json::Value;

    use super::*;

    /// Returns the ids of the lines, as whoever reads takes them.
    fn ids(path: &Path, unanswered: Unanswered) -> Vec<OutreachId> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut ids = Vec::new();
        for line in text.lines() {
            let id = serde_json::from_str::<Outreach>(line).expect("a line is an outreach").id;
            if unanswered == Unanswered::Never || !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn file_channel_keeps_the_contract_whatever_it_promises() {
        for unanswered in [Unanswered::Again, Unanswered::Never] {
            block_on(channel::suite(move || {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let path = folder.path().join("outreach.jsonl");
                let channel = Arc::new(FileChannel::new(&path, unanswered));
                // The folder goes when the fixture does.
                let sent = Box::new(move || ids(&folder.path().join("outreach.jsonl"), unanswered));
                channel::Fixture { channel, sent }
            }));
        }
    }

    #[test]
    fn a_line_says_what_is_sent_to_whom_and_a_folder_is_no_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("outreach.jsonl");
        let outreach = sample::outreach("ada", 1);
        let delivered = block_on(FileChannel::new(&path, Unanswered::Never).deliver(outreach.clone()));
        assert_eq!(delivered, Delivery::Delivered(Some(outreach.id.to_string())));
        let line: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).expect("it is there")).expect("JSON");
        assert_eq!(line["customer"], "ada");
        let refused = block_on(FileChannel::new(folder.path(), Unanswered::Never).deliver(outreach));
        assert!(matches!(refused, Delivery::Refused(why) if why.contains(&*folder.path().to_string_lossy())));
    }
}
