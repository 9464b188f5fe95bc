//! Small valid values for suites and tests.

use schemas::conversation::{Act, Made, Rung, Source, Speaker, Turn, TurnId};
use schemas::decision::{Category, Decision, Outreach, Reason, Verdict};
use schemas::ids::{CustomerId, OutreachId, Position, Slot};
use schemas::time::Timestamp;
use schemas::value::{Properties, Value};
use smol_str::SmolStr;

fn slot(customer: &CustomerId, number: u64) -> Slot {
    Slot { origin: customer.clone(), position: Position(number), nth: 0, step: 0 }
}

/// Returns an outreach of trigger `win-back` to a customer; equal numbers make equal ones.
pub fn outreach(customer: &str, number: u64) -> Outreach {
    let customer = CustomerId::user(customer);
    let slot = slot(&customer, number);
    Outreach {
        id: OutreachId::of("win-back", &slot),
        trigger: SmolStr::new_static("win-back"),
        version: 1,
        slot,
        attempt: 0,
        category: Category::Service,
        channel: SmolStr::new_static("log"),
        template: SmolStr::new_static("we_miss_you"),
        facts: Properties(vec![("orders".into(), Value::Number(3.0))]),
        at: Timestamp(number as i64),
        expires: Timestamp(number as i64 + 60_000),
        customer,
    }
}

/// Returns a decision about a customer at `at`; equal arguments make equal ones.
pub fn decision(customer: &str, trigger: &str, at: i64) -> Decision {
    let customer = CustomerId::user(customer);
    let slot = slot(&customer, at.unsigned_abs());
    Decision {
        id: OutreachId::of(trigger, &slot),
        trigger: trigger.into(),
        version: 1,
        slot,
        key: SmolStr::default(),
        at: Timestamp(at),
        due: Timestamp(at),
        verdict: Verdict::Suppressed,
        reason: Reason::NoConsent,
        conditions: Vec::new(),
        scores: Vec::new(),
        propensity: 1.0,
        opened_by: SmolStr::default(),
        customer,
    }
}

/// Returns turn `number` of a customer's thread; equal arguments make equal ones.
pub fn turn(customer: &str, number: u32) -> Turn {
    let customer = CustomerId::user(customer);
    let source =
        Source { number: 1, passage: "p".into(), title: "Returns".into(), source: "returns.md".into() };
    Turn {
        id: TurnId::of(&customer, Position(number.into()), 0),
        number,
        at: Timestamp(1_795_507_200_000 + i64::from(number)),
        speaker: Speaker::Bot,
        act: Act::Said,
        made: Made::Ai,
        by: SmolStr::new_static("quotes"),
        text: format!("{number} days [1] 天"),
        lang: SmolStr::new_static("en"),
        sources: vec![source],
        rung: Some(Rung::Extractive),
        epoch: 2,
        attempt: number,
        message: SmolStr::default(),
        outreach: None,
        facts: Properties(vec![("days".into(), Value::Number(30.0))]),
        customer,
    }
}
