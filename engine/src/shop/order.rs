//! What follows an order: cancelled, shipped, late, delivered, reviewed, sent back.

use schemas::time::{Span, Timestamp};

use super::catalogue::PRODUCTS;
use super::chance::Chance;
use super::phrases::Situation;

/// An order on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Number of the cart that it was.
    pub number: u16,
    /// Units: euro cents.
    pub value: u32,
    /// Its first product.
    pub product: u8,
    /// Whether it misses its day.
    pub late: bool,
    /// Whether the shopper opens a case about it.
    pub case: bool,
}

/// What happens to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is called off.
    Cancelled,
    /// It leaves the shop.
    Shipped,
    /// Its day passes without it.
    Late,
    /// The shopper opens a case about that.
    CaseOpened,
    /// It arrives.
    Delivered,
    /// The case is closed.
    CaseClosed,
    /// It is reviewed.
    Reviewed,
    /// It is asked to be taken back.
    ReturnRequested,
    /// The money is given back.
    Refunded,
    /// The shopper writes.
    Writes(Situation),
}

/// Of how many orders this happens; `ops/docs/shop.md` says where the figures come from.
mod rates {
    pub const CANCELLED: f64 = 0.035;
    pub const LATE: f64 = 0.09;
    pub const CASE_IF_LATE: f64 = 0.25;
    pub const WRITES_IF_LATE: f64 = 0.35;
    pub const REVIEWED: f64 = 0.10;
    pub const WRITES_ON_RETURN: f64 = 0.25;
}

/// Draws what becomes of an order placed at `at`: the turns with their instants.
///
/// Hours are real ones: carriers keep their own rhythm.
pub fn fate(order: &mut Order, at: Timestamp, chance: &mut Chance) -> Vec<(Timestamp, Turn)> {
    if chance.happens(rates::CANCELLED) {
        return vec![(after(at, chance.between(0.2, 8.0)), Turn::Cancelled)];
    }
    let shipped = after(at, chance.between(4.0, 36.0));
    let mut delivered = after(shipped, chance.between(20.0, 90.0));
    let mut turns = vec![(shipped, Turn::Shipped)];
    order.late = chance.happens(rates::LATE);
    if order.late {
        let promised = after(shipped, 96.0);
        delivered = after(promised, chance.between(12.0, 96.0));
        turns.push((promised, Turn::Late));
        order.case = chance.happens(rates::CASE_IF_LATE);
        if order.case {
            turns.push((after(promised, chance.between(1.0, 8.0)), Turn::CaseOpened));
            turns.push((after(delivered, chance.between(0.1, 2.0)), Turn::CaseClosed));
        }
        if chance.happens(rates::WRITES_IF_LATE) {
            turns.push((after(promised, chance.between(0.5, 8.0)), Turn::Writes(Situation::Late)));
        }
    }
    turns.push((delivered, Turn::Delivered));
    if chance.happens(rates::REVIEWED) {
        turns.push((after(delivered, chance.between(10.0, 150.0)), Turn::Reviewed));
    }
    let returned = PRODUCTS[usize::from(order.product)].category.returned();
    if chance.happens(returned + if order.late { 0.06 } else { 0.0 }) {
        let asked = after(delivered, chance.between(6.0, 200.0));
        turns.push((asked, Turn::ReturnRequested));
        turns.push((after(asked, chance.between(60.0, 200.0)), Turn::Refunded));
        if chance.happens(rates::WRITES_ON_RETURN) {
            turns.push((after(asked, chance.between(0.1, 1.0)), Turn::Writes(Situation::Return)));
        }
    }
    turns
}

/// Draws the stars of a review.
pub fn stars(order: &Order, mood: f64, chance: &mut Chance) -> u8 {
    let raw = 4.4 + 0.3 * mood + 0.9 * chance.normal() - if order.late { 1.2 } else { 0.0 };
    raw.round().clamp(1.0, 5.0) as u8
}

/// Returns in what spirit a review of so many stars is written.
pub fn spirit(stars: u8) -> Situation {
    match stars {
        0..=2 => Situation::Complaint,
        3 => Situation::Middling,
        4.. => Situation::Praise,
    }
}

fn after(at: Timestamp, hours: f64) -> Timestamp {
    at + Span((hours * 3_600_000.0) as i64)
}
