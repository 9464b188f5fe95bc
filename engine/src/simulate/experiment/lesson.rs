//! What outreach teaches a model of risk: the same shop without outreach, with outreach that is weighed, and with outreach that is not
//! known of.
//!
//! For every seed a model of cart abandonment is learnt three times: from the shop in which nobody is contacted; from the shop whose
//! likely lost carts mostly are, with what was sent and what chance held back among the events; and from the events of the latter without
//! either. All three judge the carts of another shop in which nobody is contacted. Outreach that works makes carts look safe to the third;
//! the second has to say what the first says.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use schemas::profile::Heads;
use schemas::score::Head;
use serde::Serialize;

use super::spread::Spread;
use crate::app;
use crate::learn::{Dataset, FitSettings, fit};
use crate::model::Artefact;
use crate::replay::{self, Format, Report as Progress};
use crate::settings::Settings;
use crate::shop::{Policy, Shop, ShopSettings};
use crate::train::dataset::Settings as RowSettings;
use crate::train::{Collector, Definition, History, Rules};

/// Share of the likely lost carts that are written about; the others of them are the control arm.
const ABOVE: f64 = 0.75;

/// The same of all other carts.
const BELOW: f64 = 0.25;

/// Sets the shop that is judged apart from the one that is learnt from.
const JUDGED_SEED: u64 = 1 << 32;

/// What three models say of the same carts. Units: probability that the cart is not bought, mean over the questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Seed {
    /// The shop's seed.
    pub seed: u64,
    /// Questions that are judged.
    pub questions: usize,
    /// How often it came.
    pub came: f64,
    /// Learnt without outreach.
    pub without: f64,
    /// Learnt with outreach, weighed.
    pub weighed: f64,
    /// Learnt with outreach that is not known of.
    pub naive: f64,
}

/// What the experiment says. Units: probability.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Every seed.
    pub seeds: Vec<Seed>,
    /// Weighed less without.
    pub weighed_difference: Spread,
    /// Not known of less without.
    pub naive_difference: Spread,
}

impl Report {
    /// Returns what all seeds together say.
    pub fn of(seeds: Vec<Seed>) -> Self {
        let differences =
            |of: fn(&Seed) -> f64| -> Vec<f64> { seeds.iter().map(|seed| of(seed) - seed.without).collect() };
        Self {
            weighed_difference: Spread::of(&differences(|seed| seed.weighed)),
            naive_difference: Spread::of(&differences(|seed| seed.naive)),
            seeds,
        }
    }

    /// Returns true when outreach that is weighed teaches nothing false with 95 % certainty, and outreach that is not does.
    pub fn is_as_it_should_be(&self) -> bool {
        let holds_nothing = |[low, high]: [f64; 2]| low <= 0.0 && 0.0 <= high;
        self.weighed_difference.interval.is_some_and(holds_nothing)
            && self.naive_difference.interval.is_some_and(|[_, high]| high < 0.0)
    }
}

/// Learns and judges with the shop of one seed.
///
/// Errors: files cannot be written; there is too little to learn from.
pub fn seed(settings: &Settings, shop: ShopSettings) -> Result<Seed> {
    let folder = tempfile::tempdir().context("failed to make a temporary folder")?;
    let path = |name: &str| folder.path().join(name);
    let silent = ShopSettings { policy: Policy::Silent, ..shop };
    let judged = ShopSettings { seed: shop.seed ^ JUDGED_SEED, ..silent };
    let contacted = ShopSettings { policy: Policy::Risky { above: ABOVE, below: BELOW }, ..shop };
    let rows =
        |name: &str, of: ShopSettings, kept: fn(&str) -> bool| rows(settings, write(&path(name), of, kept)?);
    let is_known = |_: &str| true;
    let judged = rows("judged.jsonl", judged, is_known)?;
    let said = |data: &Dataset| -> Result<f64> { Ok(mean(&learnt(data, shop.seed)?, &judged)) };
    let labels = judged.rows.iter().filter(|row| row.label).count();
    Ok(Seed {
        seed: shop.seed,
        questions: judged.rows.len(),
        came: labels as f64 / judged.rows.len().max(1) as f64,
        without: said(&rows("silent.jsonl", silent, is_known)?)?,
        weighed: said(&rows("contacted.jsonl", contacted, is_known)?)?,
        naive: said(&rows("naive.jsonl", contacted, |name| !name.starts_with("Outreach "))?)?,
    })
}

