//! A fuzz target over the fold: bytes become events with hostile values, folded, read, merged and written.
//!
//! It runs a bounded number of inputs as a test; `cargo bolero test` goes on from here.

use smol_str::SmolStr;

use super::shop::track;
use crate::event::{Call, Timeliness};
use crate::feature;
use crate::profile::{Profile, ProfilePolicy, counter, field};
use crate::time::{Span, Timestamp};
use crate::value::{Properties, Value};

/// Inputs per test run.
const INPUTS: usize = 1_500;

/// Hands out the bytes of an input; zeros behind its end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn stamp(&mut self) -> i64 {
        match self.next() % 8 {
            0 => i64::MIN,
            1 => i64::MAX,
            2 => -1,
            _ => 1_700_000_000_000 + i64::from(self.next()) * 600_000 + i64::from(self.next()) * 86_400_000,
        }
    }

    fn value(&mut self, depth: u8) -> Value {
        match self.next() % 8 {
            0 => Value::Null,
            1 => Value::Bool(self.next().is_multiple_of(2)),
            2 => Value::Number(f64::from(self.next())),
            3 => Value::Number(if self.next().is_multiple_of(2) { f64::MAX } else { -1e-300 }),
            4 => Value::Text(SmolStr::new("é".repeat(usize::from(self.next())))),
            5 => {
                Value::Text(SmolStr::new(["1e309", "NaN", "EUR", "true", " "][usize::from(self.next() % 5)]))
            }
            6 if depth > 0 => Value::List((0..self.next() % 4).map(|_| self.value(depth - 1)).collect()),
            7 if depth > 0 => Value::Map(self.properties(depth - 1)),
            _ => Value::Text(SmolStr::new_inline("x")),
        }
    }

    fn properties(&mut self, depth: u8) -> Properties {
        const NAMES: [&str; 20] = [
            "order_id",
            "cart_id",
            "product_id",
            "price",
            "quantity",
            "products",
            "total",
            "currency",
            "consent",
            "country",
            "email",
            "phone",
            "timezone",
            "locale",
            "address",
            "case_id",
            "channel",
            "purpose",
            "value",
            "marketing_consent",
        ];
        let names =
            (0..self.next() % 8).map(|_| NAMES[usize::from(self.next()) % NAMES.len()]).collect::<Vec<_>>();
        Properties(names.into_iter().map(|name| (SmolStr::new(name), self.value(depth))).collect())
    }
}

fn drive(input: &[u8]) {
    let mut bytes = Bytes(input);
    let policy = ProfilePolicy { message_ring: usize::from(bytes.next()), ..ProfilePolicy::default() };
    let (mut profile, mut other) = (Profile::default(), Profile::default());
    while !bytes.0.is_empty() {
        let names = counter::KNOWN_NAMES;
        let name =
            names.get(usize::from(bytes.next()) % (names.len() + 4)).copied().unwrap_or("Something else");
        let mut event = track(name, Timestamp(bytes.stamp())).message(&bytes.next().to_string()).0;
        event.properties = bytes.properties(2);
        event.call = [Call::Track, Call::Track, Call::Identify, Call::Page][usize::from(bytes.next() % 4)];
        event.timeliness =
            [Timeliness::OnTime, Timeliness::Late, Timeliness::Clamped][usize::from(bytes.next() % 3)];
        event.zone = bytes.next().is_multiple_of(4).then(|| SmolStr::new("America/St_Johns"));
        let now = Timestamp(bytes.stamp());
        let target = if bytes.next().is_multiple_of(4) { &mut other } else { &mut profile };
        target.fold(&event, now, &policy);
        target.count(name, Span(bytes.stamp()), now);
        if let Some(due) = target.next_due() {
            target.fire(due, &event.customer);
        }
        assert!(feature::extract(target, now).iter().all(|value| value.is_finite()));
        for field in field::TABLE {
            if let Some(Value::Number(number)) = (field.read)(target, now) {
                assert!(number.is_finite(), "{}", field.name);
            }
        }
    }
    profile.merge(other);
    let row = postcard::to_allocvec(&profile).expect("encodes");
    assert_eq!(postcard::from_bytes::<Profile>(&row).expect("decodes"), profile);
}

#[test]
fn any_bytes_as_events_are_folded_without_panic() {
    bolero::check!().with_iterations(INPUTS).with_max_len(2_048).for_each(|input: &[u8]| drive(input));
}

#[test]
fn any_bytes_as_a_row_are_refused_or_read_without_panic() {
    bolero::check!().with_iterations(INPUTS).with_max_len(1_024).for_each(|input: &[u8]| {
        if let Ok(mut profile) = postcard::from_bytes::<Profile>(input) {
            let now = Timestamp(1_700_000_000_000);
            profile.fold(&track("Order Completed", now).0, now, &ProfilePolicy::default());
            assert!(feature::extract(&profile, now).iter().all(|value| value.is_finite()));
        }
    });
}
