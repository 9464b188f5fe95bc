//! What outreach does to a shopper, by the shopper's own truth.
//!
//! It works where the cart is likely lost but not given up; who buys anyway needs no reminder, and who has no wish left cannot be
//! reminded of it. Who is easily annoyed is put off, the more so the more outreach came before, and forbids it in the end.

use schemas::time::{Span, Timestamp};
use serde_json::json;

use super::cart::{Cart, HORIZON, Round, Stage, Swayed, paces};
use super::chance::{Chance, Purpose};
use super::shopper::{Shopper, Task};
use super::truth::{CartTruth, ShopperTruth, VisitTruth};
use super::visit::Act;
use super::{Policy, Shown, World, write};

/// Largest probability with which outreach makes somebody buy who would not have.
const PERSUADES_MAX: f64 = 0.3;
/// Log-odds of a purchase without outreach at which it works best (3.6 %), and how fast it works less around them.
const WORKS_BEST: f64 = -3.3;
const WORKS_WITHIN: f64 = 1.5;
/// What each outreach felt leaves of the effect of the next one.
const WORN: f64 = 0.7;
/// What is left of the effect on who forbade outreach.
const FORBIDDEN: f64 = 0.2;
/// Days after which an outreach is felt half.
const FELT_DAYS: f64 = 7.0;
/// How likely outreach without a cart brings the most persuadable back within a day.
const BRINGS_BACK: f64 = 0.2;
/// How likely a message is clicked and no more.
const CLICKS: f64 = 0.04;
/// How likely the first message, and each one felt by the most annoyed, makes them forbid it.
const OPTS_OUT: (f64, f64) = (0.003, 0.12);

/// What outreach did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Nothing.
    Ignored,
    /// The shopper will buy the cart, and would not have within a day.
    Persuaded,
    /// The shopper will not buy the cart, and would have within a day.
    PutOff,
    /// There was no cart; the shopper comes back sooner.
    BroughtBack,
}

/// How likely an outreach turns a purchase that would not be, and one that would.
#[derive(Clone, Copy, Debug)]
struct Effect {
    persuades: f64,
    puts_off: f64,
}

impl Shopper {
    /// Takes outreach at `at`, which is not before the shopper's last step.
    pub(super) fn take_outreach(&mut self, at: Timestamp, world: &World) -> Reaction {
        self.now = self.now.max(at);
        let about = self.cart.as_ref().map_or((0, self.contacts), |cart| (cart.number, cart.contacts));
        let mut chance = self.reaction(about, world);
        let (sway, when) = (chance.uniform(), chance.uniform());
        let (clicks, opts_out) = (chance.uniform(), chance.uniform());
        let reaction = match self.cart.take() {
            Some(mut cart) => {
                let reaction = self.sway(&mut cart, (sway, when), world);
                cart.contacts = cart.contacts.saturating_add(1);
                self.cart = Some(cart);
                reaction
            }
            None => self.bring_back((sway, when), world),
        };
        let felt = self.felt(self.now);
        if self.agrees == Some(true) && opts_out < OPTS_OUT.0 + OPTS_OUT.1 * self.nature.annoyance * felt {
            self.agenda.push((self.now + Span::seconds(20 + (when * 600.0) as i64), Task::OptOut));
        }
        if reaction == Reaction::Ignored && clicks < CLICKS && self.visit.is_none() && self.gone_at.is_none()
        {
            self.agenda.push((self.now + Span::minutes(1 + (when * 300.0) as i64), Task::Click));
        }
        self.fatigue = (felt + 1.0, self.now);
        self.contacts = self.contacts.saturating_add(1);
        reaction
    }

    /// Changes the fate of a cart, where the draw says so.
    fn sway(&mut self, cart: &mut Cart, (sway, when): (f64, f64), world: &World) -> Reaction {
        let effect = self.effect(cart, self.now, world);
        let buys = bought_in_time(cart, self.now, world);
        if buys && sway < effect.puts_off {
            cart.swayed = Swayed::PutOff;
            self.agenda.retain(|(_, task)| *task != Task::Return(cart.number));
            return Reaction::PutOff;
        }
        if buys || sway >= effect.persuades {
            return Reaction::Ignored;
        }
        // Whoever is still there comes back after this visit.
        let free = match cart.stage {
            Stage::Filling { decides_at } => cart.paces(decides_at, paces::PAY + paces::RETRY),
            Stage::Checkout { .. } | Stage::Declined { .. } | Stage::Left { .. } => self.now,
            Stage::Returning { .. } => self.now,
        };
        let last = cart.paces(self.now + HORIZON, -(paces::LOOK + paces::PAY + 1));
        let [from, to] = [free + Span::seconds(30), last].map(|at| world.rhythm.reading(at, cart.east_ms));
        // Most of those who are persuaded come soon.
        let back = world.rhythm.instant(from + (to - from) * when * when, cart.east_ms);
        cart.swayed = Swayed::Persuaded(back);
        self.agenda.retain(|(_, task)| *task != Task::Return(cart.number));
        if matches!(cart.stage, Stage::Left { .. }) {
            self.agenda.push((back, Task::Return(cart.number)));
        }
        Reaction::Persuaded
    }

    /// Brings the next visit forward, where the draw says so.
    fn bring_back(&mut self, (sway, when): (f64, f64), world: &World) -> Reaction {
        let works = BRINGS_BACK * self.nature.persuadable * WORN.powf(self.felt(self.now));
        let from = world.rhythm.reading(self.now + Span::minutes(1), self.nature.east_ms);
        let sooner = world.rhythm.instant(from + 23.0 * when * when, self.nature.east_ms);
        let next = self.agenda.iter_mut().find(|(_, task)| *task == Task::Arrive);
        match next {
            Some((at, _)) if sway < works && *at > sooner => {
                *at = sooner;
                Reaction::BroughtBack
            }
            Some(_) | None => Reaction::Ignored,
        }
    }

