//! From moments of a history to rows with labels: snapshots are taken, wait for what comes, and are weighed and thinned at the end.
//!
//! Bounds: memory of one snapshot per gap and customer, about 300 bytes each, beside the rows of the history.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use schemas::customer::Customer;
use schemas::feature;
use schemas::ids::CustomerId;
use schemas::score::{self, Head};
use schemas::time::{Span, Timestamp};
use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::contact::{Arms, ByArm, Contacts, WEIGHT_MAX, Worth};
use super::history::Moment;
use super::label::{Definition, Happening, Subject};
use crate::learn::{Dataset, Row};

/// Rows of one customer that are kept.
pub const PER_CUSTOMER_MAX: usize = 50;

/// Rows below which nothing is learnt.
pub const ROWS_MIN: usize = 200;

/// Rows of each label below which nothing is learnt.
pub const CLASS_MIN: usize = 30;

/// Which moments become rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Questions, as the engine asks them.
    Asks,
    /// Customers at the dates of the history, as far as the head applies to them.
    Dates,
}

/// How rows are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What they are labelled by.
    pub definition: Definition,
    /// Which moments become rows.
    pub taken: Taken,
    /// No row lies earlier.
    pub from: Option<Timestamp>,
    /// No row lies at this instant or later.
    pub until: Option<Timestamp>,
    /// Least time between two questions of one customer that become rows.
    pub gap: Span,
    /// Most rows of one customer; which ones is drawn by the seed.
    pub per_customer: usize,
    /// What the draw comes from.
    pub seed: u64,
}

/// One snapshot with its label.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Whose.
    pub customer: CustomerId,
    /// Whose row it was taken of: that of a visitor, where the customer was not known by then.
    pub row: CustomerId,
    /// Which question of the row it was; none at a date.
    pub attempt: Option<u32>,
    /// When it was taken.
    pub at: Timestamp,
    /// What was known, in the order of the feature table.
    pub features: Arc<[f32]>,
    /// Records of the files that could be known.
    pub known: u64,
    label: bool,
    contacts: Contacts,
}

/// What became of the moments.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Gathered {
    /// Moments of the head within the dates.
    pub moments: u64,
    /// Those that came too soon after a row of the same customer.
    pub too_soon: u64,
    /// Snapshots whose horizon goes beyond the end of the history.
    pub beyond_end: u64,
    /// Rows by what was done to them within their horizon, before the draw.
    pub arms: ByArm,
    /// Marketing contacts in the history.
    pub contacts_sent: u64,
    /// Marketing contacts that chance held back.
    pub contacts_withheld: u64,
    /// Rows that the draw left out of customers who had too many.
    pub drawn_out: u64,
    /// Rows.
    pub rows: u64,
    /// Their customers.
    pub customers: u64,
    /// Rows whose label is true.
    pub positives: u64,
    /// What to be careful of.
    pub warnings: Vec<String>,
}

/// Takes moments of a history and makes rows of them.
pub struct Collector {
    settings: Settings,
    open: FxHashMap<CustomerId, Open>,
    settled: Vec<Sample>,
    /// Users of visitors who were merged.
    users: FxHashMap<CustomerId, CustomerId>,
    arms: Arms,
    gathered: Gathered,
}

/// What is open of a customer.
#[derive(Default)]
struct Open {
    waiting: VecDeque<(Subject, Sample)>,
    last: Option<Timestamp>,
}

impl Settings {
    /// Returns the settings for a head: questions, thinned to one per week where they concern a relation, and to one per two minutes
    /// where they concern a visit.
    pub fn new(definition: Definition) -> Self {
        let gap = match definition.head {
            Head::CartAbandonment | Head::PurchaseIntent => Span::minutes(2),
            Head::Churn | Head::Return | Head::Complaint => Span::days(7),
        };
        Self {
            definition,
            taken: Taken::Asks,
            from: None,
            until: None,
            gap,
            per_customer: PER_CUSTOMER_MAX,
            seed: 1,
        }
    }

    fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
    }
}

