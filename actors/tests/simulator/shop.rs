//! The shop of the owner's world: events of a few customers, in one partition.

use schemas::ids::{CustomerId, PartitionId};
use schemas::record::RecordKind;

use crate::odds::Shop;
use crate::row::Kind;
use crate::world::{STEP, State, trace};

/// Customers of the shop.
const CUSTOMERS: [&str; 8] = ["ann", "bob", "cid", "dan", "eva", "fay", "gus", "hal"];
/// Records of a run.
const LOG_MAX: usize = 26;
/// The only partition.
const PARTITION: PartitionId = PartitionId(0);

/// The shop appends an event.
pub fn shop(state: &mut State) {
    if state.partition(PARTITION).log.len() >= LOG_MAX {
        return;
    }
    let customer = CustomerId::user(CUSTOMERS[state.chance.below(state.odds.customers)]);
    let kind = match (state.odds.shop, state.chance.below(10)) {
        (Shop::Mixed, 0..=3) | (Shop::Scores, 0..=2) | (Shop::Timers, 0..=1) | (Shop::Plain, _) => {
            Kind::Plain
        }
        (Shop::Mixed, 4 | 5) | (Shop::Scores, 3) => Kind::Fire,
        (Shop::Mixed, 6) | (Shop::Scores, 4..=8) => Kind::Score,
        (Shop::Mixed, 7 | 8) => Kind::Wait((5 + state.chance.below(60) as i64) * STEP),
        (Shop::Timers, 2..=8) => Kind::Wait((2 + state.chance.below(20) as i64) * STEP),
        (Shop::Mixed | Shop::Scores | Shop::Timers, _) => Kind::Exit,
    };
    let at = state.partition(PARTITION).log.len();
    trace!(state, "log[{at}] = {customer} {kind:?}");
    state.append_event(PARTITION, customer.as_str().into(), RecordKind::Event, kind.encode().into());
    state.kinds.push((customer, kind));
}
