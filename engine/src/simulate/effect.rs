//! What outreach changed: how many bought of those who were offered it, against those whom chance held back.
//!
//! By intention to treat: who is offered counts from the first decision, also while it waits for a cap or for the morning, as the held
//! back do; else those who buy in the meantime would be missing on one side. Triggers hold back different shares, so every shopper is
//! weighted by the probability of the arm on record. It knows nothing of the engine.

use rustc_hash::FxHashMap;
use schemas::ids::CustomerId;
use schemas::time::{Span, Timestamp};
use serde::Serialize;

use super::treated::{Arm, Treated};

/// How long after a trigger chose a shopper an order counts: as long as the shop's truth about a cart looks ahead.
pub const WINDOW: Span = Span::hours(24);

/// Normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_964;

/// A contact's true effect: the probabilities with which its shopper buys.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Truth {
    /// Left alone.
    pub without: f64,
    /// Contacted.
    pub with: f64,
}

/// Follows those who were chosen.
///
/// Bounds: some tens of bytes per choice.
#[derive(Debug, Default)]
pub struct Effect {
    offered: Group,
    control: Group,
    /// Choices whose window is open, by shopper: the side, its weight, and when it ends.
    open: FxHashMap<CustomerId, Vec<Open>>,
    contacts: u64,
    /// Sum of the weighted true effects, and whether one was known.
    truth: Option<f64>,
}

/// One choice that may still lead to an order.
#[derive(Clone, Copy, Debug)]
struct Open {
    is_control: bool,
    weight: f64,
    from: Timestamp,
    until: Timestamp,
}

/// One side: weights of all, and of those who bought.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    n: u64,
    weight: f64,
    weight_squared: f64,
    bought: f64,
}

/// What outreach changed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Outreach delivered.
    pub contacts: u64,
    /// Choices in no control arm, delivered or not.
    pub offered: u64,
    /// Choices that a control arm held back.
    pub control: u64,
    /// Share of those offered who ordered within the window. Units: probability.
    pub purchase_rate_offered: Option<f64>,
    /// Share of those held back who did.
    pub purchase_rate_control: Option<f64>,
    /// The first minus the second.
    pub difference: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// What the shop knows: the mean true change of the probability to buy, over those offered.
    pub true_effect: Option<f64>,
}

impl Effect {
    /// Notes what happened to a shopper; for a contact, its true effect, if it is known.
    pub fn note(&mut self, treated: &Treated, truth: Option<Truth>) {
        let weight = 1.0 / f64::from(treated.propensity).max(1e-6);
        let is_control = match treated.arm {
            Arm::Offered => false,
            Arm::Holdout | Arm::GlobalControl => true,
            Arm::Contacted => {
                self.contacts += 1;
                if let Some(Truth { without, with }) = truth {
                    *self.truth.get_or_insert(0.0) += weight * (with - without);
                }
                return;
            }
        };
        let side = if is_control { &mut self.control } else { &mut self.offered };
        side.n += 1;
        side.weight += weight;
        side.weight_squared += weight * weight;
        let (from, until) = (treated.at, treated.at + WINDOW);
        self.open.entry(treated.customer.clone()).or_default().push(Open { is_control, weight, from, until });
    }

    /// Notes an order.
    pub fn bought(&mut self, customer: &CustomerId, at: Timestamp) {
        let Some(open) = self.open.get_mut(customer) else { return };
        for one in open.extract_if(.., |one| one.from <= at) {
            if at <= one.until {
                let side = if one.is_control { &mut self.control } else { &mut self.offered };
                side.bought += one.weight;
            }
        }
        if open.is_empty() {
            self.open.remove(customer);
        }
    }

    /// Returns what outreach changed so far.
    pub fn report(&self) -> Report {
        let (offered, control) = (self.offered.rate(), self.control.rate());
        let both = offered.zip(control);
        Report {
            contacts: self.contacts,
            offered: self.offered.n,
            control: self.control.n,
            purchase_rate_offered: offered.map(|rate| rate.share),
            purchase_rate_control: control.map(|rate| rate.share),
            difference: both.map(|(offered, control)| offered.share - control.share),
            interval: both.map(|(offered, control)| newcombe(offered, control)),
            true_effect: self.truth.filter(|_| self.offered.n > 0).map(|sum| sum / self.offered.weight),
        }
    }
}

impl Group {
    fn rate(&self) -> Option<Rate> {
        // Kish: weighted shoppers tell as much as so many of equal weight.
        (self.n > 0).then(|| Rate {
            share: (self.bought / self.weight).clamp(0.0, 1.0),
            n: self.weight * self.weight / self.weight_squared,
        })
    }
}

/// A share of so many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The share.
    pub share: f64,
    /// Of how many.
    pub n: f64,
}

