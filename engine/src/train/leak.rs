//! Leakage guard: no row that is learnt from knows what came after it.
//!
//! Two looks, each at what the other cannot see. [`suspects`] finds single features that tell the labels by themselves, whatever the
//! reason. [`recompute`] plays some snapshots again, each by a history that ends where the snapshot was taken: it holds the records of
//! the customer, and of whoever was ever named together with the customer, up to those that could be known, and nothing else is there to
//! look at. The features have to be the same, bit for bit.
//!
//! Bounds: two readings of the files; memory of an entry per customer, and of the records of the customers that are played again.

use std::sync::Arc;

use actors::port::log::NewRecord;
use bytes::Bytes;
use rustc_hash::FxHashMap;
use schemas::customer::identity::is_blocked;
use schemas::feature::{self, Feature};
use schemas::ids::{CustomerId, Position};
use schemas::record::{self, Input, LogRecord};
use schemas::score::Head;
use schemas::time::{Span, Timestamp};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::dataset::Sample;
use super::history::{History, Moment, Rules};
use crate::learn::Dataset;
use crate::learn::measure;
use crate::replay::input::Source;
use crate::replay::read::{Reader, Step};
use crate::replay::{self, Held, Report};
use crate::words::{Instant, printable};

/// Snapshots that are played again.
pub const SNAPSHOTS: usize = 50;

/// Area under the ROC curve at which a single feature tells too much; 1 minus it, where it tells the opposite.
pub const SUSPECT_AUROC: f64 = 0.99;

/// Records of a customer, and of whoever was named with the customer, beyond which snapshots are not played again: a visitor's id that
/// everybody shares would make one customer of all.
pub const RECORDS_MAX: u64 = 20_000;

/// How a history is played again.
#[derive(Clone, Copy)]
pub struct Replay<'a> {
    /// What the rows were made by; dates and end are the guard's own.
    pub rules: &'a Rules,
    /// The files, in the order in which they were played.
    pub sources: &'a [Source],
    /// What the choice of snapshots comes from.
    pub seed: u64,
    /// Is told how far the files are read, twice each.
    pub report: &'a dyn Report,
}

/// A feature that tells the labels by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Suspect {
    /// Its name.
    pub feature: &'static str,
    /// Area under the ROC curve of its value, over all rows.
    pub auroc: f64,
}

/// What was checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Checked {
    /// Snapshots that were played again, and came to the same.
    pub recomputed: usize,
    /// Snapshots that were drawn and left out: their customers have more than [`RECORDS_MAX`] records.
    pub too_long: usize,
    /// Features that tell the labels by themselves and were allowed.
    pub allowed: Vec<Suspect>,
}

/// Why rows are not learnt from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Features tell the labels by themselves.
    #[error("{}; --allow-suspect NAME learns from it all the same", listed(.0))]
    Suspects(Vec<Suspect>),
    /// A snapshot holds something else than could be known.
    #[error(
        "leakage: the snapshot of {} at {} has {feature} = {found}, and with the records that could be known by then it is {known}",
        printable(customer.as_str()), Instant(*at)
    )]
    Differs {
        /// Whose.
        customer: CustomerId,
        /// When it was taken.
        at: Timestamp,
        /// Name of the first feature that differs.
        feature: &'static str,
        /// Its value in the row.
        found: f32,
        /// Its value by what could be known.
        known: f32,
    },
    /// A snapshot would not have been taken.
    #[error(
        "leakage: a snapshot of {} was taken at {}, and with the records that could be known by then nothing is asked",
        printable(customer.as_str()), Instant(*at)
    )]
    NotTaken {
        /// Whose.
        customer: CustomerId,
        /// When it was taken.
        at: Timestamp,
    },
    /// The snapshots are not those of the rows.
    #[error("{rows} rows have {samples} snapshots; as many are legal, in the same order")]
    WrongCount {
        /// Rows.
        rows: usize,
        /// Snapshots.
        samples: usize,
    },
    /// The files cannot be read again.
    #[error(transparent)]
    Read(#[from] replay::Error),
}

/// Checks rows, and the snapshots behind them in the same order, as [`super::Collector::finish`] returns both.
///
/// Errors: a feature that tells the labels by itself and is not among `allowed`; a snapshot that holds something else than could be
/// known; the files cannot be read again.
pub fn guard(
    dataset: &Dataset,
    samples: &[Sample],
    replay: Replay<'_>,
    allowed: &[String],
) -> Result<Checked, Error> {
    let is_allowed = |suspect: &Suspect| allowed.iter().any(|name| name == suspect.feature);
    let (allowed, suspects): (Vec<_>, Vec<_>) = suspects(dataset).into_iter().partition(is_allowed);
    if !suspects.is_empty() {
        return Err(Error::Suspects(suspects));
    }
    Ok(Checked { allowed, ..recompute(dataset, samples, replay)? })
}

