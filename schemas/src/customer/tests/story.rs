//! Random stories: bytes become what a shop, a dispatcher and other rows tell one customer's row.

use smol_str::{SmolStr, format_smolstr};

use crate::customer::identity::{Forward, Message, Relay};
use crate::customer::{Customer, Outgoing};
use crate::decision::{Category, Outcome, OutcomeStatus, Reason};
use crate::ids::{CustomerId, Position};
use crate::profile::tests::shop::track;
use crate::profile::{Heads, field};
use crate::record::{Command, Input, Record, Sender};
use crate::rulebook::{Cap, CapScope, ContactPolicy, Policy, Rulebook};
use crate::score::Head;
use crate::time::{Span, Timestamp};
use crate::trigger::Triggers;
use crate::trigger::machine::tests::{cart_idle, pattern, trigger};
use crate::trigger::spec::*;
use crate::value::Value;

/// Triggers of every kind that read no score.
fn plain_triggers() -> Vec<Trigger> {
    let views =
        |compare| Condition::Count { event: "Product Viewed".into(), within: Span::minutes(60), compare };
    let profile =
        |path, compare| Condition::Profile { field: field::lookup(path).expect("a field"), compare };
    let mut cart = cart_idle();
    cart.reentry = Reentry { mode: ReentryMode::Cooldown(Span::hours(2)), max: Some(3) };
    cart.when = Condition::Not(Box::new(profile("cart.value", Compare::Lt(15.0))));
    cart.goal = Some(Goal { event: pattern("Signed Up"), within: Span::minutes(20) });
    let mut hurried = trigger("hurried");
    hurried.entry = Entry::Becomes(views(Compare::Gte(2.0)));
    hurried.policy.quiet_hours = Some(QuietHours { start_min: 21 * 60, end_min: 8 * 60 });
    hurried.policy.max_defer = Span::hours(8);
    let mut gone = trigger("gone");
    gone.entry = Entry::Ceases(views(Compare::Gte(2.0)));
    gone.policy.category = Category::Marketing;
    let mut silent = trigger("silent");
    silent.entry = Entry::Becomes(profile("seen.days_since_last", Compare::Gte(3.0)));
    silent.policy.on_cap = OnCap::Drop;
    let mut order = trigger("order");
    order.entry = Entry::Event(pattern("Order Completed"));
    order.key = Key::Order;
    order.wait = Some(Wait { span: Span::hours(5), reset_on: Vec::new() });
    order.policy.priority = 90;
    order.policy.despite_open_case = true;
    order.exits = vec![Exit { event: pattern("Order Cancelled"), matching: Match::Key }];
    let ended = Trigger { entry: Entry::Event(pattern("Session Ended")), holdout: 0.3, ..trigger("ended") };
    vec![cart, hurried, gone, silent, order, ended]
}

fn book(triggers: Vec<Trigger>) -> Rulebook {
    let cap = |scope, hours, max| Cap { scope, within: Span::hours(hours), max };
    let contact = ContactPolicy {
        caps: vec![cap(CapScope::Any, 24, 3), cap(CapScope::Category(Category::Service), 2, 1)],
        control_share: 0.1,
        consent_assumed: vec![Category::Marketing],
        outcomes_expire: true,
    };
    let policy = Policy { contact, ..Policy::default() };
    Rulebook { triggers: Triggers::new(triggers), policy, ..Rulebook::default() }
}

/// Triggers of every kind that read no score.
pub(crate) fn plain_book() -> Rulebook {
    book(plain_triggers())
}

/// Triggers of every kind, and every head in force.
pub(crate) fn busy_book() -> Rulebook {
    let crossing = Crossing { head: Head::CartAbandonment, rises_above: 0.6, rearms_below: 0.4 };
    let crossed = Trigger { entry: Entry::Crossing(crossing), ..trigger("crossed") };
    let mut scored = cart_idle();
    scored.name = "scored".into();
    scored.when = Condition::Any(vec![
        Condition::Latch(crossing),
        Condition::Score { head: Head::Churn, compare: Compare::Gt(0.3) },
    ]);
    let risky = Condition::Score { head: Head::PurchaseIntent, compare: Compare::Gt(0.5) };
    let risky = Trigger { entry: Entry::Becomes(risky), key: Key::Cart, ..trigger("risky") };
    let shadow = Trigger { mode: Mode::Shadow, ..trigger("shadow") };
    let mut triggers = plain_triggers();
    triggers.extend([crossed, scored, risky, shadow]);
    Rulebook { heads: Heads::ALL, ..book(triggers) }
}

