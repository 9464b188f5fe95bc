//! One shopper: what is due next, and what it does. Every step shows in at most one event, so that the shop stays in order of time.

use schemas::time::{Span, Timestamp};
use serde_json::{Value, json};

use super::cart::{BREAK, Cart, KEPT, Line, Reason, Round, Stage, Swayed, paces};
use super::catalogue::PRODUCTS;
use super::chance::{Chance, Purpose};
use super::nature::Nature;
use super::order::{self, Order, Turn};
use super::phrases::Situation;
use super::visit::{Act, Basis, Visit};
use super::write::{self, Who};
use super::{Policy, World};

/// Silences after which the engine asks anew for the score of an open cart.
pub const SILENCES: [Span; 3] = [Span::minutes(5), Span::minutes(15), Span::minutes(30)];

/// How many have an account when they first come.
const HAS_ACCOUNT: f64 = 0.35;
/// How many of those who have one sign in on a visit.
const SIGNS_IN: f64 = 0.85;
/// How many are customers on the first day; the others come to know the shop one by one.
const FROM_THE_FIRST_DAY: f64 = 0.6;
/// How many write to the shop when a payment was refused and they gave up.
const WRITES_IF_DECLINED: f64 = 0.2;
/// How likely trouble makes somebody without patience leave for good.
const LEAVES_IN_ANGER: f64 = 0.2;

/// What is due at some instant, beside the steps of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// The shopper comes.
    Arrive,
    /// The shopper comes back to the cart of this number.
    Return(u16),
    /// The cart of this number has been silent for one of [`SILENCES`].
    Silence(u16),
    /// The shop's policy looks at the cart of this number.
    Consider(u16),
    /// The cart of this number is given up.
    Lapse(u16),
    /// Something happens to an order.
    Turn(Order, Turn),
    /// The shopper writes about this product.
    Write(Situation, u8),
    /// The shopper follows the link of a message, and no more.
    Click,
    /// The shopper forbids to be written to.
    OptOut,
}

/// What shows of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// An event.
    Event {
        /// Its name, as canonical as can be; that of the call for a page or identify.
        name: &'static str,
        /// The Segment JSON line.
        line: String,
    },
    /// An open cart was silent for long enough that its risk is asked for anew.
    Silence,
}

/// A shopper.
#[derive(Clone, Debug)]
pub struct Shopper {
    pub(super) number: u32,
    pub(super) nature: Nature,
    pub(super) chance: Chance,
    /// Instant of the last step.
    pub(super) now: Timestamp,
    /// Instant of the last thing that the shopper did.
    pub(super) active: Timestamp,
    pub(super) came_at: Option<Timestamp>,
    /// End of the stay, as it is drawn; nothing ends in the middle of a cart.
    pub(super) leaves_at: Timestamp,
    pub(super) gone_at: Option<Timestamp>,
    /// The shop knows who this is.
    pub(super) identified: bool,
    signed_in: bool,
    /// What the shop was told about being written to.
    pub(super) agrees: Option<bool>,
    /// How past orders went.
    pub(super) mood: f64,
    pub(super) orders: u16,
    pub(super) visits: u32,
    pub(super) carts: u16,
    sent: u32,
    pub(super) contacts: u16,
    /// Outreach felt: one more for each, halved in a week.
    pub(super) fatigue: (f64, Timestamp),
    pub(super) cart: Option<Box<Cart>>,
    pub(super) visit: Option<Box<Visit>>,
    pub(super) agenda: Vec<(Timestamp, Task)>,
}

