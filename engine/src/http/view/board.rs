//! Who knows the scores of all: a walk over the rows of the store, round after round, that keeps the highest scores of each head.
//!
//! The rows are the one place that knows every customer's scores in both worlds, also right after a start and also of partitions that other
//! processes own. A tap on the predictor would be quicker and would know neither. The walk has a pace, goes only while somebody looks, and
//! says which customers it has seen, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::block;
use actors::port::store::Row;
use anyhow::Result;
use schemas::customer::Customer;
use schemas::ids::{CustomerId, PartitionId};
use schemas::score::{Head, ScoreSource, applies};
use schemas::time::Timestamp;

use super::Known;
use super::feed::Feed;

/// Heads that tell of a risk. A purchase is none.
pub(in crate::http) const RISKS: [Head; 4] =
    [Head::CartAbandonment, Head::Churn, Head::Return, Head::Complaint];

/// Customers that are kept of each head: those with the highest scores.
pub(super) const KEPT: usize = 500;

/// Rows of one read.
const PAGE: usize = 200;

/// The walk sees a row in this time on average, so that it takes a small part of one core. Units: 2,000 rows/s.
const PER_ROW: Duration = Duration::from_micros(500);

/// Between rounds.
const PAUSE: Duration = Duration::from_secs(1);

/// The walk goes on so long after somebody asked.
const WANTED: Duration = Duration::from_secs(60);

/// A score is high from here on, until it falls below [`CALM`].
pub(super) const HIGH: f32 = 0.6;

/// See [`HIGH`].
const CALM: f32 = 0.5;

/// A customer's score of a head.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scored {
    pub(super) head: Head,
    pub(super) value: f32,
    pub(super) customer: CustomerId,
}

impl Scored {
    /// Returns what orders scores: the highest first, then by customer.
    pub(super) fn place(&self) -> (i64, &str) {
        (-i64::from((self.value * 1e6) as i32), self.customer.as_str())
    }
}

/// What a round has seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Round {
    /// The highest scores, by head.
    highest: BTreeMap<Head, Vec<Scored>>,
    /// Customers that were looked at.
    pub(super) customers: u64,
    /// Heads of which not all customers are kept.
    pub(super) cut: BTreeSet<Head>,
    pub(super) began: Option<Timestamp>,
    /// None while it goes on.
    pub(super) ended: Option<Timestamp>,
}

impl Round {
    fn add(&mut self, seen: Seen) {
        self.customers += seen.customers;
        for scored in seen.scores {
            self.highest.entry(scored.head).or_default().push(scored);
        }
        for (head, list) in &mut self.highest {
            if list.len() > KEPT {
                list.sort_by(|a, b| a.place().cmp(&b.place()));
                list.truncate(KEPT);
                self.cut.insert(*head);
            }
        }
    }

    /// Returns the scores of a head, or of each customer its highest, the highest first.
    pub(super) fn scores(&self, head: Option<Head>) -> Vec<Scored> {
        let mut scores: Vec<Scored> = match head {
            Some(head) => self.highest.get(&head).cloned().unwrap_or_default(),
            None => self.highest.values().flatten().cloned().collect(),
        };
        scores.sort_by(|a, b| a.place().cmp(&b.place()));
        let mut met = BTreeSet::new();
        scores.retain(|scored| met.insert(scored.customer.clone()));
        scores
    }
}

/// What the walk has seen so far.
#[derive(Default)]
pub(super) struct Board {
    /// The last round that came to its end; before there is one, the one under way.
    round: Mutex<Round>,
    /// Until when somebody wants to know, in milliseconds since boot.
    wanted_until: AtomicU64,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what has been seen, to somebody who will ask again.
    pub(super) fn look(&self, boot: Duration) -> Round {
        self.wanted_until.store((boot + WANTED).as_millis() as u64, Ordering::Relaxed);
        self.lock().clone()
    }

    /// Shows a round under way, as long as none has come to its end.
    fn show_before_the_first(&self, round: &Round) {
        let mut shown = self.lock();
        if shown.ended.is_none() {
            *shown = round.clone();
        }
    }

    fn is_wanted(&self, boot: Duration) -> bool {
        self.wanted_until.load(Ordering::Relaxed) > boot.as_millis() as u64
    }
}

/// Walks, round after round, while somebody looks.
pub(super) async fn walk(known: Arc<Known>, board: Arc<Board>, feed: Arc<Feed>) {
    let clock = known.ports.clock.clone();
    let mut high = High::default();
    loop {
        clock.sleep(PAUSE).await;
        if !board.is_wanted(clock.boot()) && !feed.is_heard() {
            continue;
        }
        if let Err(error) = round(&known, &board, (&feed, &mut high)).await {
            tracing::warn!(error = format!("{error:#}"), "scores could not be looked at");
        }
    }
}