/// Writes the events of a shop whose names are kept.
fn write(path: &Path, shop: ShopSettings, kept: fn(&str) -> bool) -> Result<PathBuf> {
    let lines = Shop::new(shop).filter(|event| kept(event.name)).map(|event| event.line + "\n");
    fs::write(path, lines.collect::<String>())
        .with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path.to_owned())
}

/// Makes rows of a file as `care train` does.
fn rows(settings: &Settings, file: PathBuf) -> Result<Dataset> {
    let format = Format::SegmentJsonl;
    let sources = replay::check(&[file], format, &app::border(settings))?;
    let mut collector = Collector::new(RowSettings::new(Definition::of(Head::CartAbandonment)));
    let history = History::new(Rules::new(settings, format, Heads::of(&[Head::CartAbandonment])));
    let played = history.play(&sources, &mut |moment| collector.take(&moment), &Unseen)?;
    Ok(collector.finish(played.end).0)
}

fn learnt(data: &Dataset, seed: u64) -> Result<Artefact> {
    let settings = FitSettings {
        seed,
        hidden: vec![16],
        members: 3,
        test_share: 0.0,
        later_share: 0.0,
        ..FitSettings::default()
    };
    Ok(fit(data, &settings, &mut |_| {})?.0)
}

/// Returns the mean of what a model says of rows.
fn mean(model: &Artefact, data: &Dataset) -> f64 {
    let rows: Vec<&[f32]> = data.rows.iter().map(|row| &*row.features).collect();
    model.score(&rows).iter().map(|said| f64::from(*said)).sum::<f64>() / rows.len().max(1) as f64
}

/// Nobody looks how far a file is.
struct Unseen;

impl Progress for Unseen {
    fn begun(&self, _file: &Path, _bytes: u64) {}

    fn reached(&self, _bytes: u64, _rows: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outreach_that_is_weighed_teaches_what_no_outreach_does_and_otherwise_carts_look_safe() {
        let settings = Settings::defaults();
        let shop = |seed| ShopSettings { seed, shoppers: 4_000, days: 14, ..ShopSettings::default() };
        let report = Report::of((1..=3).map(|number| seed(&settings, shop(number)).expect("rows")).collect());
        let (weighed, naive) = (report.weighed_difference.mean, report.naive_difference.mean);
        assert!(report.seeds.iter().all(|seed| seed.naive < seed.without), "{report:?}");
        // Three small shops say no more than this; the command with twenty says how much.
        assert!(naive < -0.005 && weighed > naive + 0.01, "{report:?}");
    }

    #[test]
    fn the_verdict_wants_both() {
        let seeds = |weighed: [f64; 3], naive: f64| {
            let seed = |(n, weighed): (usize, f64)| {
                let wobble = n as f64 / 1e4;
                Seed { without: 0.9, weighed: 0.9 + weighed, naive: 0.9 + naive + wobble, ..Seed::default() }
            };
            Report::of(weighed.into_iter().enumerate().map(seed).collect())
        };
        assert!(seeds([-0.01, 0.0, 0.01], -0.05).is_as_it_should_be());
        assert!(!seeds([-0.051, -0.05, -0.049], -0.05).is_as_it_should_be(), "what is weighed misleads too");
        assert!(!seeds([-0.01, 0.0, 0.01], 0.0).is_as_it_should_be(), "nothing would have misled");
    }
}
