//! Which heads an event is reason enough to ask again.
//!
//! Nearly every event moves some feature of some head by a little; a question costs more than the fold of an event. So a head is asked
//! when what it predicts has become likelier or less likely: by what is done to a cart, by an order and what becomes of it, by what
//! service hears. What adds up slowly is seen by the head's schedule, and a trigger that is to decide asks afresh.
//!
//! - Browsing moves purchase intent whenever the session has grown to twice as many events as when it was last asked: the second
//!   product viewed says much, the forty-first little. The first event of a session is one of these.
//! - Browsing does not move the cart: that the shopper is still there starts the cart's schedule anew.
//! - An order told line by line moves what it moves with its first line; the rest is seen by the schedule.
//! - A visit does not move churn, nor does its end: the daily look sees both.

use super::{Folded, Heads, Profile, SessionChange};
use crate::event::Event;
use crate::score::Head;

impl Profile {
    /// Returns the heads that an event moved which was just folded.
    pub(super) fn moved(&self, event: &Event, folded: &Folded) -> Heads {
        let browsed = match folded.session {
            SessionChange::Started | SessionChange::Continued if self.session_has_doubled() => {
                Heads::of(&[Head::PurchaseIntent])
            }
            SessionChange::Started | SessionChange::Continued | SessionChange::Untouched => Heads::NONE,
        };
        by_name(event, folded).union(browsed)
    }

    fn session_has_doubled(&self) -> bool {
        self.sessions.open().is_some_and(|session| session.events.is_power_of_two())
    }
}

fn by_name(event: &Event, folded: &Folded) -> Heads {
    match event.name.as_str() {
        "Product Added"
        | "Wishlist Product Added to Cart"
        | "Product Removed"
        | "Cart Cleared"
        | "Cart Viewed"
        | "Checkout Started"
        | "Checkout Step Completed"
        | "Payment Info Entered"
        | "Coupon Applied"
        | "Coupon Denied" => Heads::VISIT,
        "Payment Failed" => Heads::VISIT.union(Heads::of(&[Head::Complaint])),
        "Order Completed" => Heads::ALL,
        "Order Item Added" if folded.opens_order => Heads::ALL,
        "Order Cancelled" | "Order Refunded" | "Return Requested" | "Delivery Late" => Heads::RELATION,
        "Case Opened" | "Case Closed" | "Product Reviewed" => Heads::of(&[Head::Churn, Head::Complaint]),
        _ => Heads::NONE,
    }
}
