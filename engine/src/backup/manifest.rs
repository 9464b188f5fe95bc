//! What a backup says of itself.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use actors::port::agreement::Agreement;
use schemas::ids::{PartitionId, Position};
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, failed};

/// Format of backups that this version writes and reads.
pub const FORMAT: u32 = 1;

/// Name of the manifest's file.
pub const FILE: &str = "manifest.json";

/// What a backup is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The shop went on behind it.
    Backup,
    /// The shop was stopped: whoever imports it goes on where it ended.
    Export,
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of the backup.
    pub format: u32,
    /// Random id.
    pub id: String,
    /// What it is for.
    pub kind: Kind,
    /// Version of the engine that wrote it.
    pub made_by: String,
    /// When, by the wall clock.
    pub made_at: Timestamp,
    /// Recovery point: the newest stamp of the log.
    pub log_time: Timestamp,
    /// Format of the data folder.
    pub data_format: u32,
    /// What the engines on the store agreed on.
    pub agreement: Agreement,
    /// Customers in it.
    pub customers: u64,
    /// How far each partition is, in the order of their numbers.
    pub partitions: Vec<Partition>,
    /// Every file but this one.
    pub files: Vec<Entry>,
}

/// How far a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Which.
    pub partition: PartitionId,
    /// Where an owner goes on in care.events.
    pub position: Position,
    /// Behind the last record of care.events.
    pub end: Position,
    /// Where a dispatcher goes on in care.outreach.
    pub outreach: Position,
    /// Behind the last record of care.outreach.
    pub outreach_end: Position,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where, from the backup's folder on.
    pub path: String,
    /// Units: bytes.
    pub bytes: u64,
    /// Keys in it; `None` where it is no table.
    pub keys: Option<u64>,
    /// 128-bit xxh3 of the file, in hexadecimal digits.
    pub xxh3: String,
}

impl Manifest {
    /// Writes the manifest, so that it is there whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let (path, new) = (folder.join(FILE), folder.join("manifest.json.new"));
        let text = serde_json::to_vec_pretty(self).expect("texts and numbers are JSON");
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(&text)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(failed("write", &path))
    }

    /// Reads the manifest of a backup.
    ///
    /// Errors: `NoBackup` → there is none · `Unusable` → it is damaged, or of a newer version.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::NoBackup { path: folder.to_owned() });
            }
            Err(error) => return Err(failed("read", &path)(error)),
        };
        let unusable = |what| Error::Unusable { path: folder.to_owned(), what };
        let found: Format = serde_json::from_slice(&text)
            .map_err(|error| unusable(format!("its manifest is no manifest: {error}")))?;
        if found.format != FORMAT {
            let format = found.format;
            return Err(unusable(format!(
                "it has format {format}, this version of the engine reads {FORMAT}"
            )));
        }
        serde_json::from_slice(&text).map_err(|error| unusable(format!("its manifest is damaged: {error}")))
    }

    /// Returns the entry of a table's file.
    pub fn table(&self, name: &str) -> Option<&Entry> {
        self.files.iter().find(|entry| entry.path == table_path(name))
    }

    /// Returns the size of all files. Units: bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|entry| entry.bytes).sum()
    }

    /// Returns how many records of care.events no owner has confirmed.
    pub fn unconfirmed(&self) -> u64 {
        self.partitions.iter().map(|of| of.end.0.saturating_sub(of.position.0)).sum()
    }
}

/// The part of a manifest that every version has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Returns where the file of a table lies, from the backup's folder on.
pub fn table_path(name: &str) -> String {
    format!("tables/{name}")
}