async fn round(known: &Known, board: &Board, (feed, high): (&Feed, &mut High)) -> Result<()> {
    let clock = &known.ports.clock;
    let mut now = Round { began: Some(clock.now()), ..Round::default() };
    for partition in (0..known.ports.source.partitions()).map(PartitionId) {
        let mut from = None;
        loop {
            let page = known.ports.store.scan_rows(partition, from, PAGE).await?;
            let (rows, at) = (page.rows, clock.now());
            let pause = PER_ROW * rows.len() as u32;
            let seen = block(move || judge(&rows, at)).await??;
            high.rise(&seen.scores, feed);
            now.add(seen);
            board.show_before_the_first(&now);
            clock.sleep(pause).await;
            match page.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
    }
    now.ended = Some(clock.now());
    high.fall(&now, feed);
    *board.lock() = now;
    Ok(())
}

/// What some rows say.
struct Seen {
    customers: u64,
    scores: Vec<Scored>,
}

/// Returns the scores of rows that hold now: of heads that apply, by a model.
fn judge(rows: &[Row], now: Timestamp) -> Result<Seen> {
    let mut seen = Seen { customers: 0, scores: Vec::new() };
    for row in rows {
        let customer = Customer::decode(&row.state)?;
        if customer.alias_of().is_some() || customer.is_tombstone() {
            continue;
        }
        seen.customers += 1;
        seen.scores.extend(RISKS.into_iter().filter_map(|head| holds(&customer, head, now)));
    }
    Ok(seen)
}

/// Returns a score of a customer that holds now.
pub(super) fn holds(customer: &Customer, head: Head, now: Timestamp) -> Option<Scored> {
    let score = customer.profile().score(head)?;
    let said = match score.source {
        ScoreSource::Model => applies(head, customer.profile(), now),
        ScoreSource::Fallback => false,
    };
    said.then(|| Scored { head, value: score.value, customer: customer.id().clone() })
}

/// Scores that are high, to tell when one becomes so or ceases to be.
#[derive(Default)]
struct High {
    /// Those of the rounds before, and of this one so far.
    scores: BTreeSet<(Head, CustomerId)>,
    /// Not in the first round: what was so before anybody looked is no change.
    tells: bool,
}

impl High {
    fn rise(&mut self, scores: &[Scored], feed: &Feed) {
        for scored in scores.iter().filter(|scored| scored.value >= HIGH) {
            let is_new = self.scores.len() < KEPT * RISKS.len() * 2
                && self.scores.insert((scored.head, scored.customer.clone()));
            if is_new && self.tells {
                feed.risk(scored);
            }
        }
    }

    fn fall(&mut self, round: &Round, feed: &Feed) {
        let still = round.highest.values().flatten().filter(|scored| scored.value >= CALM);
        let still: BTreeSet<_> = still.map(|scored| (scored.head, scored.customer.clone())).collect();
        // Of a head of which not all are kept nobody knows whether one has fallen; it is forgotten in silence.
        for (head, customer) in self.scores.difference(&still).filter(|_| self.tells) {
            if !round.cut.contains(head) {
                feed.calm(*head, customer);
            }
        }
        self.scores.retain(|one| still.contains(one));
        self.tells = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(head: Head, value: f32, customer: &str) -> Scored {
        Scored { head, value, customer: CustomerId::user(customer) }
    }

    #[test]
    fn a_round_keeps_the_highest_and_says_when_it_left_some_out() {
        let mut round = Round::default();
        for n in 0..KEPT + 1 {
            let value = n as f32 / 1_000.0;
            let scores = vec![scored(Head::Churn, value, &format!("c{n:04}"))];
            round.add(Seen { customers: 1, scores });
        }
        let kept = round.scores(Some(Head::Churn));
        assert_eq!((kept.len(), round.customers), (KEPT, KEPT as u64 + 1));
        assert_eq!((kept[0].customer.as_str(), kept[KEPT - 1].customer.as_str()), ("c0500", "c0001"));
        assert!(round.cut.contains(&Head::Churn) && !round.cut.contains(&Head::Return));
    }

    #[test]
    fn without_a_head_each_customer_stands_once_with_its_highest_score() {
        let mut round = Round::default();
        let scores = vec![
            scored(Head::Churn, 0.4, "a"),
            scored(Head::Return, 0.9, "a"),
            scored(Head::Churn, 0.5, "b"),
            scored(Head::Complaint, 0.5, "c"),
        ];
        round.add(Seen { customers: 3, scores });
        let told: Vec<_> =
            round.scores(None).into_iter().map(|one| (one.customer.to_string(), one.head)).collect();
        let told: Vec<_> = told.iter().map(|(customer, head)| (customer.as_str(), *head)).collect();
        assert_eq!(told, [("a", Head::Return), ("b", Head::Churn), ("c", Head::Complaint)]);
        assert!(round.scores(Some(Head::CartAbandonment)).is_empty());
    }
}
