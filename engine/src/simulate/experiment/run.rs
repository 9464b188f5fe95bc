//! One run of an experiment: a shop and the real engine under one policy, in a folder that goes with it.

use std::sync::Arc;

use actors::port::predictor::Predictor;
use anyhow::{Context, Result, bail};
use schemas::rulebook::Rulebook;
use schemas::score::Head;
use schemas::time::{Span, Timestamp};

use super::super::drive::{Course, Drive, Ran};
use super::super::engine::{Driven, Parts};
use crate::app;
use crate::replay::Speed;
use crate::settings::Settings;
use crate::shop::{Shop, ShopSettings};
use crate::triggers::{self, File};

/// The policy, with a word where the threshold goes.
const POLICY: &str = include_str!("policy.yaml");

/// Length of a step: short against the quarter of an hour of the policy, and the hours in which shoppers react.
pub const STEP: Span = Span::minutes(5);

/// Partitions of a run: as many on every machine, so that a run is the same on all of them.
const PARTITIONS: u32 = 2;

/// How an experiment's shop is run.
#[derive(Clone, Debug)]
pub struct World<'a> {
    /// Settings of the engine; data and triggers are the run's own.
    pub settings: &'a Settings,
    /// The shop.
    pub shop: ShopSettings,
    /// The least score that is contacted.
    pub threshold: f64,
    /// Contacts that the shop takes.
    pub budget: u64,
}

/// What a run came to under its policy.
#[derive(Debug)]
pub struct Outcome {
    /// What happened.
    pub ran: Ran,
    /// Carts that the policy judged.
    pub judged: u64,
    /// Carts among them whose score passed the threshold.
    pub passed: u64,
}

impl World<'_> {
    /// Runs the shop to its end; `predictor` changes who answers for the scores.
    ///
    /// Errors: the folder cannot be made · the engine stopped · something was lost or doubled.
    pub async fn run(self, predictor: &dyn Fn(Arc<dyn Predictor>) -> Arc<dyn Predictor>) -> Result<Outcome> {
        let folder = tempfile::tempdir().context("failed to make a folder for the run")?;
        let mut settings = self.settings.clone();
        settings.data.dir = folder.path().to_owned();
        settings.log.partitions = PARTITIONS;
        let book = Arc::new(book(&settings, self.threshold)?);
        let border = app::border(&settings);
        let parts = Parts { settings: &settings, book, budget: self.budget, predictor };
        let engine = Driven::start(parts).await?;
        let (from, until) = span(&self.shop);
        let course = Course { from, until, step: STEP, speed: Speed::Max, border, recorder: None };
        let mut drive = Drive::new(Shop::new(self.shop), engine, course)?;
        let (mut judged, mut passed) = (0, 0);
        while let Some(stepped) = drive.step().await? {
            for decision in &stepped.decisions {
                let score = decision.scores.iter().find(|(head, _)| *head == Head::CartAbandonment);
                judged += u64::from(score.is_some());
                passed += u64::from(score.is_some_and(|(_, score)| f64::from(score.value) >= self.threshold));
            }
        }
        let ran = drive.finish().await?;
        if ran.balance.lost + ran.balance.doubled > 0 {
            bail!("a run lost {} and doubled {}", ran.balance.lost, ran.balance.doubled);
        }
        Ok(Outcome { ran, judged, passed })
    }
}

/// Returns when a shop opens and when it closes.
pub fn span(shop: &ShopSettings) -> (Timestamp, Timestamp) {
    (shop.starts, shop.starts + Span::days(i64::from(shop.days)))
}

/// Returns a rulebook with the policy and nothing else.
fn book(settings: &Settings, threshold: f64) -> Result<Rulebook> {
    let text = POLICY.replace("THRESHOLD", &threshold.to_string());
    let channels = settings.channels.keys().map(String::as_str);
    let mut checked = triggers::check(&[File { name: "policy.yaml".to_owned(), text }], channels);
    let trigger =
        checked.pop().and_then(|checked| checked.trigger).context("the policy is no legal trigger")?;
    let mut book = app::replay_rulebook(settings)?;
    book.triggers = [trigger].into_iter().collect();
    Ok(book)
}