impl Shopper {
    /// Returns a shopper before the first visit.
    pub fn new(number: u32, world: &World) -> Self {
        let mut chance = Chance::of(world.seed, number, Purpose::Life);
        let nature = Nature::draw(&mut chance);
        let identified = chance.happens(HAS_ACCOUNT);
        let span = (world.ends - world.starts).0 as f64;
        let joins = if chance.happens(FROM_THE_FIRST_DAY) { 0.0 } else { chance.uniform() };
        let joins = world.starts + Span((joins * span) as i64);
        let stay_days = chance.waiting(1.0 / nature.leaving_per_day);
        let first = world.rhythm.after(joins, chance.waiting(24.0 / nature.visits_per_day), nature.east_ms);
        Self {
            number,
            nature,
            chance,
            now: world.starts,
            active: world.starts,
            came_at: None,
            leaves_at: first + Span((stay_days * 86_400_000.0) as i64),
            gone_at: None,
            identified,
            signed_in: identified,
            agrees: None,
            mood: 0.0,
            orders: 0,
            visits: 0,
            carts: 0,
            sent: 0,
            contacts: 0,
            fatigue: (0.0, world.starts),
            cart: None,
            visit: None,
            agenda: vec![(first, Task::Arrive)],
        }
    }

    /// Returns the shopper's key in the log: a merge has moved what was anonymous.
    pub fn key(&self) -> String {
        if self.identified {
            Who::user(self.number)
        } else {
            format!("{}{}", schemas::ids::ANONYMOUS_PREFIX, Who::visitor(self.number))
        }
    }

    /// Returns when something is due.
    pub fn due(&self) -> Option<Timestamp> {
        let step = self.visit.as_ref().and_then(|visit| visit.steps.last()).map(|(at, _)| *at);
        self.agenda.iter().map(|(at, _)| *at).chain(step).min()
    }

    /// Does what is due, and returns what shows of it.
    pub fn step(&mut self, world: &World) -> Option<Shown> {
        let due = self.due()?;
        self.now = self.now.max(due);
        if let Some(visit) = &mut self.visit
            && let Some((_, act)) = visit.steps.pop_if(|(at, _)| *at <= due)
        {
            let shown = self.act(act, world);
            self.end_visit_without_cart(world);
            return shown;
        }
        let place = self.agenda.iter().position(|(at, _)| *at <= due)?;
        let (_, task) = self.agenda.swap_remove(place);
        self.perform(task, world)
    }

    fn perform(&mut self, task: Task, world: &World) -> Option<Shown> {
        match task {
            Task::Arrive => self.arrive(),
            Task::Return(number) => self.come_back(number),
            Task::Silence(number) => return self.is_left(number).then_some(Shown::Silence),
            Task::Consider(number) => return self.consider(number, world),
            Task::Lapse(number) => self.give_up(number, world),
            Task::Turn(order, turn) => return self.turn(order, turn, world),
            Task::Write(situation, product) => return self.write(situation, product, world),
            Task::Click => return Some(self.track(world, "Message Clicked", json!({"channel": "email"}))),
            Task::OptOut => {
                self.agrees = Some(false);
                return Some(self.consent(world));
            }
        }
        None
    }

    // Visits.

    fn arrive(&mut self) {
        let at = self.now;
        self.visits += 1;
        self.came_at.get_or_insert(at);
        self.signed_in = self.identified && (self.visits == 1 || self.chance.happens(SIGNS_IN));
        let basis = Basis {
            nature: &self.nature,
            mood: self.mood,
            at: at + Span::seconds(2),
            cart: self.carts.saturating_add(1),
        };
        let mut visit = Visit::plan(&basis, &mut self.chance);
        if self.identified && self.visits == 1 {
            visit.steps.push((at + Span::seconds(1), Act::Consent));
            visit.steps.push((at, Act::Identify));
        }
        self.visit = Some(Box::new(visit));
    }

    fn come_back(&mut self, number: u16) {
        if !self.is_left(number) {
            return;
        }
        self.visits += 1;
        self.signed_in = self.identified && (self.signed_in || self.chance.happens(SIGNS_IN));
        let Some(cart) = &mut self.cart else { return };
        let visit = Visit::back(cart, self.now, &mut self.chance);
        cart.stage = Stage::Returning { decides_at: cart.paces(self.now, paces::LOOK) };
        self.visit = Some(Box::new(visit));
    }

    /// Ends a visit that has no step left and no cart to decide about.
    fn end_visit_without_cart(&mut self, world: &World) {
        if self.cart.is_none() && self.visit.as_ref().is_some_and(|visit| visit.steps.is_empty()) {
            self.visit = None;
            self.plan_next(world);
        }
    }

