//! What one event costs in the fold, and reading in conditions and features.
//!
//! Aim: 0.1 to 0.5 µs per event, allocation included.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use schemas::event::{Call, Event, Timeliness};
use schemas::feature;
use schemas::ids::{CustomerId, MessageId};
use schemas::profile::{Profile, ProfilePolicy};
use schemas::time::{Span, Timestamp};
use schemas::value::{Properties, Value};

/// Events of one visit.
const VISIT: usize = 24;

fn event(name: &'static str, at: Timestamp, n: usize) -> Event {
    let text = |value: String| Value::Text(value.into());
    Event {
        message: MessageId::of(&format!("{}-{n}", at.0)),
        message_text: format!("{}-{n}", at.0).into(),
        call: Call::Track,
        name: name.into(),
        at,
        timeliness: Timeliness::OnTime,
        customer: CustomerId::user("customer-000123"),
        anonymous: None,
        properties: Properties(vec![
            ("product_id".into(), text(format!("sku-{}", n % 5))),
            ("cart_id".into(), text(format!("cart-{}", at.0 / 86_400_000))),
            ("order_id".into(), text(format!("order-{}", at.0 / 86_400_000))),
            ("price".into(), Value::Number(19.99)),
            ("quantity".into(), Value::Number(1.0)),
            ("currency".into(), text("EUR".to_owned())),
        ]),
        locale: Some("de-DE".into()),
        zone: Some("Europe/Berlin".into()),
    }
}

/// A visit as shops send it: mostly views, some additions, a checkout, an order at the end.
fn visit(start: Timestamp) -> Vec<Event> {
    (0..VISIT)
        .map(|n| {
            let name = match n {
                0 => "Page Viewed",
                3 => "Products Searched",
                8 | 12 | 16 => "Product Added",
                17 => "Cart Viewed",
                22 => "Checkout Started",
                23 => "Order Completed",
                _ => "Product Viewed",
            };
            event(name, start + Span::seconds(31 * n as i64), n)
        })
        .collect()
}

/// A customer of ten visits, the last of them open.
fn known() -> (Profile, Timestamp) {
    let mut profile = Profile::default();
    let mut start = Timestamp(1_710_504_000_000);
    for _ in 0..10 {
        start = start + Span::days(5);
        for event in visit(start) {
            while let Some(due) = profile.next_due().filter(|due| *due < event.at) {
                profile.fire(due, &event.customer);
            }
            profile.fold(&event, event.at, &ProfilePolicy::default());
        }
    }
    (profile, start + Span::seconds(31 * VISIT as i64))
}

fn fold(criterion: &mut Criterion) {
    let (profile, now) = known();
    let events = visit(now);
    let policy = ProfilePolicy::default();
    let mut group = criterion.benchmark_group("fold");
    group.throughput(criterion::Throughput::Elements(VISIT as u64));
    group.bench_function("a visit of 24 events", |bencher| {
        bencher.iter_batched_ref(
            || profile.clone(),
            |profile| {
                for event in &events {
                    black_box(profile.fold(event, event.at, &policy));
                }
            },
            BatchSize::SmallInput,
        );
    });
    let mut flood = profile.clone();
    let flooding: Vec<Event> =
        (0..VISIT).map(|n| event("Order Item Added", now + Span::minutes(20) + Span(n as i64), n)).collect();
    for n in 0..600 {
        let line = event("Order Item Added", now + Span::seconds(n), n as usize);
        flood.fold(&line, line.at, &policy);
    }
    group.bench_function("24 more lines of an order of 600", |bencher| {
        bencher.iter_batched_ref(
            || flood.clone(),
            |profile| {
                for event in &flooding {
                    black_box(profile.fold(event, event.at, &policy));
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let (profile, now) = known();
    criterion.bench_function("count in an hour", |bencher| {
        bencher.iter(|| black_box(profile.count(black_box("Product Viewed"), Span::hours(1), now)));
    });
    criterion.bench_function("all features", |bencher| {
        bencher.iter(|| black_box(feature::extract(black_box(&profile), now)));
    });
    let row = postcard::to_allocvec(&profile).expect("a profile encodes");
    criterion.bench_function("encode the row", |bencher| {
        let mut row = vec![0; 4_096];
        bencher.iter(|| black_box(postcard::to_slice(black_box(&profile), &mut row)).map(|row| row.len()));
    });
    criterion.bench_function("decode the row", |bencher| {
        bencher.iter(|| black_box(postcard::from_bytes::<Profile>(black_box(&row))));
    });
}

criterion_group!(benches, fold, read);
criterion_main!(benches);
