//! What a shop has set: triggers, policy, and the rules that are never switched off outside a simulator.

use smol_str::SmolStr;

use crate::customer::rules::RowRules;
use crate::decision::Category;
use crate::profile::{Heads, ProfilePolicy};
use crate::time::Span;
use crate::trigger::Triggers;

/// Everything that decides what a record does to a row, beside the row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rulebook {
    /// Triggers in force.
    pub triggers: Triggers,
    /// Heads that are asked whether or not a trigger reads them.
    pub heads: Heads,
    /// Settings of the shop.
    pub policy: Policy,
    /// Rules of the row, all on.
    pub rules: RowRules,
}

impl Rulebook {
    /// Returns the heads that are asked: those of the settings, and those that a trigger reads.
    pub fn heads_in_force(&self) -> Heads {
        self.heads.union(self.triggers.heads())
    }
}

/// Settings of the shop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Settings of the fold.
    pub profile: ProfilePolicy,
    /// How often and whom the shop may contact.
    pub contact: ContactPolicy,
    /// How customers are answered.
    pub conversation: ConversationPolicy,
}

/// How customers are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConversationPolicy {
    /// Log time after which an answer that did not come is asked for again; longer than the pool takes. `None` = nobody but people
    /// answer: where there is no pool, and in replays and backtests.
    pub answered_within: Option<Span>,
}

/// How often and whom the shop may contact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContactPolicy {
    /// Bounds on what one customer gets; all hold.
    pub caps: Vec<Cap>,
    /// Share of customers that get nothing but service. Bounds: 0 to 0.5.
    pub control_share: f64,
    /// Categories for which a customer who said nothing is taken to have consented: public data sets carry no consent.
    pub consent_assumed: Vec<Category>,
    /// Whether an outreach without an outcome becomes `unknown` at its expiry. A replay runs ahead of its dispatcher by days of log
    /// time, so there it never does.
    pub outcomes_expire: bool,
}

/// A bound on what one customer gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Cap {
    /// What counts.
    pub scope: CapScope,
    /// The window is (now − within, now].
    pub within: Span,
    /// At most so many.
    pub max: u32,
}

/// What a cap counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapScope {
    /// Every outreach.
    Any,
    /// Those of a category.
    Category(Category),
    /// Those of a channel.
    Channel(SmolStr),
}