    /// Plans the next visit, unless the stay is over by then.
    fn plan_next(&mut self, world: &World) {
        let pause = self.chance.waiting(24.0 / self.nature.visits_per_day);
        let next = world.rhythm.after(self.now + BREAK, pause, self.nature.east_ms);
        if next >= self.leaves_at {
            self.gone_at = Some(self.leaves_at.max(self.now));
        } else {
            self.agenda.push((next, Task::Arrive));
        }
    }

    fn is_left(&self, number: u16) -> bool {
        self.cart
            .as_ref()
            .is_some_and(|cart| cart.number == number && matches!(cart.stage, Stage::Left { .. }))
    }

    fn give_up(&mut self, number: u16, world: &World) {
        let promised = self
            .cart
            .as_ref()
            .is_some_and(|cart| matches!(cart.swayed, Swayed::Persuaded(at) if at >= self.now));
        if self.is_left(number) && !promised {
            self.cart = None;
            self.plan_next(world);
        }
    }

    /// Leaves the cart, and plans what may become of it.
    fn leave(&mut self, reason: Reason, round: Round, world: &World) {
        self.visit = None;
        let since = self.now;
        let Some(cart) = &mut self.cart else { return };
        cart.stage = Stage::Left { since, reason, round };
        let number = cart.number;
        if let Some(at) = cart.returns_at(since, reason, &world.rhythm).filter(|_| round == Round::First) {
            self.agenda.push((at, Task::Return(number)));
        }
        if round == Round::First {
            let silent = |span: &Span| (self.active + *span).max(since);
            self.agenda.extend(SILENCES.iter().map(|span| (silent(span), Task::Silence(number))));
            if !matches!(world.policy, Policy::Silent) {
                self.agenda.push((silent(&SILENCES[2]), Task::Consider(number)));
            }
        }
        self.agenda.push((since + KEPT, Task::Lapse(number)));
    }

    // Steps.

    fn act(&mut self, act: Act, world: &World) -> Option<Shown> {
        let language = self.nature.language;
        Some(match act {
            Act::Home => self.show("page", |who, at| who.page(at), world),
            Act::List(category) => self.track(
                world,
                "Product List Viewed",
                json!({"list_id": category.as_str(), "category": category.as_str()}),
            ),
            Act::Search(place) => {
                let query = write::name(&PRODUCTS[usize::from(place)], language);
                self.track(world, "Products Searched", json!({"query": query}))
            }
            Act::View(place) => self.track(world, "Product Viewed", write::product((place, 1), language)),
            Act::Ask(place) => return self.write(Situation::Product, place, world),
            Act::Open(line) => {
                let planned = self.visit.as_mut().and_then(|visit| visit.planned.take())?;
                self.carts = planned.number;
                self.cart = Some(Box::new(planned));
                self.track_line(world, "Product Added", line)
            }
            Act::Add(line) => self.track_line(world, "Product Added", line),
            Act::Remove(line) => self.track_line(world, "Product Removed", line),
            Act::Cart => self.track_cart(world, "Cart Viewed", |_, _| {}),
            Act::Click => self.track(world, "Message Clicked", json!({"channel": "email"})),
            Act::Identify => self.identify(world),
            Act::Consent => {
                self.agrees = self.nature.agrees;
                self.agrees?;
                self.consent(world)
            }
            Act::Decide => return self.decide(world),
            Act::Checkout => self.track_cart(world, "Checkout Started", priced("value")),
            Act::Address => {
                self.track_cart(world, "Checkout Step Completed", |body, _| body["step"] = json!(1))
            }
            Act::Payment => self.track_cart(world, "Payment Info Entered", |body, _| {
                body["payment_method"] = json!("card");
            }),
            Act::Drop => {
                let round = self.cart.as_ref()?.round();
                self.leave(Reason::Dropped, round, world);
                return None;
            }
            Act::Answer => self.answer(world)?,
            Act::Retry => self.buy(world)?,
        })
    }

