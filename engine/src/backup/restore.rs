//! Makes a data folder of a backup.
//!
//! What the shop did behind the backup is lost, and may be done again: events come again from their source, timers that were due fire.
//! Two things keep that apart from what was done already. The restored shop goes on in a log of the next number, so that no position,
//! and no id made of one, is used twice with another meaning. And everything decided up to the time at which the shop was lost is
//! doubtful: the dispatcher withholds it, but where the channel takes an id once and the id is that of the lost shop.

use std::fs;
use std::path::Path;

use actors::port::agreement::{Agreement, Doubtful, Restored};
use schemas::ids::{LogId, Position};
use schemas::time::Timestamp;

use super::file::{self, Reader};
use super::manifest::{Entry, Manifest, table_path};
use super::{Error, Step, Watch, failed};
use crate::embedded::directory::{Directory, FORMAT as DATA_FORMAT};
use crate::embedded::tables::{Change, Table, Tables};
use crate::embedded::{Settings, key, value};

/// Bytes written at once.
const WRITE_BYTES: usize = 8 << 20;

/// What is to be restored, and how.
pub struct Request<'a> {
    /// The backup's folder.
    pub backup: &'a Path,
    /// The data folder to be made.
    pub data: &'a Path,
    /// Log time up to which the lost shop may have sent.
    pub until: Timestamp,
    /// What becomes of what it may have sent.
    pub doubtful: Doubtful,
}

/// Checks every file of a backup against its manifest.
///
/// Errors: `NoBackup`, `Unusable` → there is none that this version reads · `Damaged` → a file is not what the manifest says.
pub fn verify(backup: &Path, watch: Watch<'_>) -> Result<Manifest, Error> {
    let manifest = Manifest::read(backup)?;
    let mut step = Step { done: 0, of: manifest.bytes() };
    for entry in &manifest.files {
        let Entry { path: name, bytes, xxh3, .. } = entry;
        let path = backup.join(name);
        let damaged = |what: String| Error::Damaged { file: name.clone(), what };
        if !path.is_file() {
            return Err(damaged("it is missing".to_owned()));
        }
        let summed = file::sum(&path, |read| {
            step.done += read;
            watch(step)
        })?;
        if summed.bytes != *bytes {
            return Err(damaged(format!("it has {} bytes, the manifest says {bytes}", summed.bytes)));
        }
        if format!("{:032x}", summed.xxh3) != *xxh3 {
            return Err(damaged("its checksum is not the manifest's".to_owned()));
        }
    }
    Ok(manifest)
}

/// Makes a data folder of a backup that was verified.
///
/// Errors: the folder is in use or holds something · the backup has no further log, or is of another format · `Io`, `Data` → it cannot be
/// read or written; what was written is no data folder, and is to be removed.
pub fn restore(request: &Request<'_>, manifest: &Manifest, watch: Watch<'_>) -> Result<LogId, Error> {
    let unusable = |what| Error::Unusable { path: request.backup.to_owned(), what };
    if manifest.data_format != DATA_FORMAT {
        let found = manifest.data_format;
        return Err(unusable(format!(
            "its data has format {found}, this version of the engine reads {DATA_FORMAT}"
        )));
    }
    let log = manifest.agreement.log.next();
    let log = log.ok_or_else(|| unusable("the shop has had as many logs as there may be".to_owned()))?;
    let directory = Directory::begin(request.data)?;
    let tables = Tables::open(&request.data.join("db"), &Settings::default())?;
    let mut step = Step { done: 0, of: manifest.bytes() };
    for table in Table::ALL {
        fill(request.backup, &tables, table, (&mut step, watch))?;
    }
    let restored = Some(Restored { until: request.until, doubtful: request.doubtful, log });
    begin_log(&tables, &Agreement { log, restored, ..manifest.agreement.clone() })?;
    copy_models(request, manifest)?;
    drop(tables);
    directory.finish()?;
    Ok(log)
}

/// Copies a table into the database.
fn fill(
    backup: &Path,
    tables: &Tables,
    table: Table,
    (step, watch): (&mut Step, Watch<'_>),
) -> Result<(), Error> {
    let path = backup.join(table_path(table.name()));
    let mut reader = Reader::open(&path).map_err(failed("read", &path))?;
    let (mut changes, mut bytes) = (Vec::new(), 0);
    loop {
        let next = reader.read_next().map_err(failed("read", &path))?;
        let at_end = next.is_none();
        if let Some((key, value)) = next {
            bytes += key.len() + value.len();
            changes.push(Change { table, key: key.to_vec(), value: Some(value) });
        }
        if !changes.is_empty() && (at_end || bytes >= WRITE_BYTES) {
            tables.write(std::mem::take(&mut changes))?;
            step.done += bytes as u64;
            bytes = 0;
            watch(*step)?;
        }
        if at_end {
            return Ok(());
        }
    }
}

/// Writes the agreement, and where its log begins.
fn begin_log(tables: &Tables, agreement: &Agreement) -> Result<(), Error> {
    let change = |key: &[u8], value| Change { table: Table::State, key: key.to_vec(), value: Some(value) };
    let begin = Position::first_of(agreement.log).0.to_le_bytes().to_vec();
    let agreement = value::encode_agreement(agreement);
    Ok(tables.write(vec![change(key::AGREEMENT, agreement), change(key::BEGIN, begin.into())])?)
}

fn copy_models(request: &Request<'_>, manifest: &Manifest) -> Result<(), Error> {
    for entry in manifest.files.iter().filter(|entry| entry.keys.is_none()) {
        let (from, to) = (request.backup.join(&entry.path), request.data.join(&entry.path));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(failed("make", folder))?;
        }
        fs::copy(&from, &to).map_err(failed("write", &to))?;
    }
    Ok(())
}