impl Rate {
    /// Returns the 95 % interval of the share behind it.
    ///
    /// Source: Wilson (1927), the score interval: holds for few and for none.
    pub fn interval(self) -> [f64; 2] {
        let Rate { share, n } = self;
        let scale = 1.0 + Z * Z / n;
        let middle = (share + Z * Z / (2.0 * n)) / scale;
        let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        [(middle - half).max(0.0), (middle + half).min(1.0)]
    }
}

/// Returns the 95 % interval of the difference between two shares.
///
/// Source: Newcombe, Statistics in Medicine 17 (1998), method 10.
fn newcombe(a: Rate, b: Rate) -> [f64; 2] {
    let ([a_low, a_high], [b_low, b_high]) = (a.interval(), b.interval());
    let difference = a.share - b.share;
    let below = ((a.share - a_low).powi(2) + (b_high - b.share).powi(2)).sqrt();
    let above = ((a_high - a.share).powi(2) + (b.share - b_low).powi(2)).sqrt();
    [difference - below, difference + above]
}

#[cfg(test)]
mod tests {
    use schemas::decision::Category;
    use schemas::ids::OutreachId;

    use super::*;

    fn treated(nth: usize, arm: Arm, propensity: f32) -> Treated {
        Treated {
            id: OutreachId(nth as u128),
            at: Timestamp(1_000),
            customer: CustomerId::user(&nth.to_string()),
            trigger: "t".into(),
            category: Category::Marketing,
            channel: "log".into(),
            template: "t".into(),
            key: "".into(),
            arm,
            propensity,
        }
    }

    #[test]
    fn published_intervals_come_out() {
        // Newcombe (1998), table II, example (a): 56/70 against 48/80.
        let [low, high] = newcombe(Rate { share: 0.8, n: 70.0 }, Rate { share: 0.6, n: 80.0 });
        assert!((low - 0.0524).abs() < 5e-4 && (high - 0.3339).abs() < 5e-4, "{low} {high}");
        // Nobody of ten: the interval is not empty.
        let [low, high] = Rate { share: 0.0, n: 10.0 }.interval();
        assert!(low == 0.0 && (high - 0.2775).abs() < 1e-3, "{high}");
    }

    #[test]
    fn an_order_counts_once_within_the_window_and_not_before_the_choice() {
        let mut effect = Effect::default();
        let early = Timestamp(1_000) - Span::minutes(1);
        for nth in 0..4 {
            effect.note(&treated(nth, Arm::Offered, 0.5), None);
            effect.bought(&CustomerId::user(&nth.to_string()), early);
        }
        effect.note(&treated(9, Arm::Holdout, 0.5), None);
        assert_eq!(effect.report().purchase_rate_offered, Some(0.0));
        effect.bought(&CustomerId::user("0"), Timestamp(1_000));
        effect.bought(&CustomerId::user("0"), Timestamp(2_000));
        effect.bought(&CustomerId::user("1"), Timestamp(1_001) + WINDOW);
        let report = effect.report();
        assert_eq!((report.offered, report.control), (4, 1));
        assert_eq!((report.purchase_rate_offered, report.purchase_rate_control), (Some(0.25), Some(0.0)));
    }

    #[test]
    fn triggers_that_hold_back_different_shares_do_not_fake_an_effect() {
        // One trigger's shoppers all buy and it holds back half; the other's never do and it holds back one in ten: no effect.
        let mut effect = Effect::default();
        let mut nth = 0;
        let mut chosen = |arm: Arm, propensity: f32, many: usize, buys: bool| {
            for _ in 0..many {
                nth += 1;
                effect.note(&treated(nth, arm, propensity), None);
                if buys {
                    effect.bought(&CustomerId::user(&nth.to_string()), Timestamp(1_001));
                }
            }
        };
        chosen(Arm::Offered, 0.5, 50, true);
        chosen(Arm::Holdout, 0.5, 50, true);
        chosen(Arm::Offered, 0.9, 90, false);
        chosen(Arm::Holdout, 0.1, 10, false);
        let report = effect.report();
        assert!(report.difference.expect("both sides").abs() < 1e-6, "{report:?}");
    }

    #[test]
    fn the_truth_is_the_mean_change_over_those_offered() {
        let mut effect = Effect::default();
        for nth in 0..4 {
            effect.note(&treated(nth, Arm::Offered, 0.5), None);
        }
        assert_eq!(effect.report().true_effect, None);
        effect.note(&treated(0, Arm::Contacted, 0.5), Some(Truth { without: 0.2, with: 0.4 }));
        let report = effect.report();
        assert_eq!(report.contacts, 1);
        assert!((report.true_effect.expect("known") - 0.05).abs() < 1e-9);
    }
}
