//! Shoppers at risk now, and why: what the triggers read of the scores, with the features that the scores were made of.
//!
//! A decision names the score that it read, not the features behind it. So the questions of a step are remembered as they pass, and found
//! again by head, instant and answer.

use std::sync::{Arc, Mutex, PoisonError};

use actors::port::Reply;
use actors::port::predictor::{Error, Predictor};
use rustc_hash::FxHashMap;
use schemas::decision::Verdict;
use schemas::feature;
use schemas::ids::{ANONYMOUS_PREFIX, CustomerId};
use schemas::score::{Answer, Ask, Head};
use schemas::time::{Span, Timestamp};

use super::engine::Stepped;
use crate::live::dashboard::{AtRisk, Then};
use crate::words::feature_in_words;

/// How long a shopper stands on the board.
const SHOWN: Span = Span::hours(1);

/// Features that explain one score.
const REASONS_MAX: usize = 3;

/// Names a question of a step by what its decision says of the answer.
type Known = (Head, i64, u32);

/// The questions of a step, with their features. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<FxHashMap<Known, Arc<[f32]>>>>);

impl Heard {
    /// Returns a predictor that remembers what `inner` is asked.
    pub fn before(&self, inner: Arc<dyn Predictor>) -> Arc<dyn Predictor> {
        Arc::new(Listener { inner, heard: self.clone() })
    }

    fn take(&self) -> FxHashMap<Known, Arc<[f32]>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Listener {
    inner: Arc<dyn Predictor>,
    heard: Heard,
}

impl Predictor for Listener {
    fn score(&self, ask: Ask) -> Reply<Answer, Error> {
        let (heard, features) = (self.heard.clone(), ask.features.clone());
        let answer = self.inner.score(ask);
        Box::pin(async move {
            let answer = answer.await?;
            let known = (answer.head, answer.score.at.0, answer.score.value.to_bits());
            heard.0.lock().unwrap_or_else(PoisonError::into_inner).insert(known, features);
            Ok(answer)
        })
    }

    fn prior(&self, head: Head) -> f32 {
        self.inner.prior(head)
    }
}

/// Says of a head and its features what each feature adds to the log-odds, with its value.
pub type Explain = Box<dyn Fn(Head, &[f32]) -> Vec<(String, f32, f32)>>;

/// The board of shoppers at risk.
pub struct Risks {
    heard: Heard,
    explain: Explain,
    board: Vec<(Timestamp, CustomerId, AtRisk)>,
}

impl Risks {
    /// Returns an empty board.
    pub fn new(heard: Heard, explain: Explain) -> Self {
        Self { heard, explain, board: Vec::new() }
    }

    /// Follows a step: adds who was judged, drops who ordered and who was judged long ago.
    pub fn follow(&mut self, stepped: &Stepped, ordered: &[CustomerId], now: Timestamp) {
        let heard = self.heard.take();
        for decision in &stepped.decisions {
            let Some((head, score)) = decision.scores.first() else { continue };
            let features = heard.get(&(*head, score.at.0, score.value.to_bits()));
            let one = AtRisk {
                customer: name(&decision.customer).to_owned(),
                what: features.map_or_else(String::new, |features| at_stake(*head, features)),
                risk: score.value,
                why: features.map_or_else(String::new, |features| self.why(*head, features)),
                then: then(decision.verdict),
            };
            self.board.retain(|(_, customer, _)| *customer != decision.customer);
            self.board.push((decision.at, decision.customer.clone(), one));
        }
        self.board.retain(|(at, customer, _)| *at + SHOWN > now && !ordered.contains(customer));
    }

    /// Returns the shoppers at risk, the likeliest to go first.
    pub fn shown(&self, most: usize) -> Vec<AtRisk> {
        let mut all: Vec<&(Timestamp, CustomerId, AtRisk)> = self.board.iter().collect();
        all.sort_by(|a, b| b.2.risk.total_cmp(&a.2.risk).then(b.0.cmp(&a.0)));
        all.into_iter().take(most).map(|(_, _, one)| one.clone()).collect()
    }

