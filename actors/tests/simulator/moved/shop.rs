//! The shop of the world of moved instances, and its triggers.

use bytes::Bytes;
use schemas::ids::CustomerId;
use schemas::profile::Heads;
use schemas::record::RecordKind;
use schemas::rulebook::{Cap, CapScope, ContactPolicy, Policy, Rulebook};
use schemas::time::Span;
use schemas::trigger::{Triggers, parse};

use crate::merge::shop::{ANONYMOUS, USERS, append, erase, repeat};
use crate::outbound::{AT_MOST_ONCE, IDEMPOTENT};
use crate::world::State;

/// The event that ends what waits.
pub const EXIT: &str = "Order Completed";
/// Sends when nothing ended it for so long; each event is a key of its own.
pub const WAIT: &str = "wait";
/// The same of a cart, which several events and both rows may have open.
pub const CART: &str = "cart";
/// Sends at once; each event is a key of its own.
pub const AT_ONCE: &str = "at-once";
/// The only cap: so many within so long.
pub const CAP: (usize, Span) = (2, Span::minutes(20));
/// How long a trigger waits.
pub const WAITS: Span = Span::minutes(8);
/// Records that the shop appends in a run.
const RECORDS_MAX: usize = 30;

/// Returns the rulebook of the shop.
pub fn book() -> Rulebook {
    let trigger = |name: &str, entry: &str, channel: &str| {
        let text = format!(
            "apiVersion: care/v1\nkind: Trigger\nmetadata: {{name: {name}}}\nspec:\n{entry}\n  policy: {{category: service, \
             max_age: P1D, max_defer: PT30M}}\n  action: {{channel: {channel}, template: words, facts: [orders.count]}}\n"
        );
        parse(&text).expect("the shop's triggers are in order").trigger
    };
    let waiting = |event: &str, key: &str| {
        format!("  entry: {{event: {event}, key: {key}}}\n  wait: {{for: PT8M}}\n  exit: [{{event: {EXIT}}}]")
    };
    let triggers = [
        trigger(AT_ONCE, "  entry: {event: Payment Failed, key: n}", IDEMPOTENT),
        trigger(WAIT, &waiting("Product Added", "n"), AT_MOST_ONCE),
        trigger(CART, &waiting("Checkout Started", "cart"), IDEMPOTENT),
    ];
    let (max, within) = CAP;
    let caps = vec![Cap { scope: CapScope::Any, within, max: max as u32 }];
    let contact = ContactPolicy { caps, ..ContactPolicy::default() };
    let policy = Policy { contact, ..Policy::default() };
    Rulebook { triggers: Triggers::new(triggers), heads: Heads::ALL, policy, ..Rulebook::default() }
}

/// Appends an event, an event that names an anonymous id beside the user, an erase, or an earlier event again.
pub fn shop(state: &mut State) {
    let number = state.told;
    if number >= RECORDS_MAX {
        return;
    }
    state.told += 1;
    let (repeats, erases) = (state.odds.repeats, state.odds.erases);
    let user = USERS[state.chance.below(USERS.len())];
    let anonymous = ANONYMOUS[state.chance.below(ANONYMOUS.len())];
    if state.chance.percent(repeats) {
        return repeat(state);
    }
    if state.chance.percent(erases) {
        return erase(state, user, anonymous);
    }
    let (customer, ids) = match state.chance.below(10) {
        0 | 1 => (CustomerId::user(user), format!(r#""userId":"{user}""#)),
        2 | 3 => (CustomerId::user(user), format!(r#""userId":"{user}","anonymousId":"{anonymous}""#)),
        _ => (CustomerId::anonymous(anonymous), format!(r#""anonymousId":"{anonymous}""#)),
    };
    let name = match state.chance.below(10) {
        0 => "Product Viewed",
        1..=3 => "Payment Failed",
        4..=6 => "Product Added",
        7 | 8 => "Checkout Started",
        _ => EXIT,
    };
    let cart = state.chance.below(2);
    let properties =
        format!(r#"{{"n":{number},"order_id":"o{number}","product_id":"p","cart_id":"k{cart}"}}"#);
    let body = format!(
        r#"{{"type":"track","event":"{name}","messageId":"m{number}",{ids},"properties":{properties}}}"#
    );
    append(state, customer, RecordKind::Event, Bytes::from(body));
}
