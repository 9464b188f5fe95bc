//! Rows as of a date: what the files say of every customer before it, and what came of each within the horizon behind it.

use anyhow::{Result, bail};
use rustc_hash::FxHashMap;
use schemas::event::Event;
use schemas::feature;
use schemas::ids::CustomerId;
use schemas::profile::Heads;
use schemas::score::{Head, applies};
use schemas::time::{Span, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use crate::learn::{Dataset, Row};
use crate::replay::input::Source;
use crate::replay::ordered::Ordered;
use crate::replay::{Format, Report};
use crate::settings::Settings;
use crate::train::label::takes_back;
use crate::train::{History, Moment, Rules};
use crate::words::{Instant, Length};

/// What the files may lack of the horizon: a shop that closed for a few days has no later record, and nobody did anything then.
const SHORT_MAX: Span = Span::days(7);

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// What is predicted.
    pub(super) head: Head,
    /// The first instant that is not known yet.
    pub(super) at: Timestamp,
    /// How far behind it labels look.
    pub(super) horizon: Span,
}

/// Rows as of a date, and what is to be said of them.
pub(super) struct Answered {
    /// One row per customer of the head's population.
    pub(super) data: Dataset,
    /// The files end before the horizon does, by less than is refused.
    pub(super) short: Option<Span>,
}

/// Returns the rows as of a date.
///
/// Errors: a file cannot be read; the files begin behind the date, or end long before the horizon does; nobody is in the population.
pub(super) fn rows(
    sources: Vec<Source>,
    (format, settings): (Format, &Settings),
    question: Question,
    report: &dyn Report,
) -> Result<Answered> {
    let rules = Rules { dates: vec![question.at], ..Rules::new(settings, format, Heads::NONE) };
    let ordered = Ordered::of(sources, &rules.read)?;
    let mut labelled = Labelled::of(question);
    let played = History::new(rules).play(&ordered.sources, &mut |moment| labelled.note(&moment), report)?;
    let short = covered(question, played.first, played.end)?;
    if labelled.rows.is_empty() {
        bail!(
            "nobody is in the population of {} at {}: no customer of the files bought within the 180 days before",
            question.head.as_str(),
            Instant(question.at)
        );
    }
    let data = Dataset { head: question.head, horizon: Some(question.horizon), rows: labelled.rows };
    Ok(Answered { data, short })
}

/// Checks that the files cover the time before and behind the date; returns what is missing at the end, if it is little.
fn covered(question: Question, first: Option<Timestamp>, end: Timestamp) -> Result<Option<Span>> {
    let Question { at, horizon, .. } = question;
    let Some(first) = first else { bail!("the files hold no event of any customer") };
    if first >= at {
        bail!(
            "the files begin at {}, behind {}: nothing is known of anybody then; take a later date or earlier files",
            Instant(first),
            Instant(at)
        );
    }
    let missing = at + horizon - end;
    if missing > SHORT_MAX {
        bail!(
            "the files end at {}, {} before the labels do ({} and {} later): take a date up to {}, or later files",
            Instant(end),
            Length(missing),
            Instant(at),
            Length(horizon),
            Instant(end - horizon + SHORT_MAX)
        );
    }
    Ok(Some(missing).filter(|missing| missing.0 > 0))
}

/// Rows that wait for what comes of them.
struct Labelled {
    question: Question,
    rows: Vec<Row>,
    /// Which rows a customer's events decide: its own, and those of anonymous visitors that turned out to be it.
    decided_by: FxHashMap<CustomerId, Vec<usize>>,
}

impl Labelled {
    fn of(question: Question) -> Self {
        Self { question, rows: Vec::new(), decided_by: FxHashMap::default() }
    }

    fn note(&mut self, moment: &Moment<'_>) {
        let Question { head, at, horizon } = self.question;
        match moment {
            Moment::Dated { row, at, .. } if applies(head, row.profile(), *at) => {
                self.decided_by.insert(row.id().clone(), vec![self.rows.len()]);
                self.rows.push(Row {
                    customer: xxh3_64(row.id().as_str().as_bytes()),
                    at: *at,
                    features: Box::from(&*feature::extract(row.profile(), *at)),
                    // What is predicted unless something happens: only churn comes by itself.
                    label: head == Head::Churn,
                    weight: 1.0,
                });
            }
            Moment::Folded { row, event, orders, now, .. } if *now >= at && *now < at + horizon => {
                if happened(head, event, *orders) {
                    for place in self.decided_by.get(row.id()).into_iter().flatten() {
                        self.rows[*place].label = head != Head::Churn;
                    }
                }
            }
            Moment::Merged { from, row } => {
                let moved = self.decided_by.remove(*from).unwrap_or_default();
                self.decided_by.entry(row.id().clone()).or_default().extend(moved);
            }
            Moment::Dated { .. } | Moment::Folded { .. } | Moment::Passed { .. } | Moment::Asked { .. } => {}
        }
    }
}

/// Returns true for an event that decides a head: a purchase ends what would have been churn, an order taken back is a return.
fn happened(head: Head, event: &Event, orders: u32) -> bool {
    match head {
        Head::Churn => orders > 0,
        Head::Return => takes_back(&event.name),
        Head::CartAbandonment | Head::PurchaseIntent | Head::Complaint => false,
    }
}
