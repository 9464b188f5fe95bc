//! Dead letters: read where they lie, and given another try.
//!
//! A letter that is tried again goes back into care.events as it came: body, kind and key. That it was is noted in the dead-letter topic
//! beside it, before and after: a try that was cut short in between is found by its record behind the place where it was begun, so whoever
//! repeats the command appends nothing twice.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use actors::dead_letter::{DeadLetter, Retry};
use actors::port::Ports;
use actors::port::log::{NewRecord, Topic};
use anyhow::{Context, Result};
use bytes::Bytes;
use schemas::ids::{PartitionId, Position};
use schemas::record::RecordKind;
use serde::Serialize;
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use crate::log::whole;

/// Letters that are tried again in one go.
const BATCH: usize = 500;

/// A letter with its own place in the dead-letter topic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lying {
    /// Partition of the dead-letter topic: that of the record.
    pub partition: PartitionId,
    /// Its place there.
    pub place: Position,
    /// It was tried again.
    pub retried: bool,
    /// How often its record had been tried again before this letter came of it.
    pub tries: u64,
    /// The letter.
    #[serde(flatten)]
    pub letter: DeadLetter,
}

/// What a partition of the dead-letter topic holds.
#[derive(Debug, Default)]
pub struct Letters {
    /// The letters, in order.
    pub letters: Vec<Lying>,
    /// Where it was read from; the places before hold letters, or held some.
    from: Position,
    /// Tries that were begun and of which no end is noted: the letter, and where in care.events its record would be.
    open: BTreeMap<Position, Position>,
}

/// What became of letters that were to be tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Retried {
    /// Appended to care.events.
    pub retried: u64,
    /// There already: by an earlier try.
    pub before: u64,
    /// Left alone: their records were tried again before, and refused again.
    pub repeated: u64,
    /// Those that cannot be tried again, by why.
    pub refused: BTreeMap<&'static str, u64>,
}

impl Letters {
    /// Returns true when there is nothing before what was read.
    pub fn is_complete(&self) -> bool {
        self.from == Position::default()
    }
}

impl Retried {
    /// Adds what became of others.
    pub fn add(&mut self, other: Retried) {
        self.retried += other.retried;
        self.before += other.before;
        self.repeated += other.repeated;
        for (why, letters) in other.refused {
            *self.refused.entry(why).or_default() += letters;
        }
    }
}

/// Returns what a partition of the dead-letter topic holds.
///
/// Errors: the log does not answer, or holds something that is no letter.
pub async fn read(ports: &Ports, partition: PartitionId) -> Result<Letters> {
    read_from(ports, partition, Position::default()).await
}

/// Returns what the newest places of a partition of the dead-letter topic hold.
///
/// Errors: as [`read`].
pub async fn read_newest(ports: &Ports, partition: PartitionId, places: u64) -> Result<Letters> {
    let end =
        ports.source.end(Topic::DeadLetter, partition).await.context("failed to read the dead letters")?;
    read_from(ports, partition, Position(end.0.saturating_sub(places))).await
}

async fn read_from(ports: &Ports, partition: PartitionId, from: Position) -> Result<Letters> {
    let mut found = Letters { from, ..Letters::default() };
    let mut done = HashSet::new();
    let of = (Topic::DeadLetter, partition);
    let read = whole::each(&*ports.source, of, from, |record| {
        let what = || format!("failed to understand letter {} of partition {}", record.position, partition.0);
        match record.kind {
            RecordKind::DeadLetter => {
                let letter = serde_json::from_slice(&record.body).with_context(what)?;
                found.letters.push(Lying {
                    partition,
                    place: record.position,
                    retried: false,
                    tries: 0,
                    letter,
                });
            }
            RecordKind::Command => match serde_json::from_slice(&record.body).with_context(what)? {
                Retry::Begun { letter, from } => {
                    found.open.insert(letter, from);
                }
                Retry::Done { letter } => {
                    done.insert(letter);
                }
            },
            RecordKind::Event
            | RecordKind::Relay
            | RecordKind::Outcome
            | RecordKind::Outreach
            | RecordKind::Decision
            | RecordKind::Epoch
            | RecordKind::CloudEvent
            | RecordKind::Stray
            | RecordKind::Talk
            | RecordKind::Reply
            | RecordKind::Unknown => {}
        }
        Ok(())
    });
    read.await.context("failed to read the dead letters")?;
    found.open.retain(|letter, _| !done.contains(letter));
    let mut tries: HashMap<u64, u64> = HashMap::new();
    for lying in &mut found.letters {
        lying.retried = done.contains(&lying.place);
        let of_record = tries.entry(fingerprint(&lying.letter)).or_default();
        lying.tries = *of_record;
        *of_record += u64::from(lying.retried);
    }
    Ok(found)
}

/// Returns the same for the letters of one record, however often it was put back.
fn fingerprint(letter: &DeadLetter) -> u64 {
    let parts = [letter.topic.as_str(), letter.key.as_str(), letter.kind.as_str(), letter.body.as_str()];
    xxh3_64(parts.join("\0").as_bytes())
}

/// Whether a record is tried again that was tried and refused again before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once is enough.
    Once,
    /// Once more.
    OnceMore,
}

