//! The rule score: a few weighted features per head through a logistic, so that everybody can check a score with a pencil.
//!
//! The weights are judgement, not training: their signs are what shops report again and again, their sizes are set so that the cases in
//! the tests come out as a shopkeeper expects. They make the first day useful; a trained model takes their place. Deterministic and
//! pure, and it answers at once.

use actors::port::Reply;
use actors::port::predictor::{Error, Predictor};
use schemas::feature;
use schemas::score::{Answer, Ask, Head, Score, ScoreSource};
use smol_str::SmolStr;

use crate::model::Contribution;

/// Version that scores carry. Raised with every change of a table.
pub const MODEL: &str = "rules-1";

/// What speaks for or against a head.
#[derive(Debug)]
pub struct Rule {
    /// Name of the feature.
    pub feature: &'static str,
    /// The value at which it counts in full; below it in proportion, above it no more, and a negative value not at all.
    pub full: f32,
    /// What it adds to the log-odds when it counts in full.
    pub weight: f32,
}

/// The table of one head.
#[derive(Debug)]
pub struct Table {
    /// Log-odds when no rule counts.
    pub base: f32,
    /// Probability that stands in when no answer comes in time.
    pub prior: f32,
    /// What moves the score.
    pub rules: &'static [Rule],
}

const fn rule(feature: &'static str, full: f32, weight: f32) -> Rule {
    Rule { feature, full, weight }
}

/// A cart that was just filled is bought three times in ten; an hour of silence makes that one in ten. Without a cart there is
/// nothing to abandon.
///
/// Source: the mean of published abandonment rates, about 70 % (Baymard Institute, 2024).
const CART_ABANDONMENT: Table = Table {
    base: -2.6,
    prior: 0.7,
    rules: &[
        rule("cart_items", 1.0, 3.4),
        rule("cart_idle", 1.0, 1.6),
        rule("payment_failures_24_hours", 1.0, 0.8),
        rule("removals_1_hour", 3.0, 0.6),
        rule("cart_in_checkout", 1.0, -0.5),
        rule("order_count", 5.0, -0.8),
        rule("identified", 1.0, -0.3),
    ],
};

/// Two or three of a hundred visits end in a purchase; looking long, filling a cart and beginning a checkout make it likelier.
const PURCHASE_INTENT: Table = Table {
    base: -3.5,
    prior: 0.03,
    rules: &[
        rule("cart_in_checkout", 1.0, 2.2),
        rule("cart_items", 1.0, 1.2),
        rule("adds_1_hour", 2.0, 0.8),
        rule("session_product_views", 10.0, 0.8),
        rule("searches_1_hour", 3.0, 0.4),
        rule("order_count", 5.0, 0.8),
        rule("cart_idle", 1.0, -1.0),
    ],
};

/// Silence beyond a customer's own rhythm is what tells; a customer without rhythm is judged by the days alone.
const CHURN: Table = Table {
    base: -1.6,
    prior: 0.3,
    rules: &[
        rule("order_recency_in_gaps", 4.0, 2.4),
        rule("order_recency", 180.0, 1.6),
        rule("activity_recency", 90.0, 0.8),
        rule("cancellation_share", 0.5, 0.6),
        rule("case_open", 1.0, 0.4),
        rule("orders_90_days", 3.0, -1.4),
        rule("sessions_30_days", 4.0, -0.8),
    ],
};

/// Who gave things back will again; more so shortly after.
const RETURN: Table = Table {
    base: -2.4,
    prior: 0.08,
    rules: &[
        rule("cancellation_share", 0.5, 2.0),
        rule("return_requests_90_days", 2.0, 1.2),
        rule("refund_count", 3.0, 0.9),
        rule("late_deliveries_90_days", 1.0, 0.5),
        rule("undone_recency", 90.0, -0.6),
    ],
};

/// Complaints follow late parcels, failed payments, cancelled orders, and earlier complaints.
const COMPLAINT: Table = Table {
    base: -3.2,
    prior: 0.04,
    rules: &[
        rule("late_deliveries_90_days", 2.0, 1.8),
        rule("case_open", 1.0, 1.4),
        rule("cases_90_days", 3.0, 1.2),
        rule("cancellations_90_days", 2.0, 1.0),
        rule("return_requests_90_days", 2.0, 0.7),
        rule("payment_failures_24_hours", 2.0, 0.6),
    ],
};

/// Returns the table of a head.
pub const fn table(head: Head) -> &'static Table {
    match head {
        Head::CartAbandonment => &CART_ABANDONMENT,
        Head::PurchaseIntent => &PURCHASE_INTENT,
        Head::Churn => &CHURN,
        Head::Return => &RETURN,
        Head::Complaint => &COMPLAINT,
    }
}