/// Returns the features that tell the labels by themselves, in the order of the table.
pub fn suspects(dataset: &Dataset) -> Vec<Suspect> {
    let of = |(place, feature): (usize, &Feature)| {
        let values = dataset.rows.iter().map(|row| row.features.get(place).copied().unwrap_or(0.0));
        let auroc = measure::auroc(values, dataset.rows.iter().map(|row| row.label))?;
        (auroc.max(1.0 - auroc) >= SUSPECT_AUROC).then_some(Suspect { feature: feature.name, auroc })
    };
    feature::TABLE.iter().enumerate().filter_map(of).collect()
}

/// Plays [`SNAPSHOTS`] of the snapshots again, drawn by the seed, and holds the rows against what comes.
///
/// Errors: [`Error::Differs`], [`Error::NotTaken`] → a row knows what it could not; others → nothing is known of it.
pub fn recompute(dataset: &Dataset, samples: &[Sample], replay: Replay<'_>) -> Result<Checked, Error> {
    if samples.len() != dataset.rows.len() {
        return Err(Error::WrongCount { rows: dataset.rows.len(), samples: samples.len() });
    }
    let families = Families::read(replay)?;
    let (mut drawn, mut checked) = (Vec::new(), Checked::default());
    for place in draw(samples.len(), replay.seed) {
        let sample = &samples[place];
        match families.of(&sample.row) {
            Some((_, records)) if records > RECORDS_MAX => checked.too_long += 1,
            Some((family, _)) => drawn.push((place, family)),
            None => return Err(Error::NotTaken { customer: sample.customer.clone(), at: sample.at }),
        }
        if drawn.len() == SNAPSHOTS {
            break;
        }
    }
    let records = families.records(&drawn, replay)?;
    for (place, family) in drawn {
        let (sample, row) = (&samples[place], &dataset.rows[place]);
        let records = records.get(&family).map_or(&[][..], Vec::as_slice);
        compare(sample, &row.features, again(dataset.head, sample, (records, replay.rules)))?;
        checked.recomputed += 1;
    }
    Ok(checked)
}

/// Returns all places, in an order by chance.
fn draw(places: usize, seed: u64) -> Vec<usize> {
    let mut drawn: Vec<usize> = (0..places).collect();
    drawn.sort_by_cached_key(|place| xxh3_64_with_seed(&place.to_le_bytes(), seed));
    drawn
}

/// Records of a family, each with its number in the files, from 1.
type Records = Vec<(u64, NewRecord)>;

/// Plays a history that ends where a snapshot was taken, and returns the features of that moment.
fn again(head: Head, sample: &Sample, history: (&[(u64, NewRecord)], &Rules)) -> Option<Arc<[f32]>> {
    let (records, rules) = history;
    let dates = sample.attempt.map_or(vec![sample.at], |_| Vec::new());
    let rules = Rules { dates, until: Some(sample.at + Span(1)), ..rules.clone() };
    let mut found = None;
    let watch = &mut |moment: Moment<'_>| match moment {
        Moment::Asked { row, ask, .. } => {
            let is_it = *row.id() == sample.row
                && (ask.head, ask.at, Some(ask.id.attempt)) == (head, sample.at, sample.attempt);
            if is_it {
                found = Some(Arc::clone(&ask.features));
            }
        }
        Moment::Dated { row, at, .. } => {
            if *row.id() == sample.row {
                found = Some(feature::extract(row.profile(), at));
            }
        }
        Moment::Folded { .. } | Moment::Passed { .. } | Moment::Merged { .. } => {}
    };
    let is_known = |(number, record): &&(u64, NewRecord)| {
        *number <= sample.known && record.stamp.is_none_or(|stamp| stamp <= sample.at)
    };
    let known = records.iter().take_while(is_known).map(|(_, record)| record.clone());
    let mut history = History::new(rules);
    history.append(known, watch);
    history.end(watch);
    found
}

