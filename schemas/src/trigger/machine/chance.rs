//! Control arms: who is in one is a stable hash, never chance.

use jiff::tz::TimeZone;
use smol_str::{SmolStr, format_smolstr};
use xxhash_rust::xxh3::xxh3_64;

use crate::ids::CustomerId;
use crate::time::Timestamp;

/// Returns whether the customer is in the control arm of a trigger, whose share is `holdout`.
pub(super) fn is_held_out(trigger: &str, customer: &CustomerId, holdout: f64) -> bool {
    fraction(["holdout", trigger, customer.as_str()]) < holdout
}

/// Returns whether the customer is in the control group of all marketing in the calendar quarter (UTC) of `now`.
pub(super) fn is_in_control(customer: &CustomerId, now: Timestamp, share: f64) -> bool {
    share > 0.0 && fraction(["control", &quarter(now), customer.as_str()]) < share
}

fn quarter(now: Timestamp) -> SmolStr {
    let Ok(instant) = jiff::Timestamp::from_millisecond(now.0) else { return SmolStr::default() };
    let date = TimeZone::UTC.to_datetime(instant).date();
    format_smolstr!("{}-{}", date.year(), (date.month() - 1) / 3 + 1)
}

/// Returns a number in [0, 1) that is the same for the same parts and spread evenly over different ones.
fn fraction(parts: [&str; 3]) -> f64 {
    let mut bytes = Vec::with_capacity(96);
    for part in parts {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(part.as_bytes());
    }
    (xxh3_64(&bytes) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept_and_arms_do_not_go_together() {
        let customers: Vec<CustomerId> = (0..20_000).map(|n| CustomerId::user(&format!("c{n}"))).collect();
        let of = |trigger| customers.iter().map(move |customer| is_held_out(trigger, customer, 0.2));
        let share = |n: usize| n as f64 / customers.len() as f64;
        assert!((share(of("a").filter(|held| *held).count()) - 0.2).abs() < 0.01);
        let both = of("a").zip(of("b")).filter(|(a, b)| *a && *b).count();
        assert!((share(both) - 0.04).abs() < 0.01);
    }

    #[test]
    fn the_control_group_changes_with_the_quarter_and_not_within() {
        let at = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().expect("RFC 3339").as_millisecond());
        let group = |now| {
            (0..500)
                .filter(|n| is_in_control(&CustomerId::user(&n.to_string()), now, 0.1))
                .collect::<Vec<_>>()
        };
        assert_eq!(group(at("2026-01-01T00:00:00Z")), group(at("2026-03-31T23:59:59Z")));
        assert_ne!(group(at("2026-03-31T23:59:59Z")), group(at("2026-04-01T00:00:00Z")));
        assert_eq!(group(Timestamp(i64::MAX)), group(Timestamp(i64::MAX)));
    }
}