impl Collector {
    /// Returns a collector that has seen nothing.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            open: FxHashMap::default(),
            settled: Vec::new(),
            users: FxHashMap::default(),
            arms: Arms::default(),
            gathered: Gathered::default(),
        }
    }

    /// Takes a moment of the history.
    pub fn take(&mut self, moment: &Moment<'_>) {
        let head = self.settings.definition.head;
        match *moment {
            Moment::Folded { row, event, orders, now } => {
                self.settle(&Happening { row, event: Some(event), orders, now });
                let Some(contact) = self.arms.read(event) else { return };
                let Some(open) = self.open.get_mut(row.id()) else { return };
                open.waiting.iter_mut().for_each(|(_, sample)| sample.contacts.note(contact));
            }
            Moment::Passed { row, now } => self.settle(&Happening { row, event: None, orders: 0, now }),
            Moment::Merged { from, row } => self.merge(from, row.id()),
            Moment::Asked { row, ask, known } => {
                if self.settings.taken == Taken::Asks && ask.head == head {
                    let sample = sample(row, (ask.at, known), &ask.features);
                    self.snapshot(row, Sample { attempt: Some(ask.id.attempt), ..sample });
                }
            }
            Moment::Dated { row, at, known } => {
                if self.settings.taken == Taken::Dates && score::applies(head, row.profile(), at) {
                    self.snapshot(row, sample(row, (at, known), &feature::extract(row.profile(), at)));
                }
            }
        }
    }

    fn snapshot(&mut self, row: &Customer, mut sample: Sample) {
        let at = sample.at;
        if !self.settings.covers(at) {
            return;
        }
        self.gathered.moments += 1;
        let open = self.open.entry(row.id().clone()).or_default();
        let too_soon = open.last.is_some_and(|last| at < last + self.settings.gap);
        if too_soon && self.settings.taken == Taken::Asks {
            self.gathered.too_soon += 1;
            return;
        }
        open.last = Some(at);
        let cart = row.profile().carts().current(at).map(|cart| cart.key.clone());
        sample.label = self.settings.definition.of_silence();
        open.waiting.push_back((Subject { at, cart }, sample));
    }

    /// Settles the snapshots of a customer that what happened settles.
    fn settle(&mut self, happening: &Happening<'_>) {
        let Some(open) = self.open.get_mut(happening.row.id()) else { return };
        let definition = self.settings.definition;
        let settled = &mut self.settled;
        open.waiting.retain_mut(|(subject, sample)| match definition.judge(subject, happening) {
            Some(label) => {
                settled.push(Sample { label, ..sample.clone() });
                false
            }
            None => true,
        });
    }

    /// What waits for a visitor waits for the user from now on.
    fn merge(&mut self, visitor: &CustomerId, user: &CustomerId) {
        self.users.insert(visitor.clone(), user.clone());
        let Some(of_visitor) = self.open.remove(visitor) else { return };
        let open = self.open.entry(user.clone()).or_default();
        open.last = open.last.max(of_visitor.last);
        open.waiting.extend(of_visitor.waiting);
    }

    /// Ends the history at `end`: returns the rows, what became of the moments, and the snapshots behind the rows, in the same order.
    pub fn finish(mut self, end: Timestamp) -> (Dataset, Gathered, Vec<Sample>) {
        // Behind what still waits came nothing; whether that is all is judged below.
        let waiting = self.open.drain().flat_map(|(_, open)| open.waiting);
        let mut samples = std::mem::take(&mut self.settled);
        samples.extend(waiting.map(|(_, sample)| sample));
        let (gathered, horizon) = (&mut self.gathered, self.settings.definition.horizon);
        samples.retain(|sample| {
            let is_whole = sample.at + horizon <= end;
            gathered.beyond_end += u64::from(!is_whole);
            is_whole
        });
        let mut weighed: Vec<(f32, Sample)> =
            samples.into_iter().filter_map(|sample| Some((self.weigh(&sample)?, sample))).collect();
        for (_, sample) in &mut weighed {
            if let Some(user) = self.users.get(&sample.customer) {
                sample.customer = user.clone();
            }
        }
        let kept = self.thin(weighed);
        self.describe(&kept);
        let row = |(weight, sample): &(f32, Sample)| Row {
            customer: xxh3_64(sample.customer.as_str().as_bytes()),
            at: sample.at,
            features: sample.features.iter().copied().collect(),
            label: sample.label,
            weight: *weight,
        };
        let dataset = Dataset {
            head: self.settings.definition.head,
            horizon: Some(horizon),
            rows: kept.iter().map(row).collect(),
        };
        (dataset, self.gathered, kept.into_iter().map(|(_, sample)| sample).collect())
    }

    /// Returns the weight of a snapshot among those that were not contacted; none when it was.
    fn weigh(&mut self, sample: &Sample) -> Option<f32> {
        let arms = &mut self.gathered.arms;
        let weight = match self.arms.worth(&sample.contacts) {
            Worth::Censored => {
                arms.contacted += 1;
                return None;
            }
            Worth::Weight(weight) => weight,
        };
        arms.capped += u64::from(weight > WEIGHT_MAX);
        let weight = weight.min(WEIGHT_MAX);
        match (sample.contacts.sent, sample.contacts.is_control()) {
            (true, _) => arms.contacted += 1,
            (false, true) => {
                arms.control += 1;
                arms.control_weight += weight;
            }
            (false, false) => arms.untouched += 1,
        }
        Some(weight as f32)
    }

    /// Draws rows of customers who have too many, and puts all in order of time and customer.
    fn thin(&mut self, mut weighed: Vec<(f32, Sample)>) -> Vec<(f32, Sample)> {
        let seed = self.settings.seed;
        let lot = |sample: &Sample| {
            let customer = xxh3_64_with_seed(sample.customer.as_str().as_bytes(), seed);
            xxh3_64_with_seed(&sample.at.0.to_le_bytes(), customer)
        };
        weighed.sort_by_cached_key(|(_, sample)| (sample.customer.clone(), lot(sample), sample.known));
        let (mut last, mut of_customer) = (None, 0);
        let before = weighed.len();
        weighed.retain(|(_, sample)| {
            of_customer = if last.as_ref() == Some(&sample.customer) { of_customer + 1 } else { 1 };
            last = Some(sample.customer.clone());
            of_customer <= self.settings.per_customer
        });
        self.gathered.drawn_out = (before - weighed.len()) as u64;
        weighed.sort_by(|(_, a), (_, b)| (a.at, &a.customer, a.known).cmp(&(b.at, &b.customer, b.known)));
        weighed
    }

    fn describe(&mut self, kept: &[(f32, Sample)]) {
        let gathered = &mut self.gathered;
        let customers: rustc_hash::FxHashSet<&CustomerId> =
            kept.iter().map(|(_, sample)| &sample.customer).collect();
        gathered.customers = customers.len() as u64;
        gathered.rows = kept.len() as u64;
        gathered.positives = kept.iter().filter(|(_, sample)| sample.label).count() as u64;
        (gathered.contacts_sent, gathered.contacts_withheld) = (self.arms.sent, self.arms.withheld);
        let mut warn = |text: String| gathered.warnings.push(text);
        if self.arms.sent > 0 && self.arms.withheld == 0 {
            warn(
                "contact without a control arm: the risk that is learnt is that with contact mixed in"
                    .to_owned(),
            );
        }
        let uncontrolled = self.arms.uncontrolled();
        if self.arms.withheld > 0 && !uncontrolled.is_empty() {
            let names = uncontrolled.join(", ");
            warn(format!(
                "contacted everybody whom they chose: {names}; nobody shows what would have come without them"
            ));
        }
        if self.arms.without_propensity > 0 {
            let n = self.arms.without_propensity;
            warn(format!("{n} contacts carry no propensity above 0 and up to 1"));
        }
    }
}

/// Returns a snapshot of a row at an instant, with the records that could be known then.
fn sample(row: &Customer, (at, known): (Timestamp, u64), features: &Arc<[f32]>) -> Sample {
    Sample {
        customer: row.id().clone(),
        row: row.id().clone(),
        attempt: None,
        at,
        features: Arc::clone(features),
        known,
        label: false,
        contacts: Contacts::default(),
    }
}

/// Checks that there is enough to learn from.
///
/// Errors: what there is, and what is needed, in words.
pub fn enough(dataset: &Dataset) -> Result<(), String> {
    let (rows, positives) = (dataset.rows.len(), dataset.positives());
    let few = positives.min(rows - positives);
    if rows >= ROWS_MIN && few >= CLASS_MIN {
        return Ok(());
    }
    Err(format!(
        "there are {rows} rows of {}, {positives} of which came to pass and {} did not; at least {ROWS_MIN} rows and {CLASS_MIN} of each \
         kind are needed: take a longer history, a shorter --horizon, or more --snapshots",
        dataset.head.as_str(),
        rows - positives,
    ))
}
