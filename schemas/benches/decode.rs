//! What one event costs at the border: bytes to [`schemas::event::Event`], and to its customer alone.
//!
//! Aim: 0.4 to 0.8 µs for an event of about 470 bytes. Measured on 2 cores of a shared Xeon, 2026-11: 0.96 µs, its customer alone 0.44;
//! the rest is the copying of names and texts into the event.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use schemas::event::{Border, customer_of, decode};
use schemas::time::Timestamp;

/// A view as a browser sends it: 482 bytes.
const VIEW: &str = r#"{"type":"track","event":"Product Viewed","userId":"customer-000123","anonymousId":"3f1c9a52-77b0-4b8e-9d51-0c2f6a1e8d44","messageId":"ajs-next-1732435200000-5b1e2c","timestamp":"2026-11-24T08:00:00.000Z","context":{"locale":"de-DE","timezone":"Europe/Berlin","page":{"path":"/p/sku-204","title":"Kettle"}},"properties":{"product_id":"sku-204","sku":"204-B","category":"kitchen","name":"Electric kettle 1.7 l","brand":"Acme","price":39.95,"quantity":1,"currency":"EUR","position":3}}"#;

/// An order of five lines in the words of Google Analytics 4.
const PURCHASE: &str = r#"{"type":"track","event":"purchase","userId":"customer-000123","messageId":"ajs-next-1732435200000-5b1e2d","timestamp":"2026-11-24T08:00:00.000Z","properties":{"transaction_id":"o-1","value":199.75,"currency":"EUR","items":[{"item_id":"sku-1","item_name":"One","price":39.95,"quantity":1},{"item_id":"sku-2","item_name":"Two","price":39.95,"quantity":1},{"item_id":"sku-3","item_name":"Three","price":39.95,"quantity":1},{"item_id":"sku-4","item_name":"Four","price":39.95,"quantity":1},{"item_id":"sku-5","item_name":"Five","price":39.95,"quantity":1}]}}"#;

fn benchmark(criterion: &mut Criterion) {
    let border = Border::default();
    let stamp = Timestamp(1_795_507_200_000);
    let mut group = criterion.benchmark_group("decode");
    for (name, body) in [("view", VIEW), ("purchase", PURCHASE)] {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| decode("customer-000123", black_box(body.as_bytes()), stamp, &border));
        });
        group.bench_function(format!("{name}_customer"), |bencher| {
            bencher.iter(|| customer_of(black_box(body.as_bytes()), &border));
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