    /// Returns how an outreach at `now` works on the shopper's cart.
    fn effect(&self, cart: &Cart, now: Timestamp, world: &World) -> Effect {
        match cart.stage {
            // Nobody reads a message while paying.
            Stage::Checkout { .. } | Stage::Declined { .. } => Effect { persuades: 0.0, puts_off: 0.0 },
            Stage::Filling { .. } | Stage::Left { .. } | Stage::Returning { .. } => {
                let felt = self.felt(now);
                let p = cart.bought_within_horizon(now, &world.rhythm).clamp(1e-6, 1.0 - 1e-6);
                let distance = ((p / (1.0 - p)).ln() - WORKS_BEST) / WORKS_WITHIN;
                let allowed = if self.agrees == Some(false) { FORBIDDEN } else { 1.0 };
                let works = (-distance * distance).exp() * WORN.powf(felt) * allowed;
                let annoyed = self.nature.annoyance * self.nature.annoyance;
                Effect {
                    persuades: PERSUADES_MAX * self.nature.persuadable * works,
                    puts_off: (annoyed * (0.25 + 0.3 * felt)).min(0.9),
                }
            }
        }
    }

    /// Returns how much outreach is still felt.
    fn felt(&self, now: Timestamp) -> f64 {
        let (felt, at) = self.fatigue;
        felt * 0.5_f64.powf((now - at).0 as f64 / (FELT_DAYS * 86_400_000.0))
    }

    fn reaction(&self, (cart, contact): (u16, u16), world: &World) -> Chance {
        Chance::of(world.seed, self.number, Purpose::Reaction { cart, contact })
    }

    /// Follows the shop's own policy about a cart that was left.
    pub(super) fn consider(&mut self, number: u16, world: &World) -> Option<Shown> {
        let cart = self.cart.as_ref().filter(|cart| cart.number == number)?;
        if !matches!(cart.stage, Stage::Left { round: Round::First, .. }) || self.agrees != Some(true) {
            return None;
        }
        let propensity = match world.policy {
            Policy::Silent => return None,
            Policy::Random { share } => share,
            Policy::Risky { above, below } => {
                if cart.bought_within_horizon(self.now, &world.rhythm) < super::RISKY { above } else { below }
            }
        };
        let mut body = json!({
            "trigger": "cart-idle", "category": "marketing", "cart_id": write::cart_id(self.number, cart),
        });
        // The draw of the policy is not one of the shopper's life.
        let mut chance = self.reaction((number, u16::MAX), world);
        if chance.happens(propensity) {
            body["channel"] = json!("email");
            body["propensity"] = json!(propensity);
            self.take_outreach(self.now, world);
            Some(self.report(world, "Outreach Sent", body))
        } else {
            body["reason"] = json!("holdout");
            body["propensity"] = json!(1.0 - propensity);
            Some(self.report(world, "Outreach Withheld", body))
        }
    }

    /// Returns the truth about the cart, if there is one.
    pub(super) fn cart_truth(&self, at: Timestamp, world: &World) -> Option<CartTruth> {
        let cart = self.cart.as_ref()?;
        let at = at.max(self.now);
        let p_without = cart.bought_within_horizon(at, &world.rhythm);
        let effect = self.effect(cart, at, world);
        let would_buy = bought_in_time(cart, at, world);
        let sway = self.reaction((cart.number, cart.contacts), world).uniform();
        Some(CartTruth {
            customer: self.key(),
            cart: write::cart_id(self.number, cart),
            at,
            p_without,
            p_with: p_without * (1.0 - effect.puts_off) + (1.0 - p_without) * effect.persuades,
            would_buy,
            would_buy_contacted: if would_buy { sway >= effect.puts_off } else { sway < effect.persuades },
            contacts: cart.contacts,
        })
    }

    /// Returns the truth about the visit under way, if there is one.
    pub(super) fn visit_truth(&self, at: Timestamp) -> Option<VisitTruth> {
        let visit = self.visit.as_ref()?;
        let at = at.max(self.now);
        let p_order = match (&visit.planned, &self.cart) {
            (Some(planned), None) => {
                let fills = visit.steps.first().is_some_and(|(_, act)| *act == Act::Decide);
                let opens = if at < visit.opens_by { visit.opens } else { f64::from(u8::from(fills)) };
                opens * planned.bought_on_visit()
            }
            (_, Some(cart)) => cart.bought_on_visit(),
            (None, None) => 0.0,
        };
        Some(VisitTruth { customer: self.key(), visit: self.visits, at, p_order })
    }

    /// Returns the truth about the shopper at `now`.
    pub(super) fn truth(&self, now: Timestamp) -> ShopperTruth {
        let nature = &self.nature;
        ShopperTruth {
            customer: self.key(),
            came_at: self.came_at,
            gone_at: self.gone_at.filter(|at| *at <= now),
            leaving_per_day: nature.leaving_per_day,
            visits_per_day: nature.visits_per_day,
            loyalty: nature.loyalty,
            price_sensitivity: nature.price_sensitivity,
            patience: nature.patience,
            annoyance: nature.annoyance,
            persuadable: nature.persuadable,
            orders: self.orders,
            contacts: self.contacts,
            agrees: self.agrees,
        }
    }
}

fn bought_in_time(cart: &Cart, now: Timestamp, world: &World) -> bool {
    cart.order_at(&world.rhythm).is_some_and(|at| at <= now + HORIZON)
}
