//! The knowledge base: a folder of articles, cut into passages that can be found.
//!
//! [`read`] takes files apart, [`words`] takes text apart, [`index`] finds passages, and [`Knowledge`] keeps the index of a folder fresh.
//! Nothing is written to the disk. A file that cannot be read is named, and the rest goes on without it.

pub mod index;
pub mod read;
pub mod words;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actors::port::clock::Clock;
use actors::port::generator::Passage;
use anyhow::Result;
use schemas::conversation::words::Language;
use serde::Deserialize;
use tokio::sync::watch;

use crate::settings::legal::Legal;

pub use index::{Hit, Index};
pub use words::language_of;

use read::{Fault, Stamp};

/// Section `knowledge` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder of articles; empty = none.
    pub dir: PathBuf,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[("knowledge.dir", Legal::OptionalPath)];

/// A passage with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// What back ends see of it: id, title, source, text.
    pub passage: Passage,
    /// Heading within the file; empty where there is none.
    pub section: String,
    /// Language of the text.
    pub language: Language,
}

/// What a folder holds, whole: replaced by the next, never changed.
#[derive(Clone)]
pub struct Content {
    /// Its passages.
    pub index: Arc<Index>,
    /// What could not be read.
    pub faults: Arc<[Fault]>,
    stamp: Stamp,
}

/// Whether a folder was read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// As it was.
    Unchanged,
    /// Something came, went or changed.
    Changed,
}

/// The knowledge base of one folder.
pub struct Knowledge {
    folder: PathBuf,
    content: watch::Sender<Content>,
}

impl Knowledge {
    /// Reads and indexes a folder.
    ///
    /// Errors: the folder cannot be read; a file in it that cannot is a fault.
    pub fn open(folder: &Path) -> Result<Self> {
        let content = load(folder, read::stamp(folder)?)?;
        Ok(Self { folder: folder.to_owned(), content: watch::Sender::new(content) })
    }

    /// Reads the folder again if a file came, went or changed. What was there stays in force until the new is whole.
    ///
    /// Errors: the folder cannot be read any more; what was there stays.
    pub fn refresh(&self) -> Result<Refreshed> {
        let stamp = read::stamp(&self.folder)?;
        if self.content.borrow().stamp == stamp {
            return Ok(Refreshed::Unchanged);
        }
        self.content.send_replace(load(&self.folder, stamp)?);
        Ok(Refreshed::Changed)
    }

    /// Refreshes at an interval, for ever, on a thread that may block; what fails is logged once and tried again.
    pub async fn keep_fresh(self: Arc<Self>, clock: Arc<dyn Clock>, every: Duration) {
        let mut is_told = false;
        loop {
            clock.sleep(every).await;
            let this = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || this.refresh()).await.map_err(Into::into).flatten() {
                Ok(Refreshed::Unchanged) => is_told = false,
                Ok(Refreshed::Changed) => {
                    is_told = false;
                    self.tell();
                }
                Err(error) if !is_told => {
                    is_told = true;
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "knowledge base not read again; the old one stays"
                    );
                }
                Err(_) => {}
            }
        }
    }

    /// Returns what is in force, and tells when it changes.
    pub fn content(&self) -> watch::Receiver<Content> {
        self.content.subscribe()
    }

    /// Returns the index in force.
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(&self.content.borrow().index)
    }

    fn tell(&self) {
        let Content { index, faults, .. } = self.content.borrow().clone();
        tracing::info!(passages = index.len(), "knowledge base read again");
        for fault in faults.iter() {
            tracing::warn!(%fault, "file of the knowledge base left out");
        }
    }
}

fn load(folder: &Path, stamp: Stamp) -> Result<Content> {
    let (articles, faults) = read::folder(folder)?;
    Ok(Content { index: Arc::new(Index::build(articles)?), faults: faults.into(), stamp })
}