/// Tries those letters of a partition again that `wanted` names: each once, and its record once unless it is to be tried once more.
///
/// Errors: the log does not answer; the same call goes on where this one ended.
pub async fn retry(
    ports: &Ports,
    letters: &Letters,
    (wanted, repeat): (impl Fn(&Lying) -> bool, Repeat),
    told: impl Fn(u64),
) -> Result<Retried> {
    let mut sum = Retried::default();
    let chosen: Vec<&Lying> = letters.letters.iter().filter(|lying| wanted(lying)).collect();
    for batch in chosen.chunks(BATCH) {
        let mut fit = Vec::new();
        for lying in batch {
            match (lying.retried, unfit(&lying.letter)) {
                (true, _) => sum.before += 1,
                (false, Some(why)) => *sum.refused.entry(why).or_default() += 1,
                (false, None) if lying.tries > 0 && repeat == Repeat::Once => sum.repeated += 1,
                (false, None) => fit.push(*lying),
            }
        }
        sum.add(retry_batch(ports, letters, &fit).await.context("failed to try letters again")?);
        told(batch.len() as u64);
    }
    Ok(sum)
}

/// Returns why a letter cannot go back into care.events, if it cannot.
fn unfit(letter: &DeadLetter) -> Option<&'static str> {
    let is_input = match letter.kind {
        RecordKind::Event
        | RecordKind::CloudEvent
        | RecordKind::Relay
        | RecordKind::Stray
        | RecordKind::Outcome
        | RecordKind::Talk
        | RecordKind::Command => letter.topic == Topic::Events.as_str(),
        RecordKind::Outreach
        | RecordKind::Decision
        | RecordKind::DeadLetter
        | RecordKind::Epoch
        | RecordKind::Reply => false,
        RecordKind::Unknown => return Some("its headers named no kind of record that there is"),
    };
    if !is_input {
        return Some("it was on its way out, not an input: what decided it decides anew");
    }
    let is_text = !letter.body.contains(char::REPLACEMENT_CHARACTER);
    (!is_text).then_some("its bytes were no text, and the letter does not hold them")
}

async fn retry_batch(ports: &Ports, letters: &Letters, batch: &[&Lying]) -> Result<Retried> {
    let mut sum = Retried::default();
    let (begun, new): (Vec<&Lying>, Vec<&Lying>) =
        batch.iter().copied().partition(|lying| letters.open.contains_key(&lying.place));
    let mut there = Vec::new();
    let mut to_append = new.clone();
    for lying in begun {
        let is_there = is_behind(ports, lying, letters.open[&lying.place]).await?;
        if is_there { there.push(lying) } else { to_append.push(lying) }
    }
    sum.before += there.len() as u64;
    sum.retried += to_append.len() as u64;
    note(ports, &new, &begins(ports, &new).await?).await?;
    append(ports, &to_append).await?;
    there.extend(to_append);
    let done: Vec<Retry> = there.iter().map(|lying| Retry::Done { letter: lying.place }).collect();
    note(ports, &there, &done).await?;
    Ok(sum)
}

/// Returns the partition in which a letter's customer is; a record without a key stays where it was.
fn target(ports: &Ports, letter: &DeadLetter) -> PartitionId {
    match letter.key.is_empty() {
        true => letter.partition,
        false => PartitionId::of(&letter.key, ports.source.partitions()),
    }
}

/// Returns the notes that tries begin now.
async fn begins(ports: &Ports, letters: &[&Lying]) -> Result<Vec<Retry>> {
    let mut ends: BTreeMap<PartitionId, Position> = BTreeMap::new();
    let targets: BTreeSet<PartitionId> = letters.iter().map(|lying| target(ports, &lying.letter)).collect();
    for partition in targets {
        ends.insert(partition, ports.source.end(Topic::Events, partition).await?);
    }
    let begun =
        |lying: &&Lying| Retry::Begun { letter: lying.place, from: ends[&target(ports, &lying.letter)] };
    Ok(letters.iter().map(begun).collect())
}

/// Returns true when a letter's record stands in care.events at `from` or behind it.
async fn is_behind(ports: &Ports, lying: &Lying, from: Position) -> Result<bool> {
    let DeadLetter { key, kind, body, .. } = &lying.letter;
    let mut found = false;
    let of = (Topic::Events, target(ports, &lying.letter));
    let read = whole::each(&*ports.source, of, from, |record| {
        found |= record.key == key && record.kind == *kind && record.body == body.as_bytes();
        Ok(())
    });
    read.await?;
    Ok(found)
}

async fn append(ports: &Ports, letters: &[&Lying]) -> Result<()> {
    let record = |lying: &&Lying| NewRecord {
        partition: target(ports, &lying.letter),
        key: SmolStr::new(&lying.letter.key),
        kind: lying.letter.kind,
        epoch: None,
        stamp: None,
        body: Bytes::copy_from_slice(lying.letter.body.as_bytes()),
    };
    if !letters.is_empty() {
        ports.sink.append(Topic::Events, letters.iter().map(record).collect()).await?;
    }
    Ok(())
}

/// Appends notes beside their letters.
async fn note(ports: &Ports, letters: &[&Lying], notes: &[Retry]) -> Result<()> {
    let records =
        letters.iter().zip(notes).map(|(lying, note)| note.record(lying.partition, &lying.letter.key));
    let records: Vec<NewRecord> = records.collect();
    if !records.is_empty() {
        ports.sink.append(Topic::DeadLetter, records).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
