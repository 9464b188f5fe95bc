//! Customers at risk, with what speaks for it: the highest scores that the walk has seen, each read again before it is shown.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemas::customer::Customer;
use schemas::feature;
use schemas::score::Head;
use serde::Serialize;

use super::Views;
use super::answers::{Amount, Time, unavailable};
use super::asked::{Asked, malformed, parts};
use super::board::{KEPT, RISKS, Round, Scored, holds};
use super::customer::Moved;
use super::told::{Reason, Said, head_name};
use crate::http::problem::Refusal;
use crate::known;

/// Customers at risk.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct AtRisk {
    /// The highest scores first. What ceased to hold since it was seen is left out.
    customers: Vec<Risky>,
    /// Where the list goes on, as parameter `cursor`; none at its end.
    next: Option<String>,
    covers: Covers,
}

/// A customer at risk.
#[derive(Debug, Serialize, JsonSchema)]
struct Risky {
    customer: String,
    identified: bool,
    last_seen: Option<Time>,
    #[schemars(schema_with = "head_name")]
    head: String,
    score: Said,
    /// What moves the score most, as the customer stands now.
    reasons: Vec<Reason>,
    /// What the open cart is worth.
    cart: Option<Amount>,
}

/// What the list was made of. The rows of the shop are walked over and over while somebody asks.
#[derive(Debug, Serialize, JsonSchema)]
struct Covers {
    /// Customers that were looked at.
    customers: u64,
    /// All customers that there were: a round came to its end, and no head had more than are kept.
    complete: bool,
    began: Option<Time>,
    /// None in the first round: more customers will be seen.
    ended: Option<Time>,
    /// Customers that are kept of each head, at most.
    kept_per_head: usize,
}

impl Views {
    /// Returns customers at risk.
    ///
    /// Errors: a parameter is refused · the store does not answer.
    pub(super) async fn at_risk(&self, asked: &Asked<'_>) -> Result<AtRisk, Refusal> {
        let query = asked.query(&["head", "limit", "cursor"])?;
        let head = query.get("head").map(risk).transpose()?;
        let after = query.cursor(|text| {
            let ([value], customer) = parts::<1>(text)?;
            Some((value, customer.to_owned()))
        })?;
        let limit = query.limit()?;
        let round = self.board.look(self.clock().boot());
        let mut scores = round.scores(head);
        scores.retain(|scored| {
            after.as_ref().is_none_or(|(value, customer)| scored.place() > (*value, customer.as_str()))
        });
        let next = (scores.len() > limit).then(|| {
            let (value, customer) = scores[limit - 1].place();
            format!("{value}.{customer}")
        });
        scores.truncate(limit);
        let customers = self.read_again(scores).await?;
        Ok(AtRisk { customers, next, covers: Covers::of(&round, head) })
    }

    /// Reads the customers of scores as they are now; what does not hold any more is left out.
    async fn read_again(&self, scores: Vec<Scored>) -> Result<Vec<Risky>, Refusal> {
        let now = self.known.ports.clock.now();
        let mut found: Vec<(Customer, Head)> = Vec::with_capacity(scores.len());
        for Scored { head, customer, .. } in scores {
            let row = known::read(&self.known.ports, &customer).await.map_err(unavailable)?;
            let row = row.filter(|row| row.alias_of().is_none() && !row.is_tombstone());
            found.extend(row.filter(|row| holds(row, head, now).is_some()).map(|row| (row, head)));
        }
        let asked = found.iter().map(|(customer, head)| {
            let model = customer.profile().score(*head).map(|score| (*head, score.model.clone()));
            let features = feature::extract(customer.profile(), now).to_vec();
            Moved { said: model.into_iter().collect(), features }
        });
        let because = self.because(asked.collect()).await?;
        let risky = |((customer, head), mut because): ((Customer, Head), BTreeMap<Head, Vec<Reason>>)| {
            let profile = customer.profile();
            let score = profile.score(head)?;
            Some(Risky {
                customer: customer.id().to_string(),
                identified: profile.identified(),
                last_seen: profile.last_seen().map(Time::from),
                head: head.as_str().to_owned(),
                score: Said::of(score),
                reasons: because.remove(&head).unwrap_or_default(),
                cart: profile.carts().current(now).map(|cart| cart.value().into()),
            })
        };
        Ok(found.into_iter().zip(because).filter_map(risky).collect())
    }
}

impl Covers {
    fn of(round: &Round, head: Option<Head>) -> Self {
        let is_cut = head.map_or(!round.cut.is_empty(), |head| round.cut.contains(&head));
        Self {
            customers: round.customers,
            complete: round.ended.is_some() && !is_cut,
            began: round.began.map(Time::from),
            ended: round.ended.map(Time::from),
            kept_per_head: KEPT,
        }
    }
}

/// Returns the head of a risk.
///
/// Errors: there is none of this name.
fn risk(name: &str) -> Result<Head, Refusal> {
    RISKS.into_iter().find(|head| head.as_str() == name).ok_or_else(|| {
        let legal: Vec<&str> = RISKS.iter().map(|head| head.as_str()).collect();
        malformed("head", format!("is {name:?}; legal: {}", legal.join(", ")))
    })
}