/// Tells what the bytes say.
pub(crate) struct Teller<'a> {
    bytes: &'a [u8],
    position: u64,
    now: Timestamp,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(bytes: &'a [u8], from: Timestamp) -> Self {
        Self { bytes, position: 0, now: from }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    /// Returns the next record, which may be about what waits in the row's outbox.
    pub(crate) fn next_record(&mut self, row: &Customer) -> Option<Record> {
        let kind = self.next()?;
        let gap = self.next()?;
        // Often the same instant, mostly minutes, at times days.
        self.now = self.now
            + match gap % 8 {
                0 | 1 => Span(0),
                7 => Span::hours(i64::from(gap)),
                _ => Span::minutes(i64::from(gap / 4)),
            };
        self.position += 1 + u64::from(kind % 2);
        let input = match kind % 16 {
            0..=10 => self.event(kind)?,
            11 | 12 => self.outcome(row)?,
            13 => Input::Command([Command::Suppress, Command::Unsuppress][usize::from(gap % 2)]),
            14 if gap % 4 == 0 => Input::Command(Command::Erase),
            _ => self.forward()?,
        };
        Some(Record { position: Position(self.position), stamp: self.now, input })
    }

    fn event(&mut self, kind: u8) -> Option<Input> {
        const NAMES: [&str; 11] = [
            "Product Added",
            "Product Viewed",
            "Product Viewed",
            "Cart Viewed",
            "Order Completed",
            "Order Cancelled",
            "Signed Up",
            "Case Opened",
            "Case Closed",
            "Product Added",
            "Page Viewed",
        ];
        let what = self.next()?;
        let id = format_smolstr!("{}", what % 3);
        let mut made = track(NAMES[usize::from(kind % 16) % NAMES.len()], self.now)
            .message(&format!("{}", self.position))
            .text("product_id", &id)
            .number("price", f64::from(what % 30));
        if what % 2 == 0 {
            made = made.text("cart_id", &id);
        }
        if what % 3 == 0 {
            made = made.text("order_id", &id);
        }
        made = made.value("consent", Value::Bool(what % 5 == 0));
        if what % 16 == 1 {
            made = made.late();
        }
        if what % 64 == 7 {
            made.0.anonymous = Some(CustomerId::anonymous(&id));
        }
        made.0.zone = (what % 32 == 9).then(|| SmolStr::new("Asia/Tokyo"));
        Some(Input::Event(Box::new(made.0)))
    }

    fn outcome(&mut self, row: &Customer) -> Option<Input> {
        let what = self.next()?;
        let sent: Vec<_> = row
            .outbox()
            .iter()
            .filter_map(|entry| match &entry.body {
                Outgoing::Outreach(outreach) => Some((outreach.id, outreach.attempt)),
                Outgoing::Decision(_)
                | Outgoing::Relay { .. }
                | Outgoing::Turn(_)
                | Outgoing::Forgotten { .. } => None,
            })
            .collect();
        let Some((id, attempt)) = sent.get(usize::from(what / 8) % sent.len().max(1)).copied() else {
            return Some(Input::Command(Command::Unsuppress));
        };
        let status = match what % 8 {
            0..=3 => OutcomeStatus::Delivered,
            4 => OutcomeStatus::Withheld(Reason::QuietHours),
            5 => OutcomeStatus::Failed,
            6 => OutcomeStatus::RetryAt(self.now + Span::minutes(i64::from(what))),
            _ => OutcomeStatus::RetryAt(Timestamp(i64::MAX)),
        };
        Some(Input::Outcome(Outcome { id, attempt, status, at: self.now }))
    }

    fn forward(&mut self) -> Option<Input> {
        let what = self.next()?;
        let Input::Event(event) = self.event(what)? else { return None };
        let customer = CustomerId::anonymous(&format!("{}", what % 3));
        let sender = Sender { customer, position: Position(self.position), nth: 0 };
        let message = Message::Forward(Box::new(Forward::Event(*event)));
        Some(Input::Relay(Box::new(Relay { sender, message })))
    }
}
