//! How hostile a world is: the seed chooses a mood, an ablation may insist on what shows its rule.

use crate::flight::What;

/// Odds of everything that goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Odds {
    /// What the shop's customers do.
    pub shop: Shop,
    /// How many there are.
    pub customers: usize,
    /// Records of the shop that are earlier ones again, in a hundred; where customers are the product's.
    pub repeats: usize,
    /// Records of the shop that erase a user, in a hundred; where customers are the product's.
    pub erases: usize,
    /// The store may lose its tail.
    pub tail_loss: bool,
    /// Replies of the lease's compare-and-set get lost, in a hundred.
    pub lease_reply_lost: usize,
    /// Other replies get lost, in a hundred.
    pub reply_lost: usize,
    /// An append takes some of its records only, and fails, so often, in a hundred.
    pub torn_appends: usize,
    /// A delivery in a step happens so often, in a hundred: low = everything stays in flight for long.
    pub delivery: usize,
    /// Calls of this kind stay in flight for long: a slow write may land after those of its owner's successors.
    pub slow: Option<What>,
    /// A step of an owner goes to the group's owner so often, in a hundred.
    pub group_owner: usize,
    /// The partition moves so often, in ten thousand steps.
    pub moves: usize,
    /// A process that gets the partition hears of it late so often, in a hundred.
    pub late_assigns: usize,
    /// A process stands still for a while (and does not know) so often, in a thousand of its steps.
    pub stalls: usize,
    /// A customer panics so often, in a thousand turns.
    pub panics: usize,
    /// A process dies so often, in a thousand of its steps.
    pub crashes: usize,
    /// The broker refuses the commit of whoever is no owner so often, in a hundred; else it is ignored.
    pub refused_commits: usize,
    /// A producer fails for good so often, in a thousand appends: the records are in the log or not.
    pub producers_replaced: usize,
    /// A dispatcher dies so often, in a hundred of its steps.
    pub dispatcher_crashes: usize,
}

/// What the shop's customers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shop {
    /// Some of everything.
    Mixed,
    /// Mostly events that ask for a score.
    Scores,
    /// Mostly events that set a short timer.
    Timers,
    /// Events that only count.
    Plain,
}

impl Odds {
    /// Nothing goes wrong.
    pub fn calm(self) -> Self {
        Self {
            lease_reply_lost: 0,
            reply_lost: 0,
            torn_appends: 0,
            delivery: 100,
            slow: None,
            group_owner: 100,
            moves: 0,
            late_assigns: 0,
            stalls: 0,
            panics: 0,
            crashes: 0,
            refused_commits: 0,
            producers_replaced: 0,
            dispatcher_crashes: 0,
            ..self
        }
    }

    /// Returns one of five moods of the world: quiet, restless, many owners at once, a slow outside, processes that stand still.
    pub fn of(seed: u64) -> Self {
        let mood = seed % 5;
        Self {
            shop: Shop::Mixed,
            customers: 3,
            repeats: 0,
            erases: 0,
            tail_loss: false,
            lease_reply_lost: 30,
            reply_lost: 8,
            torn_appends: 0,
            delivery: if mood == 3 { 40 } else { 95 },
            slow: None,
            group_owner: if mood < 2 { 75 } else { 45 },
            moves: if mood == 0 { 3_500 } else { 9_000 },
            late_assigns: if mood == 4 { 30 } else { 0 },
            stalls: if mood == 4 { 8 } else { 0 },
            panics: 8,
            crashes: 4,
            refused_commits: if mood == 1 { 60 } else { 0 },
            producers_replaced: if mood == 1 { 20 } else { 2 },
            dispatcher_crashes: 3,
        }
    }
}