/// The rule score.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Places of the features that the rules of each head read, in the order of the heads and their tables.
    places: Vec<Vec<usize>>,
}

impl Rules {
    /// Returns the rule score with every feature looked up.
    pub fn new() -> Self {
        let place = |rule: &Rule| feature::place(rule.feature).expect("a test looks every feature up");
        let places = Head::ALL.iter().map(|head| table(*head).rules.iter().map(place).collect());
        Self { places: places.collect() }
    }

    /// Returns what each rule of a head adds for these features, in the order of its table.
    ///
    /// Shape: features in the order of [`feature::TABLE`]; one that is missing or no number counts as 0.
    pub fn explain(&self, head: Head, features: &[f32]) -> impl Iterator<Item = Contribution<'static>> {
        table(head).rules.iter().zip(&self.places[head as usize]).map(|(rule, place)| {
            let value = features.get(*place).copied().filter(|value| !value.is_nan()).unwrap_or(0.0);
            let adds = (value / rule.full).clamp(0.0, 1.0) * rule.weight;
            Contribution { feature: rule.feature, unit: feature::TABLE[*place].unit, value, adds }
        })
    }

    /// Returns the score of a head for these features.
    ///
    /// Units: probability.
    pub fn value(&self, head: Head, features: &[f32]) -> f32 {
        let odds = self.explain(head, features).fold(table(head).base, |odds, rule| odds + rule.adds);
        1.0 / (1.0 + (-odds).exp())
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new()
    }
}

impl Predictor for Rules {
    fn score(&self, ask: Ask) -> Reply<Answer, Error> {
        let value = self.value(ask.head, &ask.features);
        let model = SmolStr::new_static(MODEL);
        let score = Score { value, model, source: ScoreSource::Model, at: ask.at };
        Box::pin(std::future::ready(Ok(Answer { id: ask.id, head: ask.head, score })))
    }

    fn prior(&self, head: Head) -> f32 {
        table(head).prior
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actors::kit::contract::predictor;

    use super::*;

    fn score(head: Head, features: &[f32]) -> f32 {
        Rules::new().value(head, features)
    }

    /// Returns features that are 0 but for these.
    fn features(values: &[(&str, f32)]) -> Vec<f32> {
        let mut features = vec![0.0; feature::TABLE.len()];
        for (name, value) in values {
            features[feature::place(name).expect("a feature")] = *value;
        }
        features
    }

    #[test]
    fn rule_score_keeps_the_contract() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(predictor::suite(|| Arc::new(Rules::new())));
    }

    #[test]
    fn every_rule_reads_a_feature_that_moves_its_head() {
        for head in Head::ALL {
            for rule in table(head).rules {
                let place = feature::place(rule.feature);
                let known = place.map(|place| &feature::TABLE[place]);
                let known = known.unwrap_or_else(|| panic!("{}: no feature {}", head.as_str(), rule.feature));
                assert!(known.heads.contains(head), "{} does not move {}", rule.feature, head.as_str());
                assert!(rule.full > 0.0 && rule.weight != 0.0, "{}", rule.feature);
            }
        }
    }

    #[test]
    fn a_cart_that_falls_silent_rises_and_one_at_the_checkout_does_not() {
        let head = Head::CartAbandonment;
        let cart = [("cart_items", 2.0)];
        let fresh = score(head, &features(&cart));
        let idle = score(head, &features(&[cart[0], ("cart_idle", 1.0)]));
        let checkout = score(head, &features(&[cart[0], ("cart_in_checkout", 1.0)]));
        let none = score(head, &features(&[("cart_idle", 0.0)]));
        assert!((0.65..0.75).contains(&fresh), "{fresh}");
        assert!(idle > 0.9 && checkout < fresh && none < 0.1, "{idle} {checkout} {none}");
    }

    #[test]
    fn silence_beyond_the_own_rhythm_means_churn() {
        let seen = |gaps, days| [("order_recency_in_gaps", gaps), ("order_recency", days)];
        let regular =
            score(Head::Churn, &features(&[seen(0.5, 15.0).as_slice(), &[("orders_90_days", 3.0)]].concat()));
        let silent = score(Head::Churn, &features(&seen(6.0, 180.0)));
        assert!(regular < 0.1 && silent > 0.9, "{regular} {silent}");
    }

    #[test]
    fn a_score_is_its_base_and_what_its_rules_add() {
        let features = features(&[("late_deliveries_90_days", 1.0), ("case_open", 1.0)]);
        let adds: f32 = Rules::new().explain(Head::Complaint, &features).map(|rule| rule.adds).sum();
        assert!((adds - 2.3).abs() < 1e-6, "{adds}");
        let odds = table(Head::Complaint).base + adds;
        assert!((score(Head::Complaint, &features) - 1.0 / (1.0 + (-odds).exp())).abs() < 1e-6);
    }
}
