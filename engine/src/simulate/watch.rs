//! Fills the picture of a run, step by step, and has it drawn a few times per second.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use actors::port::clock::Clock;
use smol_str::SmolStr;

use super::drive::Drive;
use super::engine::Stepped;
use super::risks::Risks;
use super::scores::Scores;
use super::treated::Arm;
use crate::live::dashboard::{AT_RISK_MAX, Picture};
use crate::live::painter::Painter;
use schemas::time::Timestamp;

/// How often the picture is drawn.
const REDRAW: Duration = Duration::from_millis(100);

/// Over how long the flow is measured.
const FLOW: Duration = Duration::from_secs(2);

/// Watches a run.
pub struct Watch {
    painter: Painter,
    risks: Risks,
    title: String,
    /// When the shop opens and closes.
    span: (Timestamp, Timestamp),
    /// How many each trigger reached and held back.
    triggers: BTreeMap<SmolStr, (u64, u64)>,
    /// Events at some instants of the last seconds, and the shop's time then.
    flow: VecDeque<(Duration, u64)>,
    drawn: Option<Duration>,
}

impl Watch {
    /// Returns a watch that has seen nothing.
    pub fn new(title: String, span: (Timestamp, Timestamp), risks: Risks) -> Self {
        let (triggers, flow) = (BTreeMap::new(), VecDeque::new());
        Self { painter: Painter::new(), risks, title, span, triggers, flow, drawn: None }
    }

    /// Follows a step, and draws when it is time.
    pub fn see(&mut self, drive: &Drive, stepped: &Stepped) {
        self.risks.follow(stepped, drive.ordered(), drive.now());
        for treated in &stepped.treated {
            let (sent, held_back) = self.triggers.entry(treated.trigger.clone()).or_default();
            match treated.arm {
                Arm::Contacted => *sent += 1,
                Arm::Holdout | Arm::GlobalControl => *held_back += 1,
                Arm::Offered => {}
            }
        }
        let boot = drive.engine().clock().boot();
        if self.drawn.is_none_or(|drawn| boot >= drawn + REDRAW) {
            self.drawn = Some(boot);
            let picture = self.picture(drive, boot);
            self.painter.draw(&picture);
        }
    }

    /// Draws the last picture, for good.
    pub fn finish(mut self, drive: &Drive) {
        let picture = self.picture(drive, drive.engine().clock().boot());
        self.painter.finish(&picture);
    }

    fn picture(&mut self, drive: &Drive, boot: Duration) -> Picture {
        let flow = drive.flow();
        self.flow.push_back((boot, flow.events));
        while self.flow.len() > 2 && self.flow.front().is_some_and(|(at, _)| *at + FLOW < boot) {
            self.flow.pop_front();
        }
        let (since, before) = self.flow.front().copied().unwrap_or((boot, flow.events));
        let passed = boot.saturating_sub(since).as_secs_f64();
        let events_per_s = if passed > 0.0 { (flow.events - before) as f64 / passed } else { 0.0 };
        let Scores { scored, fallbacks } = Scores::of(drive.engine().metrics());
        let mut triggers: Vec<_> =
            self.triggers.iter().map(|(name, (sent, held))| (name.to_string(), *sent, *held)).collect();
        triggers.sort_by_key(|(_, sent, held_back)| std::cmp::Reverse(sent + held_back));
        Picture {
            title: self.title.clone(),
            now: drive.now(),
            from: self.span.0,
            until: self.span.1,
            events: flow.events,
            events_per_s,
            customers: flow.customers(),
            orders: flow.orders,
            hours: flow.hours(),
            scored,
            fallbacks,
            decided: flow.decided,
            at_risk: self.risks.shown(AT_RISK_MAX),
            triggers,
            effect: drive.effect().report(),
        }
    }
}
