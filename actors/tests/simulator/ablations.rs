//! Every rule of the protocol, taken away one at a time.

use actors::dispatcher;
use actors::dispatcher::settings::Recheck;
use actors::partition::settings::Rules;
use schemas::customer::rules::RowRules as RowSwitches;

use crate::campaign::{Case, Traced};
use crate::check::check;
use crate::customers::Customers;
use crate::flight::What;
use crate::merge;
use crate::moved;
use crate::odds::{Odds, Shop};
use crate::row::RowRules;
use crate::run::{Plan, Scores, Sends, run};
use crate::shop::shop;
use crate::strays;
use crate::talk;
use crate::triggers;

/// Runs after which a rule that is missing has to be caught.
const SEEDS_MAX: u64 = 20_000;

/// Every rule of the owner's world.
#[derive(Clone, Copy, Debug)]
pub struct AllRules {
    pub owner: Rules,
    pub row: RowRules,
    pub dispatch: dispatcher::settings::Rules,
}

impl AllRules {
    fn plan(self) -> Plan {
        let customers = Customers::StandIn(self.row);
        Plan {
            owner: self.owner,
            dispatch: self.dispatch,
            customers,
            scores: Scores::Differ,
            partitions: 1,
            sends: Sends::Something,
            recheck: Recheck::AsOfDecision,
            shop,
            check,
        }
    }
}

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

/// Owners follow each other fast, stand still, hear late that the partition was theirs, and their writes stay in flight for long.
fn chains_of_owners(odds: &mut Odds) {
    (odds.moves, odds.late_assigns, odds.stalls, odds.slow) = (9_000, 50, 15, Some(What::Write));
    (odds.crashes, odds.group_owner, odds.delivery) = (8, 60, 95);
}

/// The same, for one customer whose events cause nothing: only the row's write tells that they were applied.
fn chains_over_one_row(odds: &mut Odds) {
    chains_of_owners(odds);
    (odds.shop, odds.customers) = (Shop::Plain, 1);
}

/// The group gives the partition to two, one after the other, and the first hears of it last.
fn late_assigns(odds: &mut Odds) {
    (odds.shop, odds.customers) = (Shop::Plain, 1);
    (odds.moves, odds.late_assigns, odds.group_owner) = (9_000, 80, 50);
}

/// Two take the lease at once and do not hear how it went.
fn contended_lease(odds: &mut Odds) {
    (odds.moves, odds.late_assigns, odds.lease_reply_lost, odds.group_owner) = (9_000, 70, 60, 30);
}

/// Most events ask for a score, which comes late.
fn slow_scores(odds: &mut Odds) {
    (odds.shop, odds.slow, odds.crashes) = (Shop::Scores, Some(What::Score), 10);
    odds.customers = 8;
}

/// Epoch records take their time.
fn slow_marks(odds: &mut Odds) {
    (odds.slow, odds.stalls) = (Some(What::Mark), 8);
}

/// What is relayed takes its time, and processes die meanwhile.
fn slow_relays(odds: &mut Odds) {
    (odds.slow, odds.crashes, odds.customers) = (Some(What::Append), 10, 8);
}

/// The same where most events set a timer that is due soon.
fn many_timers(odds: &mut Odds) {
    slow_relays(odds);
    odds.shop = Shop::Timers;
}

/// Readers die often, and owners that were replaced go on.
fn restless_readers(odds: &mut Odds) {
    (odds.dispatcher_crashes, odds.stalls, odds.group_owner) = (15, 10, 45);
}

/// Returns all rules in force.
pub fn all() -> AllRules {
    AllRules {
        owner: Rules::default(),
        row: RowRules { high_water_mark: true, slot_ids: true, score_named_as_cause: true },
        dispatch: Default::default(),
    }
}

/// Returns the case in which nothing is taken away: every second seed in one of the ablations' worlds.
pub fn nothing_taken_away(seeds: u64) -> Case {
    let run = |seed, traced: Traced| {
        let mut odds = Odds::of(seed);
        if seed % 2 == 1 {
            be_hostile(seed / 2, &mut odds);
        }
        run(seed, all().plan(), odds, traced)
    };
    Case { name: "all rules", seeds, run: Box::new(run) }
}

/// Makes a world hostile in the way of one of the ablations.
pub fn be_hostile(nth: u64, odds: &mut Odds) {
    (ABLATIONS[nth as usize % ABLATIONS.len()].world)(odds);
}

