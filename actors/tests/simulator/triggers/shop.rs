//! The shop of the world of triggers, and its triggers.

use schemas::ids::{CustomerId, PartitionId};
use schemas::profile::Heads;
use schemas::record::RecordKind;
use schemas::rulebook::Rulebook;
use schemas::trigger::{Triggers, parse};

use crate::outbound::{AT_MOST_ONCE, IDEMPOTENT};
use crate::world::{State, trace};

/// Customers of the shop.
const CUSTOMERS: [&str; 8] = ["ann", "bob", "cid", "dan", "eva", "fay", "gus", "hal"];
/// Records that the shop appends in a run.
const RECORDS_MAX: usize = 26;

/// Returns the rulebook of the shop.
pub fn book() -> Rulebook {
    let trigger = |name: &str, entry: &str, channel: &str| {
        let text = format!(
            "apiVersion: care/v1\nkind: Trigger\nmetadata: {{name: {name}}}\nspec:\n{entry}\n  policy: {{category: service, \
             max_age: P1D}}\n  action: {{channel: {channel}, template: words, facts: [orders.count]}}\n"
        );
        parse(&text).expect("the shop's triggers are in order").trigger
    };
    let at_once = "  entry: {event: Payment Failed, key: n}";
    let wait =
        "  entry: {event: Product Added, key: n}\n  wait: {for: PT8M}\n  exit: [{event: Order Completed}]";
    let score = "  entry: {score: cart_abandonment, rises_above: 0.5, rearms_below: 0.5}";
    let triggers = [
        trigger("at-once", at_once, IDEMPOTENT),
        trigger("wait", wait, AT_MOST_ONCE),
        trigger("score", score, IDEMPOTENT),
    ];
    Rulebook { triggers: Triggers::new(triggers), heads: Heads::ALL, ..Rulebook::default() }
}

/// Appends an event.
pub fn shop(state: &mut State) {
    let number = state.told;
    if number >= RECORDS_MAX {
        return;
    }
    state.told += 1;
    let user = CUSTOMERS[state.chance.below(state.odds.customers)];
    let name = match state.chance.below(10) {
        0 => "Product Viewed",
        1..=3 => "Payment Failed",
        4..=6 => "Product Added",
        7 | 8 => "Product Reviewed",
        _ => "Order Completed",
    };
    let properties = format!(r#"{{"n":{number},"order_id":"o{number}","product_id":"p"}}"#);
    let body = format!(
        r#"{{"type":"track","event":"{name}","messageId":"m{number}","userId":"{user}","properties":{properties}}}"#
    );
    trace!(state, "events[{}]: {user} {name} {number}", state.partitions[0].log.len());
    let key = CustomerId::user(user).as_str().into();
    state.append_event(PartitionId(0), key, RecordKind::Event, body.into());
}
