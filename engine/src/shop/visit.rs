//! The plan of a visit: what is looked at and when, and whether a cart is filled. Behaviour shows the shopper's wish, dimly.

use schemas::time::{Span, Timestamp};

use super::cart::{Cart, Fate, Line, Odds, Stage, Swayed, paces};
use super::catalogue::{Category, PRODUCTS};
use super::chance::{Chance, logistic};
use super::nature::Nature;
use super::write;

/// A step that shows in an event, or decides what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The first page.
    Home,
    /// A category.
    List(Category),
    /// A search that means this product.
    Search(u8),
    /// A product.
    View(u8),
    /// A question about a product.
    Ask(u8),
    /// The cart is opened, and this comes into it.
    Open(Line),
    /// This comes into the cart.
    Add(Line),
    /// This leaves the cart.
    Remove(Line),
    /// The cart is looked at.
    Cart,
    /// The link of a message is followed.
    Click,
    /// The shopper says who this is.
    Identify,
    /// The shopper answers whether to be written to.
    Consent,
    /// The visit is over, or the checkout begins.
    Decide,
    /// The checkout begins.
    Checkout,
    /// The address is given.
    Address,
    /// The checkout is given up.
    Drop,
    /// Payment data is given.
    Payment,
    /// The payment is answered.
    Answer,
    /// Another card is answered.
    Retry,
}

/// A visit under way.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Steps to come, the next one last.
    pub steps: Vec<(Timestamp, Act)>,
    /// The cart that may be filled, until it is.
    pub planned: Option<Cart>,
    /// Probability that it is.
    pub opens: f64,
    /// When it shows whether it is.
    pub opens_by: Timestamp,
}

/// What a plan is made from.
#[derive(Debug)]
pub struct Basis<'a> {
    /// Who comes.
    pub nature: &'a Nature,
    /// How past orders went, about [-2, 1].
    pub mood: f64,
    /// When.
    pub at: Timestamp,
    /// Number that a cart would have.
    pub cart: u16,
}

/// Writes steps one after the other.
struct Pen<'a> {
    chance: &'a mut Chance,
    at: Timestamp,
    steps: Vec<(Timestamp, Act)>,
}

impl Pen<'_> {
    /// Adds a step, and the time that the shopper spends on it: a median of 30 s, never as long as a session's idle time.
    fn step(&mut self, act: Act) {
        self.steps.push((self.at, act));
        let spent = (30.0 * (0.9 * self.chance.normal()).exp()).clamp(2.0, 900.0);
        self.at = self.at + Span((spent * 1_000.0) as i64);
    }
}

impl Visit {
    /// Plans a visit.
    pub fn plan(basis: &Basis<'_>, chance: &mut Chance) -> Self {
        let nature = basis.nature;
        let keenness = 0.6 * nature.loyalty + 0.4 * basis.mood + chance.normal();
        let lines = basket(chance);
        let dear = (f64::from(write::value(&lines)) / 6_000.0).ln();
        let wish = 0.65 * keenness - 0.9 * nature.price_sensitivity * (dear - 0.3) + 0.55 * chance.normal();
        let cart = Cart {
            number: basis.cart,
            stage: Stage::Filling { decides_at: basis.at },
            odds: Odds::of(wish, nature),
            fate: Fate::draw(chance),
            swayed: Swayed::No,
            contacts: 0,
            pace_ms: nature.pace_ms,
            east_ms: nature.east_ms,
            lines,
        };
        let opens = logistic(-3.05 + 0.9 * keenness);
        let fills = chance.happens(opens);
        let mut pen = Pen { chance, at: basis.at, steps: Vec::new() };
        browse(&mut pen, keenness, &cart);
        let opens_by = pen.at;
        if fills {
            fill(&mut pen, wish, &cart);
            let at = pen.at;
            pen.steps.push((at, Act::Decide));
        }
        let Pen { at: decides_at, mut steps, .. } = pen;
        steps.reverse();
        let planned = Some(Cart { stage: Stage::Filling { decides_at }, ..cart });
        Self { steps, planned, opens, opens_by }
    }

    /// Plans a visit to a cart that was left.
    pub fn back(cart: &Cart, at: Timestamp, chance: &mut Chance) -> Self {
        let mut steps = vec![(cart.paces(at, paces::LOOK), Act::Decide)];
        if chance.happens(0.5) {
            steps.push((cart.paces(at, 2), Act::View(cart.lines[0].0)));
        }
        steps.push((cart.paces(at, 1), Act::Cart));
        let clicked = matches!(cart.swayed, Swayed::Persuaded(_));
        steps.push((at, if clicked { Act::Click } else { Act::Home }));
        Self { steps, planned: None, opens: 0.0, opens_by: at }
    }
}

/// Draws what a shopper has an eye on: most often one line.
fn basket(chance: &mut Chance) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for _ in 0..1 + chance.steps(0.7).min(4) {
        let place = chance.place(PRODUCTS.len()) as u8;
        if lines.iter().all(|(other, _)| *other != place) {
            lines.push((place, 1 + u8::from(chance.happens(0.15))));
        }
    }
    lines
}

/// The part before the cart: keen shoppers look longer, search more and turn to products.
fn browse(pen: &mut Pen<'_>, keenness: f64, cart: &Cart) {
    let wanted = cart.lines[0].0;
    let spread = 0.75 * pen.chance.normal();
    let steps = pen.chance.steps(2.7 * (0.3 * keenness + spread - 0.3).exp());
    let category = PRODUCTS[usize::from(wanted)].category;
    let first = if pen.chance.happens(0.55) { Act::Home } else { Act::List(category) };
    pen.step(first);
    for _ in 0..steps {
        let kind = pen.chance.uniform();
        let other = pen.chance.place(PRODUCTS.len()) as u8;
        let searches = 0.06 + 0.10 * logistic(keenness);
        let act = if kind < searches {
            Act::Search(wanted)
        } else if kind < searches + 0.25 {
            Act::List(if pen.chance.happens(0.6) { category } else { *pen.chance.pick(&Category::ALL) })
        } else if pen.chance.happens(0.25 + 0.35 * logistic(keenness)) {
            Act::View(wanted)
        } else {
            Act::View(other)
        };
        pen.step(act);
    }
    if pen.chance.happens(0.02) {
        pen.step(Act::Ask(wanted));
    }
}

/// The part with the cart: who hesitates compares and removes, who is sure adds and looks at the cart.
fn fill(pen: &mut Pen<'_>, wish: f64, cart: &Cart) {
    let sure = logistic(1.2 * wish);
    pen.step(Act::View(cart.lines[0].0));
    pen.step(Act::Open(cart.lines[0]));
    for line in &cart.lines[1..] {
        if pen.chance.happens(0.7) {
            pen.step(Act::View(line.0));
        }
        pen.step(Act::Add(*line));
    }
    for _ in 0..pen.chance.steps(0.3 + 1.6 * (1.0 - sure)) {
        let other = pen.chance.place(PRODUCTS.len()) as u8;
        pen.step(Act::View(other));
        if pen.chance.happens(0.10 + 0.25 * (1.0 - sure)) && cart.lines.iter().all(|line| line.0 != other) {
            pen.step(Act::Add((other, 1)));
            pen.step(Act::Remove((other, 1)));
        }
    }
    if pen.chance.happens(0.15 + 0.6 * sure) {
        pen.step(Act::Cart);
    }
}