    /// Decides at the end of a visit to a cart: begins the checkout, or leaves.
    fn decide(&mut self, world: &World) -> Option<Shown> {
        let cart = self.cart.as_mut()?;
        let (round, began) = (cart.round(), self.now);
        if !cart.attempts(round) {
            self.leave(Reason::Undecided, round, world);
            return None;
        }
        cart.stage = Stage::Checkout { began, round };
        let mut steps = vec![(cart.paces(began, 1), Act::Address)];
        let paid = cart.paces(began, paces::PAY);
        if cart.drops(round) {
            steps.push((cart.dropped_at(began), Act::Drop));
        } else {
            steps.extend([(cart.paces(began, 2), Act::Payment), (paid, Act::Answer)]);
            if cart.fails(round) && cart.retries(round) {
                steps.extend([
                    (cart.paces(paid, 1), Act::Payment),
                    (cart.paces(paid, paces::RETRY), Act::Retry),
                ]);
            }
        }
        steps.reverse();
        let first_time = !self.identified;
        let visit = self.visit.as_mut()?;
        visit.steps = steps;
        if self.signed_in {
            return self.act(Act::Checkout, world);
        }
        visit.steps.push((began + Span::seconds(2), Act::Checkout));
        if first_time {
            visit.steps.push((began + Span::seconds(1), Act::Consent));
        }
        Some(self.identify(world))
    }

    /// Answers a payment.
    fn answer(&mut self, world: &World) -> Option<Shown> {
        let cart = self.cart.as_mut()?;
        let round = cart.round();
        if !cart.fails(round) {
            return self.buy(world);
        }
        cart.stage = Stage::Declined { at: self.now, round };
        let (retries, product) = (cart.retries(round), cart.lines[0].0);
        self.mood = (self.mood - 0.3).max(-2.0);
        let shown = self.track_cart(world, "Payment Failed", |body, value| {
            body["value"] = json!(value);
            body["reason"] = json!("card_declined");
        });
        if !retries {
            self.leave(Reason::Declined, round, world);
            if self.chance.happens(WRITES_IF_DECLINED) {
                let at = self.now + Span::seconds(self.chance.between(40.0, 400.0) as i64);
                self.agenda.push((at, Task::Write(Situation::Payment, product)));
            }
        }
        Some(shown)
    }

    /// Buys the cart.
    fn buy(&mut self, world: &World) -> Option<Shown> {
        let shown = self.track_cart(world, "Order Completed", priced("total"));
        let cart = self.cart.take()?;
        self.visit = None;
        self.orders = self.orders.saturating_add(1);
        let value = write::value(&cart.lines);
        let mut order =
            Order { number: cart.number, value, product: cart.lines[0].0, late: false, case: false };
        let turns = order::fate(&mut order, self.now, &mut self.chance);
        self.agenda.extend(turns.into_iter().map(|(at, turn)| (at, Task::Turn(order, turn))));
        self.plan_next(world);
        Some(shown)
    }

    // What happens to an order.

    fn turn(&mut self, order: Order, turn: Turn, world: &World) -> Option<Shown> {
        let mut body = json!({"order_id": write::order_id(self.number, order.number)});
        let money = |body: &mut Value| {
            body["total"] = json!(write::units(order.value));
            body["currency"] = json!(write::CURRENCY);
        };
        let case = format!("case-{}-{}", self.number, order.number);
        let name = match turn {
            Turn::Shipped => {
                body["carrier"] = json!("Swift Parcel");
                "Order Shipped"
            }
            Turn::Late => {
                self.suffer();
                "Delivery Late"
            }
            Turn::Delivered => {
                self.mood = (self.mood + 0.1).min(1.0);
                "Order Delivered"
            }
            Turn::Cancelled => {
                money(&mut body);
                "Order Cancelled"
            }
            Turn::Refunded => {
                money(&mut body);
                "Order Refunded"
            }
            Turn::ReturnRequested => {
                body["reason"] = json!(if order.late { "arrived_late" } else { "not_as_expected" });
                "Return Requested"
            }
            Turn::CaseOpened => {
                body["case_id"] = json!(case);
                "Case Opened"
            }
            Turn::CaseClosed => {
                body = json!({"case_id": case});
                "Case Closed"
            }
            Turn::Reviewed => return self.review(order, world),
            Turn::Writes(situation) => return self.write(situation, order.product, world),
        };
        let shopper_does = matches!(turn, Turn::ReturnRequested);
        Some(if shopper_does { self.track(world, name, body) } else { self.report(world, name, body) })
    }