    fn why(&self, head: Head, features: &[f32]) -> String {
        let mut parts = (self.explain)(head, features);
        parts.retain(|(_, _, adds)| *adds > 0.0);
        parts.sort_by(|a, b| b.2.total_cmp(&a.2));
        let words = parts.iter().take(REASONS_MAX).map(|(name, value, _)| feature_in_words(name, *value));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// Returns a customer's name as the shop knows it.
fn name(customer: &CustomerId) -> &str {
    let key = customer.as_str();
    key.strip_prefix(ANONYMOUS_PREFIX).unwrap_or(key)
}

/// Returns what may be lost.
fn at_stake(head: Head, features: &[f32]) -> String {
    let value =
        |name: &str| feature::place(name).and_then(|place| features.get(place)).copied().unwrap_or(0.0);
    match head {
        Head::CartAbandonment | Head::PurchaseIntent => format!("cart {:.2}", value("cart_value")),
        Head::Churn | Head::Return | Head::Complaint => format!("{:.0} orders", value("order_count")),
    }
}

fn then(verdict: Verdict) -> Then {
    match verdict {
        Verdict::Sent | Verdict::Deferred => Then::Sent,
        Verdict::Withheld => Then::HeldBack,
        Verdict::Suppressed | Verdict::Expired | Verdict::Failed => Then::LeftAlone,
    }
}

#[cfg(test)]
mod tests {
    use schemas::decision::{Decision, Reason};
    use schemas::ids::{OutreachId, Position, Slot};
    use schemas::score::{AskId, Score};

    use super::*;
    use crate::predict::rules::Rules;

    fn judged(customer: &str, score: &Score) -> Decision {
        let customer = CustomerId::user(customer);
        let slot = Slot { origin: customer.clone(), position: Position(1), nth: 0, step: 0 };
        Decision {
            id: OutreachId::of("t", &slot),
            customer,
            trigger: "t".into(),
            version: 1,
            slot,
            key: "".into(),
            at: score.at,
            due: score.at,
            verdict: Verdict::Sent,
            reason: Reason::Clear,
            conditions: Vec::new(),
            scores: vec![(Head::CartAbandonment, score.clone())],
            propensity: 1.0,
            opened_by: "".into(),
        }
    }

    #[test]
    fn a_decision_finds_the_features_behind_its_score() {
        let heard = Heard::default();
        let predictor = heard.before(Arc::new(Rules::new()));
        let mut features = vec![0.0; feature::TABLE.len()];
        features[feature::place("cart_items").expect("a feature")] = 2.0;
        features[feature::place("cart_value").expect("a feature")] = 80.0;
        let ask = Ask {
            id: AskId { position: Position(1), attempt: 1 },
            head: Head::CartAbandonment,
            at: Timestamp(5),
            features: features.into(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let answer = runtime.block_on(predictor.score(ask)).expect("an answer");
        let explain: Explain = Box::new(|_, features| {
            let place = feature::place("cart_items").expect("a feature");
            vec![("cart_items".to_owned(), features[place], 1.0), ("order_count".to_owned(), 0.0, -1.0)]
        });
        let mut risks = Risks::new(heard, explain);
        let stepped = Stepped { decisions: vec![judged("ada", &answer.score)], ..Stepped::default() };
        risks.follow(&stepped, &[], Timestamp(6));
        let shown = risks.shown(5);
        assert_eq!((shown.len(), shown[0].what.as_str()), (1, "cart 80.00"));
        assert_eq!(
            shown[0].why,
            feature_in_words("cart_items", 2.0),
            "what speaks against the risk is no reason"
        );
        risks.follow(&Stepped::default(), &[CustomerId::user("ada")], Timestamp(7));
        assert!(risks.shown(5).is_empty(), "who ordered is at risk no more");
    }
}
