//! The last look before an outreach leaves: what may have changed since it was decided.
//!
//! A decision is made at log time and may wait: in an outbox, on the topic, behind a channel that is down. What it must not outlive
//! is looked at again right before the call, at wall-clock time, against the row as it is stored then.

use super::Customer;
use crate::decision::{Outreach, Reason};
use crate::rulebook::Rulebook;
use crate::time::Timestamp;
use crate::trigger::machine::{consents, quiet_until};

/// What the last look says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rechecked {
    /// Send it.
    Clear,
    /// Never send it.
    Refused(Reason),
    /// Not before this instant.
    NotBefore(Timestamp),
}

/// Returns whether `outreach` may leave at `now` for the customer that `row` is of; of an alias the caller gives the user's row.
pub fn recheck(outreach: &Outreach, row: &Customer, rulebook: &Rulebook, now: Timestamp) -> Rechecked {
    if row.is_tombstone() || row.erased_after(outreach.at) {
        return Rechecked::Refused(Reason::Erased);
    }
    if row.profile().suppressed() {
        return Rechecked::Refused(Reason::SuppressedCustomer);
    }
    let contact = &rulebook.policy.contact;
    if !consents(row.profile(), outreach.category, &outreach.channel, contact) {
        return Rechecked::Refused(Reason::NoConsent);
    }
    if now > outreach.expires {
        return Rechecked::Refused(Reason::MaxAge);
    }
    let hours = rulebook.triggers.get(&outreach.trigger).and_then(|trigger| trigger.policy.quiet_hours);
    match hours.and_then(|hours| quiet_until(hours, row.profile().zone().value, now)) {
        Some(end) => Rechecked::NotBefore(end),
        None => Rechecked::Clear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::Effects;
    use crate::decision::Category;
    use crate::event::{self, Border};
    use crate::ids::{CustomerId, OutreachId, Position, Slot};
    use crate::record::{Command, Input, Record};
    use crate::rulebook::{ContactPolicy, Policy};
    use crate::time::Span;
    use crate::trigger::Triggers;
    use crate::value::Properties;

    /// 2026-11-25T12:00:00Z.
    const NOON: Timestamp = Timestamp(1_795_608_000_000);

    fn outreach(category: Category) -> Outreach {
        let customer = CustomerId::user("ada");
        let slot = Slot { origin: customer.clone(), position: Position(1), nth: 0, step: 0 };
        Outreach {
            id: OutreachId::of("cart", &slot),
            customer,
            trigger: "cart".into(),
            version: 1,
            slot,
            attempt: 0,
            category,
            channel: "mail".into(),
            template: "hello".into(),
            facts: Properties::default(),
            at: NOON,
            expires: NOON + Span::hours(2),
        }
    }

    fn told(inputs: &[Input]) -> Customer {
        let mut row = Customer::new(CustomerId::user("ada"));
        let rulebook = Rulebook::default();
        for (at, input) in inputs.iter().enumerate() {
            let record =
                Record { position: Position(at as u64), stamp: NOON - Span::hours(1), input: input.clone() };
            row.apply(&rulebook, &record, &mut Effects::default());
        }
        row
    }

    fn said(body: &str) -> Input {
        let event = event::decode("ada", body.as_bytes(), NOON - Span::hours(1), &Border::default());
        Input::Event(Box::new(event.expect("a good call")))
    }

    fn yes() -> Input {
        said(r#"{"type":"identify","userId":"ada","traits":{"consent":{"marketing":{"mail":true}}}}"#)
    }

    fn check(category: Category, inputs: &[Input], expected: Rechecked) {
        let result = recheck(&outreach(category), &told(inputs), &Rulebook::default(), NOON);
        assert_eq!(result, expected, "{category:?} {inputs:?}");
    }

    #[test]
    fn marketing_needs_a_word_of_consent_and_service_none() {
        let no = said(r#"{"type":"identify","userId":"ada","traits":{"marketing_consent":false}}"#);
        let refused = Rechecked::Refused(Reason::NoConsent);
        check(Category::Marketing, &[], refused);
        check(Category::Marketing, &[yes()], Rechecked::Clear);
        check(Category::Marketing, &[yes(), no.clone()], refused);
        check(Category::Service, &[no], Rechecked::Clear);
    }

    #[test]
    fn consent_that_is_assumed_yields_to_a_word() {
        let contact = ContactPolicy { consent_assumed: vec![Category::Marketing], ..Default::default() };
        let rulebook = Rulebook { policy: Policy { contact, ..Policy::default() }, ..Rulebook::default() };
        let no = said(r#"{"type":"identify","userId":"ada","traits":{"marketing_consent":false}}"#);
        let outreach = outreach(Category::Marketing);
        assert_eq!(recheck(&outreach, &told(&[]), &rulebook, NOON), Rechecked::Clear);
        assert_eq!(recheck(&outreach, &told(&[no]), &rulebook, NOON), Rechecked::Refused(Reason::NoConsent));
    }

    #[test]
    fn the_suppressed_and_the_erased_get_nothing() {
        for category in [Category::Service, Category::Marketing] {
            let suppressed = [yes(), Input::Command(Command::Suppress)];
            check(category, &suppressed, Rechecked::Refused(Reason::SuppressedCustomer));
            let erased = [yes(), Input::Command(Command::Erase)];
            check(category, &erased, Rechecked::Refused(Reason::Erased));
        }
    }

    #[test]
    fn what_was_decided_before_an_erase_is_not_sent_when_the_customer_comes_back() {
        let row = told(&[yes(), Input::Command(Command::Erase), yes()]);
        assert!(!row.is_tombstone());
        let decided = |hours| Outreach { at: NOON - Span::hours(hours), ..outreach(Category::Service) };
        let check = |hours| recheck(&decided(hours), &row, &Rulebook::default(), NOON);
        assert_eq!(check(2), Rechecked::Refused(Reason::Erased));
        assert_eq!(check(0), Rechecked::Clear);
    }

    #[test]
    fn the_last_instant_is_the_last() {
        let (outreach, row) = (outreach(Category::Service), told(&[]));
        let at = |now| recheck(&outreach, &row, &Rulebook::default(), now);
        assert_eq!(at(outreach.expires), Rechecked::Clear);
        assert_eq!(at(outreach.expires + Span(1)), Rechecked::Refused(Reason::MaxAge));
    }

    #[test]
    fn the_trigger_in_force_says_which_hours_are_quiet() {
        let trigger = quiet_trigger();
        let rulebook = Rulebook { triggers: Triggers::new([trigger]), ..Rulebook::default() };
        let result = recheck(&outreach(Category::Service), &told(&[]), &rulebook, NOON);
        assert_eq!(result, Rechecked::NotBefore(NOON + Span::hours(1)));
    }

    fn quiet_trigger() -> crate::trigger::Trigger {
        use crate::trigger::spec::*;
        Trigger {
            name: "cart".into(),
            version: 1,
            description: "".into(),
            mode: Mode::Live,
            entry: Entry::Becomes(Condition::always()),
            key: Key::Customer,
            reentry: Reentry { mode: ReentryMode::Always, max: None },
            wait: None,
            exits: Vec::new(),
            when: Condition::always(),
            policy: TriggerPolicy {
                category: Category::Service,
                priority: 0,
                max_age: Span::hours(2),
                on_cap: OnCap::Defer,
                caps: CapRole::Counted,
                quiet_hours: Some(QuietHours { start_min: 11 * 60, end_min: 13 * 60 }),
                max_defer: Span::days(1),
                despite_open_case: false,
            },
            holdout: 0.0,
            action: Action { channel: "mail".into(), template: "hello".into(), facts: Vec::new() },
            goal: None,
        }
    }
}
