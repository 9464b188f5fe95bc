//! What a shop has set: triggers, policy, and the rules that are never switched off outside a simulator.

use crate::customer::rules::RowRules;
use crate::profile::ProfilePolicy;

/// Everything that decides what a record does to a row, beside the row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rulebook {
    /// Settings of the shop.
    pub policy: Policy,
    /// Rules of the row, all on.
    pub rules: RowRules,
}

/// Settings of the shop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Settings of the fold.
    pub profile: ProfilePolicy,
}
