//! What triggers cost an event: none in force, three that it concerns, and the same three among a thousand. And what scores cost it:
//! heads in force that it does not move, and two that every event of a visit asks.
//!
//! Aims: 1,000 triggers of which an event concerns 3 cost at most 1.2 times the three alone; an event with two questions costs at most
//! 2 µs more than one without: the features, and the questions in row and effects.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use schemas::customer::{Customer, Effects};
use schemas::decision::Category;
use schemas::event::{Call, Event, Timeliness};
use schemas::ids::{CustomerId, MessageId, Position};
use schemas::profile::Heads;
use schemas::record::{Input, Record};
use schemas::rulebook::Rulebook;
use schemas::time::{Span, Timestamp};
use schemas::trigger::spec::*;
use schemas::trigger::{Trigger, Triggers};
use schemas::value::{Properties, Value};

/// Events of one visit.
const VISIT: usize = 64;

fn trigger(name: &str, event: &str) -> Trigger {
    let pattern = |name: &str| EventPattern { name: name.into(), filter: Condition::always() };
    let when = Condition::Count { event: event.into(), within: Span::hours(1), compare: Compare::Gte(2.0) };
    Trigger {
        name: name.into(),
        version: 1,
        description: "".into(),
        mode: Mode::Live,
        entry: Entry::Event(pattern(event)),
        key: Key::Cart,
        reentry: Reentry { mode: ReentryMode::Cooldown(Span::days(1)), max: None },
        wait: Some(Wait { span: Span::hours(2), reset_on: vec![pattern(event)] }),
        exits: vec![Exit { event: pattern("Order Completed"), matching: Match::Key }],
        when,
        policy: TriggerPolicy {
            category: Category::Service,
            priority: 50,
            max_age: Span::minutes(5),
            on_cap: OnCap::Defer,
            caps: CapRole::Counted,
            quiet_hours: None,
            max_defer: Span::hours(12),
            despite_open_case: false,
        },
        holdout: 0.0,
        action: Action { channel: "log".into(), template: "t".into(), facts: Vec::new() },
        goal: None,
    }
}

fn book(concerned: usize, others: usize) -> Rulebook {
    let concerned = (0..concerned).map(|n| trigger(&format!("cart-{n}"), "Product Added"));
    let others = (0..others).map(|n| trigger(&format!("other-{n}"), &format!("Something {n}")));
    Rulebook { triggers: Triggers::new(concerned.chain(others)), ..Rulebook::default() }
}

fn visit(name: &'static str) -> Vec<Record> {
    let text = |value: &str| Value::Text(value.into());
    let record = |n: usize| {
        let stamp = Timestamp(1_795_608_000_000) + Span::seconds(20 * n as i64);
        let event = Event {
            message: MessageId::of(&n.to_string()),
            message_text: n.to_string().into(),
            call: Call::Track,
            name: name.into(),
            at: stamp,
            timeliness: Timeliness::OnTime,
            customer: CustomerId::user("customer-000123"),
            anonymous: None,
            properties: Properties(vec![
                ("product_id".into(), text("sku-1")),
                ("cart_id".into(), text("cart-1")),
                ("price".into(), Value::Number(19.99)),
            ]),
            locale: None,
            zone: None,
        };
        Record { position: Position(n as u64), stamp, input: Input::Event(Box::new(event)) }
    };
    (0..VISIT).map(record).collect()
}

fn triggers(c: &mut Criterion) {
    for (what, name, concerned, others) in [
        ("no trigger", "Product Viewed", 0, 0),
        ("1,000 triggers, none concerned", "Product Viewed", 3, 997),
        ("3 triggers, all concerned", "Product Added", 3, 0),
        ("1,000 triggers, 3 concerned", "Product Added", 3, 997),
    ] {
        let (book, visit) = (book(concerned, others), visit(name));
        let row = || (Customer::new(CustomerId::user("customer-000123")), Effects::default());
        c.bench_function(&format!("64 events: {what}"), |bencher| {
            bencher.iter_batched(
                row,
                |(mut row, mut fx)| {
                    visit.iter().for_each(|record| row.apply(&book, black_box(record), &mut fx));
                    (row, fx)
                },
                BatchSize::SmallInput,
            );
        });
    }
}

fn scores(c: &mut Criterion) {
    for (what, name, heads) in [
        ("views, no head in force", "Product Viewed", Heads::NONE),
        ("views, all heads in force, asked 7 times", "Product Viewed", Heads::ALL),
        ("additions, no head in force", "Product Added", Heads::NONE),
        ("additions, two heads asked by each", "Product Added", Heads::ALL),
    ] {
        let (book, visit) = (Rulebook { heads, ..Rulebook::default() }, visit(name));
        let row = || (Customer::new(CustomerId::user("customer-000123")), Effects::default());
        c.bench_function(&format!("64 events: {what}"), |bencher| {
            bencher.iter_batched(
                row,
                |(mut row, mut fx)| {
                    visit.iter().for_each(|record| row.apply(&book, black_box(record), &mut fx));
                    (row, fx)
                },
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, triggers, scores);
criterion_main!(benches);