    /// Bears trouble: the mood falls, and some leave for good.
    fn suffer(&mut self) {
        let impatience = 1.0 - self.nature.patience;
        self.mood = (self.mood - 0.3 - 0.8 * impatience).max(-2.0);
        if self.chance.happens(LEAVES_IN_ANGER * impatience) {
            self.leaves_at = self.leaves_at.min(self.now);
        }
    }

    fn review(&mut self, order: Order, world: &World) -> Option<Shown> {
        let stars = order::stars(&order, self.mood, &mut self.chance);
        let pick = self.chance.place(1 << 16);
        if self.gone_at.is_some() {
            return None;
        }
        let text = write::text(order::spirit(stars), pick, (order.product, self.nature.language));
        let product = PRODUCTS[usize::from(order.product)].id;
        let body = json!({"product_id": product, "rating": stars, "review_body": text});
        Some(self.track(world, "Product Reviewed", body))
    }

    fn write(&mut self, situation: Situation, product: u8, world: &World) -> Option<Shown> {
        let pick = self.chance.place(1 << 16);
        if self.gone_at.is_some() {
            return None;
        }
        let text = write::text(situation, pick, (product, self.nature.language));
        Some(self.track(world, super::MESSAGE, json!({"channel": "chat", "text": text})))
    }

    // Events.

    fn identify(&mut self, world: &World) -> Shown {
        self.identified = true;
        self.signed_in = true;
        self.show("identify", |who, at| who.identify(at), world)
    }

    fn consent(&mut self, world: &World) -> Shown {
        let name = if self.agrees == Some(true) { "Consent Granted" } else { "Consent Denied" };
        self.report(world, name, json!({"purpose": "marketing"}))
    }

    fn track_line(&mut self, world: &World, name: &'static str, line: Line) -> Shown {
        let mut body = write::product(line, self.nature.language);
        if let Some(cart) = &self.cart {
            body["cart_id"] = json!(write::cart_id(self.number, cart));
        }
        self.track(world, name, body)
    }

    /// Tracks an event about the whole cart; `fill` adds to its properties, given the cart's value.
    fn track_cart(&mut self, world: &World, name: &'static str, fill: impl FnOnce(&mut Value, f64)) -> Shown {
        let mut body = json!({});
        if let Some(cart) = &self.cart {
            body = json!({
                "cart_id": write::cart_id(self.number, cart),
                "products": write::lines(&cart.lines),
                "currency": write::CURRENCY,
            });
            if name != "Cart Viewed" {
                body["order_id"] = json!(write::order_id(self.number, cart.number));
            }
            fill(&mut body, write::units(write::value(&cart.lines)));
        }
        self.track(world, name, body)
    }

    /// Writes down what the shopper does.
    fn track(&mut self, world: &World, name: &'static str, body: Value) -> Shown {
        self.show(name, |who, at| who.track(at, name, body), world)
    }

    /// Writes down what the back office reports, or what a form says: no activity.
    pub(super) fn report(&mut self, world: &World, name: &'static str, body: Value) -> Shown {
        let active = self.active;
        let shown = self.track(world, name, body);
        self.active = active;
        shown
    }

    fn show(
        &mut self,
        name: &'static str,
        line: impl FnOnce(&Who<'_>, Timestamp) -> String,
        world: &World,
    ) -> Shown {
        self.sent += 1;
        self.active = self.now;
        let in_visit = self.visit.is_some() || self.cart.is_some();
        let who = Who {
            number: self.number,
            nature: &self.nature,
            // What the back office reports is about the account, where there is one.
            signed_in: self.signed_in || (self.identified && !in_visit),
            sent: self.sent,
            seed: world.seed,
        };
        Shown::Event { name, line: line(&who, self.now) }
    }
}

/// Returns what adds the cart's value to an event's properties under this name.
fn priced(name: &'static str) -> impl FnOnce(&mut Value, f64) {
    move |body, value| body[name] = json!(value)
}
