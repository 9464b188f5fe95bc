//! Every rule of the protocol, taken away one at a time.

use actors::partition::settings::Rules;

use crate::dispatch::DispatchRules;
use crate::row::RowRules;
use crate::run::AllRules;
use crate::world::Odds;

/// A rule that is taken away, and the world in which that shows.
pub struct Ablation {
    /// What is taken away.
    pub name: &'static str,
    /// Takes it away.
    pub without: fn(&mut AllRules),
    /// Makes the world as hostile as it takes.
    pub world: fn(&mut Odds),
}

fn as_it_is(_: &mut Odds) {}

fn tail_loss(odds: &mut Odds) {
    odds.tail_loss = true;
}

/// Returns all rules in force.
pub fn all() -> AllRules {
    AllRules {
        owner: Rules::default(),
        row: RowRules { high_water_mark: true, slot_ids: true, score_named_as_cause: true },
        dispatch: DispatchRules { lower_epochs_ignored: true, epoch_kept: true, ledger_body: true },
    }
}

/// Every rule with its ablation.
pub const ABLATIONS: &[Ablation] = &[
    Ablation { name: "high-water mark", without: |r| r.row.high_water_mark = false, world: as_it_is },
    Ablation {
        name: "position waits for the row",
        without: |r| r.owner.position_waits_for_row = false,
        world: as_it_is,
    },
    Ablation {
        name: "only clean customers passivated",
        without: |r| r.owner.passivate_clean = false,
        world: as_it_is,
    },
    Ablation { name: "relay after the row", without: |r| r.owner.relay_after_row = false, world: as_it_is },
    Ablation {
        name: "seek back after a panic",
        without: |r| r.owner.panic_seeks_back = false,
        world: as_it_is,
    },
    Ablation {
        name: "position waits for the relay",
        without: |r| r.owner.position_waits_for_relay = false,
        world: as_it_is,
    },
    Ablation { name: "disjoint ranges", without: |r| r.owner.disjoint_ranges = false, world: as_it_is },
    Ablation { name: "timers by log time", without: |r| r.owner.timers_by_log_time = false, world: as_it_is },
    Ablation {
        name: "epoch record",
        without: |r| (r.owner.epoch_record, r.dispatch.lower_epochs_ignored) = (false, false),
        world: as_it_is,
    },
    Ablation {
        name: "clear after confirmation",
        without: |r| r.owner.clear_after_confirmation = false,
        world: as_it_is,
    },
    Ablation { name: "wake-up re-arms", without: |r| r.owner.wake_up_rearms = false, world: as_it_is },
    Ablation { name: "cursor waits", without: |r| r.owner.cursor_waits = false, world: as_it_is },
    Ablation { name: "reader keeps the epoch", without: |r| r.dispatch.epoch_kept = false, world: as_it_is },
    Ablation {
        name: "older rows rewritten",
        without: |r| r.owner.older_rows_rewritten = false,
        world: as_it_is,
    },
    Ablation {
        name: "older rows without outbox rewritten",
        without: |r| r.owner.older_rows_without_outbox_rewritten = false,
        world: as_it_is,
    },
    Ablation {
        name: "position waits for the score",
        without: |r| (r.owner.position_waits_for_score, r.row.score_named_as_cause) = (false, false),
        world: as_it_is,
    },
    Ablation { name: "index before the row", without: |r| r.owner.index_before_row = false, world: as_it_is },
    Ablation {
        name: "uncovered timer held",
        without: |r| r.owner.uncovered_timer_held = false,
        world: as_it_is,
    },
    Ablation { name: "random owner", without: |r| r.owner.random_owner = false, world: as_it_is },
    Ablation {
        name: "rows after the epoch record",
        without: |r| r.owner.rows_after_epoch_record = false,
        world: as_it_is,
    },
    Ablation {
        name: "position in the lease row",
        without: |r| r.owner.position_in_lease = false,
        world: as_it_is,
    },
    Ablation {
        name: "incarnations checked, writes settled",
        without: |r| (r.owner.incarnation_checked, r.owner.writes_settled) = (false, false),
        world: as_it_is,
    },
    Ablation {
        name: "slot ids (epoch records off)",
        without: |r| {
            r.row.slot_ids = false;
            (r.owner.epoch_record, r.dispatch.lower_epochs_ignored) = (false, false);
        },
        world: as_it_is,
    },
    Ablation { name: "slot ids (tail lost)", without: |r| r.row.slot_ids = false, world: tail_loss },
    Ablation { name: "replay margin", without: |r| r.owner.replay_margin = false, world: tail_loss },
    Ablation {
        name: "stop when the tail is lost",
        without: |r| r.owner.stop_on_lost_tail = false,
        world: tail_loss,
    },
];