/// Returns the case of every ablation.
pub fn cases() -> Vec<Case> {
    let case = |ablation: &'static Ablation| {
        let mut rules = all();
        (ablation.without)(&mut rules);
        let run = move |seed, traced: Traced| {
            let mut odds = Odds::of(seed);
            (ablation.world)(&mut odds);
            run(seed, rules.plan(), odds, traced)
        };
        Case { name: ablation.name, seeds: SEEDS_MAX, run: Box::new(run) as Box<_> }
    };
    ABLATIONS.iter().map(case).collect()
}

/// Returns the switches that no ablation touches, by name.
pub fn never_taken_away() -> Vec<String> {
    let without = |ablation: &Ablation| {
        let mut rules = all();
        (ablation.without)(&mut rules);
        rules
    };
    let of_owner = [merge::owner_rules(), strays::owner_rules()].concat().into_iter();
    let of_owner = of_owner.map(|owner| AllRules { owner, ..all() });
    let mut never = untouched(&all(), ABLATIONS.iter().map(without).chain(of_owner));
    let taken = [merge::row_rules(), moved::row_rules(), triggers::row_rules(), strays::row_rules()];
    let taken = [taken.concat(), talk::row_rules()].concat().into_iter();
    never.extend(untouched(&RowSwitches::default(), taken));
    never
}

/// Returns the switches of `all` that stand as they are in every one of `taken`.
fn untouched<T: std::fmt::Debug>(all: &T, taken: impl Iterator<Item = T>) -> Vec<String> {
    let switches = |rules: &T| -> Vec<String> {
        let text = format!("{rules:#?}");
        text.lines().filter(|line| line.contains(": ") && line.ends_with(',')).map(str::to_owned).collect()
    };
    let taken: Vec<Vec<String>> = taken.map(|rules| switches(&rules)).collect();
    switches(all).into_iter().filter(|line| taken.iter().all(|rules| rules.contains(line))).collect()
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
        world: slow_relays,
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
    Ablation { name: "cursor waits", without: |r| r.owner.cursor_waits = false, world: many_timers },
    Ablation {
        name: "reader keeps the epoch",
        without: |r| r.dispatch.epoch_kept = false,
        world: restless_readers,
    },
    Ablation {
        name: "reader's epoch is that of its position",
        without: |r| r.dispatch.epoch_of_position = false,
        world: restless_readers,
    },
    Ablation {
        name: "reader's position waits",
        without: |r| r.dispatch.position_waits = false,
        world: restless_readers,
    },
    Ablation {
        name: "reserved in the ledger",
        without: |r| r.dispatch.ledger_reserved = false,
        world: restless_readers,
    },
    Ablation {
        name: "a further attempt sends the same",
        without: |r| r.dispatch.content_kept = false,
        world: restless_readers,
    },
    Ablation {
        name: "a call is never repeated",
        without: |r| r.dispatch.calling_never_repeated = false,
        world: restless_readers,
    },
    Ablation {
        name: "unknown changes are read back",
        without: |r| r.dispatch.unknown_read_back = false,
        world: restless_readers,
    },
    Ablation {
        name: "older rows rewritten",
        without: |r| r.owner.older_rows_rewritten = false,
        world: chains_of_owners,
    },
    Ablation {
        name: "older rows without outbox rewritten",
        without: |r| r.owner.older_rows_without_outbox_rewritten = false,
        world: chains_over_one_row,
    },
    Ablation {
        name: "position waits for the score",
        without: |r| (r.owner.position_waits_for_score, r.row.score_named_as_cause) = (false, false),
        world: slow_scores,
    },
    Ablation { name: "index before the row", without: |r| r.owner.index_before_row = false, world: as_it_is },
    Ablation {
        name: "uncovered timer held",
        without: |r| r.owner.uncovered_timer_held = false,
        world: many_timers,
    },
    Ablation { name: "random owner", without: |r| r.owner.random_owner = false, world: contended_lease },
    Ablation {
        name: "rows after the epoch record",
        without: |r| r.owner.rows_after_epoch_record = false,
        world: slow_marks,
    },
    Ablation {
        name: "position in the lease row",
        without: |r| r.owner.position_in_lease = false,
        world: late_assigns,
    },
    Ablation { name: "incarnations apart", without: |r| r.owner.incarnations_apart = false, world: as_it_is },
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
