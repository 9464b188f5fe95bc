//! Outreach by risk against outreach by chance, at the same number of contacts, measured by what the shop knows.
//!
//! For every seed the same shop is run twice. First the model decides: carts at or above the threshold are contacted. Then chance does, on
//! the same occasions and with the same share; the shop takes as many contacts as before and refuses more.

use std::sync::Arc;

use actors::port::Reply;
use actors::port::predictor::{Error, Predictor};
use anyhow::Result;
use schemas::score::{Answer, Ask, Head, Score, ScoreSource};
use serde::Serialize;
use smol_str::SmolStr;
use xxhash_rust::xxh3::Xxh3;

use super::run::{Outcome, World};
use super::spread::Spread;
use crate::settings::Settings;
use crate::shop::ShopSettings;

/// By how much chance's share is raised, so that the number of contacts is reached with hardly a seed that falls short.
const MARGIN: f64 = 1.15;

/// What one policy came to in one shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Policy {
    /// Outreach delivered.
    pub contacts: u64,
    /// The sum over contacts of the true change of the probability to buy: orders that outreach brings, on average.
    pub gain: f64,
    /// Orders of the whole shop.
    pub orders: u64,
}

/// Both policies in one shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Seed {
    /// The shop's seed.
    pub seed: u64,
    /// Outreach where the risk is high.
    pub risk: Policy,
    /// Outreach by chance.
    pub chance: Policy,
}

/// What the experiment says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Every seed.
    pub seeds: Vec<Seed>,
    /// Gain by risk less gain by chance, per 100 contacts.
    pub gain_difference: Spread,
    /// Orders of the whole shop by risk less those by chance.
    pub orders_difference: Spread,
}

/// Runs both policies in one shop.
///
/// Errors: see [`World::run`].
pub async fn seed(settings: &Settings, shop: ShopSettings, threshold: f64) -> Result<Seed> {
    let number = shop.seed;
    let world = World { settings, shop, threshold, budget: u64::MAX };
    let risk = world.run(&|of_settings| of_settings).await?;
    let share = risk.passed as f64 / risk.judged.max(1) as f64 * MARGIN;
    let budget = risk.ran.balance.delivered;
    let world = World { settings, shop, threshold: (1.0 - share).max(0.0), budget };
    let by_chance = move |inner| Arc::new(ByChance { inner, seed: number }) as Arc<dyn Predictor>;
    let chance = world.run(&by_chance).await?;
    Ok(Seed { seed: number, risk: Policy::of(&risk), chance: Policy::of(&chance) })
}

impl Policy {
    fn of(outcome: &Outcome) -> Self {
        let ran = &outcome.ran;
        let gains =
            ran.contacts.iter().filter_map(|contact| contact.truth).map(|truth| truth.with - truth.without);
        Self { contacts: ran.balance.delivered, gain: gains.sum(), orders: ran.flow.orders }
    }

    /// Returns the gain per 100 contacts.
    pub fn gain_per_100(&self) -> f64 {
        100.0 * self.gain / self.contacts.max(1) as f64
    }
}

impl Report {
    /// Returns what all seeds together say.
    pub fn of(seeds: Vec<Seed>) -> Self {
        let differences = |of: fn(&Policy) -> f64| -> Vec<f64> {
            seeds.iter().map(|seed| of(&seed.risk) - of(&seed.chance)).collect()
        };
        Self {
            gain_difference: Spread::of(&differences(Policy::gain_per_100)),
            orders_difference: Spread::of(&differences(|policy| policy.orders as f64)),
            seeds,
        }
    }
}

/// Answers for carts by chance: every answer is drawn evenly from 0 to 1, from the question and the seed alone.
struct ByChance {
    inner: Arc<dyn Predictor>,
    seed: u64,
}

impl Predictor for ByChance {
    fn score(&self, ask: Ask) -> Reply<Answer, Error> {
        if ask.head != Head::CartAbandonment {
            return self.inner.score(ask);
        }
        let mut hash = Xxh3::with_seed(self.seed);
        hash.update(&ask.at.0.to_le_bytes());
        ask.features.iter().for_each(|feature| hash.update(&feature.to_le_bytes()));
        // 24 bits: as many as a score can hold without rounding up to 1.
        let value = (hash.digest() >> 40) as f32 / (1_u32 << 24) as f32;
        let score =
            Score { value, model: SmolStr::new_static("chance"), source: ScoreSource::Model, at: ask.at };
        Box::pin(std::future::ready(Ok(Answer { id: ask.id, head: ask.head, score })))
    }

    fn prior(&self, head: Head) -> f32 {
        self.inner.prior(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(contacts: u64, gain: f64, orders: u64) -> Policy {
        Policy { contacts, gain, orders }
    }

    #[test]
    fn seeds_are_compared_per_contact() {
        let seeds = vec![
            Seed { seed: 1, risk: policy(200, 20.0, 110), chance: policy(100, 6.0, 100) },
            Seed { seed: 2, risk: policy(100, 11.0, 104), chance: policy(100, 6.0, 100) },
        ];
        let report = Report::of(seeds);
        assert!((report.gain_difference.mean - 4.5).abs() < 1e-9, "{report:?}");
        assert!((report.orders_difference.mean - 7.0).abs() < 1e-9, "{report:?}");
    }
}