/// Holds a row against what was known.
fn compare(sample: &Sample, row: &[f32], known: Option<Arc<[f32]>>) -> Result<(), Error> {
    let (customer, at) = (sample.customer.clone(), sample.at);
    let Some(known) = known else { return Err(Error::NotTaken { customer, at }) };
    let mut values = feature::TABLE.iter().zip(row.iter().zip(known.iter()));
    match values.find(|(_, (found, known))| found.to_bits() != known.to_bits()) {
        Some((feature, (found, known))) => {
            Err(Error::Differs { customer, at, feature: feature.name, found: *found, known: *known })
        }
        None => Ok(()),
    }
}

/// Who belongs together: customers who were ever named together, and those who were named together with these.
#[derive(Default)]
struct Families {
    places: FxHashMap<CustomerId, u32>,
    /// By place: another of the same family, who stands nearer to the one that stands for it.
    nearer: Vec<u32>,
    /// By place: records of the family, at the one who stands for it.
    records: Vec<u64>,
}

impl Families {
    /// Reads the files for who was named with whom.
    fn read(replay: Replay<'_>) -> Result<Self, Error> {
        let mut families = Self::default();
        each(replay, &mut |_, new| {
            let customer = families.place(&CustomerId::of_key(new.key.clone()));
            let place = families.root(customer);
            families.records[place as usize] += 1;
            let (position, stamp) = (Position(0), new.stamp.unwrap_or_default());
            let stored =
                LogRecord { position, stamp, key: new.key, kind: new.kind, epoch: None, body: new.body };
            let Ok(record) = record::decode(&stored, &replay.rules.read.border) else { return };
            if let Input::Event(event) = &record.input
                && let Some(visitor) = event.anonymous.as_ref().filter(|visitor| !is_blocked(visitor))
            {
                let visitor = families.place(visitor);
                families.join(place, visitor);
            }
        })?;
        Ok(families)
    }

    fn place(&mut self, customer: &CustomerId) -> u32 {
        if let Some(place) = self.places.get(customer) {
            return *place;
        }
        let place = self.nearer.len() as u32;
        self.places.insert(customer.clone(), place);
        self.nearer.push(place);
        self.records.push(0);
        place
    }

    /// Returns who stands for the family of a place.
    fn root(&self, mut place: u32) -> u32 {
        while self.nearer[place as usize] != place {
            place = self.nearer[place as usize];
        }
        place
    }

    /// Makes one family of two; the one with fewer records joins the other, so that nobody stands far from who stands for all.
    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let is_larger = self.records[a as usize] >= self.records[b as usize];
        let (large, small) = if is_larger { (a, b) } else { (b, a) };
        self.nearer[small as usize] = large;
        self.records[large as usize] += std::mem::take(&mut self.records[small as usize]);
    }

    /// Returns the family of a customer, and how many records it has.
    fn of(&self, customer: &CustomerId) -> Option<(u32, u64)> {
        let root = self.root(*self.places.get(customer)?);
        Some((root, self.records[root as usize]))
    }

    /// Reads the files for the records of the families that were drawn.
    fn records(&self, drawn: &[(usize, u32)], replay: Replay<'_>) -> Result<FxHashMap<u32, Records>, Error> {
        let mut records: FxHashMap<u32, Records> =
            drawn.iter().map(|(_, family)| (*family, Vec::new())).collect();
        each(replay, &mut |number, new| {
            let family = self.of(&CustomerId::of_key(new.key.clone()));
            let Some(of_family) = family.and_then(|(family, _)| records.get_mut(&family)) else { return };
            // A body of its own: the others of its batch need not stay for it.
            of_family.push((number, NewRecord { body: Bytes::copy_from_slice(&new.body), ..new }));
        })?;
        Ok(records)
    }
}

/// Reads the records of the files, each with its number, from 1.
fn each(replay: Replay<'_>, take: &mut dyn FnMut(u64, NewRecord)) -> Result<(), Error> {
    let mut reader = Reader::new(replay.rules.read.clone(), Timestamp(0));
    let mut number = 0;
    for source in replay.sources {
        replay.report.begun(&source.path, source.bytes);
        reader.read(source, Held::default(), &mut |step| {
            match step {
                Step::Batch(batch) => {
                    for (_, new) in batch.records {
                        number += 1;
                        take(number, new);
                    }
                }
                Step::Passed(_) => {}
                Step::Reached { bytes, rows } => replay.report.reached(bytes, rows),
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Returns suspects in words.
fn listed(suspects: &[Suspect]) -> String {
    let tells = |suspect: &Suspect| format!("{} (auROC {:.3})", suspect.feature, suspect.auroc);
    let names: Vec<String> = suspects.iter().map(tells).collect();
    format!("leakage is likely: by itself it tells the labels apart: {}", names.join(", "))
}
