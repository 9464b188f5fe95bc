//! The fold against a slow, obvious model that keeps every event: what is not partial must be equal.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select;

use super::shop::{self, NOON, track};
use crate::event::Timeliness;
use crate::feature;
use crate::profile::day::DayKind;
use crate::profile::{Counted, Profile, ProfilePolicy, Standing};
use crate::time::{Span, Timestamp};

const ZONE: &str = "Europe/Berlin";

const NAMES: [&str; 8] = [
    "Product Viewed",
    "Product Added",
    "Page Viewed",
    "Products Searched",
    "Custom Thing",
    "Order Item Added",
    "Order Completed",
    "Order Cancelled",
];

/// One event of a random history.
#[derive(Clone, Debug)]
struct Happening {
    name: &'static str,
    message: u16,
    /// Log time since the one before.
    pause: Span,
    /// How long before its log time it happened.
    delay: Span,
    order: u8,
    cents: u16,
}

fn happenings(most: usize, messages: u16) -> impl Strategy<Value = Vec<Happening>> {
    let pause = prop_oneof![
        4 => 0..60_000_i64,
        2 => 0..3_600_000_i64,
        1 => 0..(3 * 86_400_000_i64),
        1 => Just(1_800_000_i64),
    ];
    let delay = prop_oneof![6 => Just(0_i64), 2 => 0..600_000_i64, 1 => 0..(2 * 86_400_000_i64)];
    let one = (select(&NAMES[..]), 0..messages, pause, delay, 0..10_u8, 1..5_000_u16).prop_map(
        |(name, message, pause, delay, order, cents)| Happening {
            name,
            message,
            pause: Span(pause),
            delay: Span(delay),
            order,
            cents,
        },
    );
    prop::collection::vec(one, 1..most)
}

/// An event that was folded, as the model remembers it.
struct Kept {
    name: &'static str,
    at: Timestamp,
}

/// Everything that ever happened.
#[derive(Default)]
struct Model {
    messages: Vec<(u16, Timestamp)>,
    kept: Vec<Kept>,
    /// Order id → what an event stated, lines, and the day of its first event.
    orders: BTreeMap<u8, (Option<i64>, i64, jiff::civil::Date)>,
    completed: Vec<u8>,
    cancelled: BTreeMap<u8, jiff::civil::Date>,
    visits: Vec<Timestamp>,
}

impl Model {
    /// Takes a happening; returns false when it repeats a message of the last 24 hours.
    fn take(&mut self, it: &Happening, at: Timestamp, now: Timestamp) -> bool {
        if self.messages.iter().any(|(id, when)| *id == it.message && *when > now - Span::hours(24)) {
            return false;
        }
        self.messages.push((it.message, now));
        let cents = i64::from(it.cents);
        let counts = match it.name {
            "Order Item Added" => {
                self.orders.entry(it.order).or_insert((None, 0, date(at))).1 += cents;
                true
            }
            "Order Completed" => {
                self.orders.entry(it.order).or_insert((None, 0, date(at))).0 = Some(cents);
                let new = !self.completed.contains(&it.order);
                self.completed.push(it.order);
                new
            }
            "Order Cancelled" => self.cancelled.insert(it.order, date(at)).is_none(),
            _ => true,
        };
        if counts {
            self.kept.push(Kept { name: it.name, at });
        }
        if it.name != "Order Cancelled" && at > now - Span::minutes(30) {
            self.visits.push(now);
        }
        true
    }

    fn count(&self, name: &str, within: Span, now: Timestamp) -> u64 {
        let inside = |kept: &&Kept| kept.name == name && kept.at > now - within && kept.at <= now;
        self.kept.iter().filter(inside).count() as u64
    }

    fn count_days(&self, name: &str, days: i32, now: Timestamp) -> u64 {
        let inside = |kept: &&Kept| kept.name == name && in_days(date(kept.at), days, now);
        self.kept.iter().filter(inside).count() as u64
    }

    fn order_value(&self) -> i64 {
        self.orders.values().map(|(declared, lines, _)| declared.unwrap_or(*lines)).sum()
    }

    fn sessions(&self) -> u32 {
        let mut count = 0;
        let mut last = None;
        for now in &self.visits {
            count += u32::from(last.is_none_or(|last| *now > last + Span::minutes(30)));
            last = Some(*now);
        }
        count
    }
}

fn date(at: Timestamp) -> jiff::civil::Date {
    let zone = TimeZone::get(ZONE).expect("the zone is bundled");
    zone.to_datetime(jiff::Timestamp::from_millisecond(at.0).expect("in range")).date()
}

fn in_days(day: jiff::civil::Date, days: i32, now: Timestamp) -> bool {
    let ago = (date(now) - day).get_days();
    (0..days).contains(&ago)
}

fn made(it: &Happening, at: Timestamp) -> shop::Made {
    let units = f64::from(it.cents) / 100.0;
    let mut made = track(it.name, at).message(&it.message.to_string());
    made.0.zone = Some(ZONE.into());
    match it.name {
        "Order Item Added" => {
            made.text("order_id", &it.order.to_string()).text("product_id", "p").number("price", units)
        }
        "Order Completed" => made.text("order_id", &it.order.to_string()).number("total", units),
        "Order Cancelled" => made.text("order_id", &it.order.to_string()),
        _ => made.text("product_id", "p").number("price", units),
    }
}

/// Folds a history beside the model, log time rising, and returns both with the last log time.
fn run(history: &[Happening], policy: &ProfilePolicy) -> (Profile, Model, Timestamp) {
    let (mut profile, mut model, mut now) = (Profile::default(), Model::default(), NOON);
    for it in history {
        now = now + it.pause;
        let at = now - it.delay;
        let event = made(it, at);
        while let Some(due) = profile.next_due().filter(|due| *due < now) {
            profile.fire(due, &event.0.customer);
        }
        let folded = profile.fold(&event.0, now, policy);
        let taken = model.take(it, at, now);
        if profile.ring().lost() == 0 {
            assert_eq!(folded.standing == Standing::Duplicate, !taken);
        }
    }
    (profile, model, now)
}

/// Leaves out what comes under its message id more than a day after the first: a repeat that the ring let through has begun a day of
/// its own in the profile, and the model knows of no repeats.
fn repeated_for_a_day(history: Vec<Happening>) -> Vec<Happening> {
    let (mut firsts, mut now, mut left_out) = (BTreeMap::new(), NOON, Span(0));
    let mut kept = Vec::new();
    for it in history {
        now = now + it.pause;
        let pause = Span(left_out.0 + it.pause.0);
        let is_kept = now < *firsts.entry(it.message).or_insert(now) + Span::hours(24);
        left_out = if is_kept { Span(0) } else { pause };
        if is_kept {
            kept.push(Happening { pause, ..it });
        }
    }
    kept
}

fn wide() -> ProfilePolicy {
    ProfilePolicy { message_ring: 4_096, ..ProfilePolicy::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn windows_equal_the_model_unless_partial(
        history in happenings(400, 2_000),
        within in 1..90_000_000_i64,
        later in 0..90_000_000_i64,
    ) {
        let (profile, model, last) = run(&history, &wide());
        let within = Span(within.min(Span::hours(24).0));
        for name in NAMES {
            for now in [last, last + Span(later)] {
                let counted = profile.count(name, within, now);
                let exact = model.count(name, within, now);
                if counted.partial {
                    prop_assert!(counted.n <= exact, "{} {} > {}", name, counted.n, exact);
                } else {
                    prop_assert_eq!(counted.n, exact, "{}", name);
                }
            }
        }
    }

    #[test]
    fn windows_past_their_bound_are_marked(mut history in happenings(700, u16::MAX), within in 1..7_200_000_i64) {
        history.iter_mut().for_each(|it| it.pause = Span(it.pause.0 % 15_000));
        let (profile, model, now) = run(&history, &wide());
        for name in NAMES {
            let (counted, exact) = (profile.count(name, Span(within), now), model.count(name, Span(within), now));
            prop_assert!(counted.n == exact || counted.partial && counted.n < exact, "{name} {counted:?} {exact}");
        }
    }

    #[test]
    fn repeats_that_a_small_ring_lets_through_are_marked(history in happenings(200, 40)) {
        let history = repeated_for_a_day(history);
        let (profile, model, now) = run(&history, &ProfilePolicy { message_ring: 4, ..ProfilePolicy::default() });
        // A repeated order event does no harm even without the ring: its order id is met.
        for name in NAMES.into_iter().filter(|name| !name.starts_with("Order")) {
            let counted = profile.count(name, Span::hours(3), now);
            if !counted.partial {
                prop_assert_eq!(counted.n, model.count(name, Span::hours(3), now), "{}", name);
            }
        }
    }

    #[test]
    fn count_is_constant_until_its_next_change(history in happenings(120, 2_000), within in 1..86_400_000_i64) {
        let (profile, _, now) = run(&history, &wide());
        let within = Span(within);
        for name in NAMES {
            let n = |at| profile.count(name, within, at).n;
            match profile.next_change(name, within, now) {
                Some(change) => {
                    prop_assert!(change > now);
                    prop_assert_eq!(n(change - Span(1)), n(now));
                    prop_assert!(n(change) != n(now));
                }
                None => prop_assert_eq!(n(now), 0),
            }
        }
    }

    #[test]
    fn days_equal_the_model(history in happenings(200, 2_000), later in 0..(100 * 86_400_000_i64)) {
        let (profile, model, last) = run(&history, &wide());
        for now in [last, last + Span(later)] {
            for (name, days) in [("Product Viewed", 1), ("Product Added", 7), ("Order Item Added", 30), ("Order Completed", 90)] {
                let kind = DayKind::of_event(name).expect("a kind");
                let n = profile.days().count(kind, days, profile.today(now));
                prop_assert_eq!(n, model.count_days(name, i32::from(days), now), "{} {}", name, days);
                let within = Span::days(i64::from(days));
                if days > 1 {
                    prop_assert_eq!(profile.count(name, within, now), Counted { n, partial: false });
                    if let Some(change) = profile.next_change(name, within, now) {
                        prop_assert!(change > now);
                        prop_assert_eq!(profile.count(name, within, change - Span(1)).n, n);
                        prop_assert!(profile.count(name, within, change).n < n);
                    }
                }
            }
            let orders = model.orders.values().filter(|(_, _, day)| in_days(*day, 30, now)).count() as u64;
            prop_assert_eq!(profile.days().count(DayKind::Orders, 30, profile.today(now)), orders);
        }
    }

    #[test]
    fn orders_and_sessions_equal_the_model(history in happenings(200, 2_000)) {
        let (profile, model, _) = run(&history, &wide());
        prop_assert_eq!(profile.orders().count() as usize, model.orders.len());
        let home = profile.home_currency().expect("something was folded");
        prop_assert_eq!(profile.orders().value().of(home), model.order_value());
        prop_assert_eq!(profile.orders().cancellations() as usize, model.cancelled.len());
        prop_assert_eq!(profile.sessions().count(), model.sessions());
        for name in NAMES {
            let total = model.kept.iter().filter(|kept| kept.name == name).count() as u64;
            prop_assert_eq!(profile.total(name).n, total, "{}", name);
        }
    }

    #[test]
    fn value_of_days_is_that_of_their_orders(mut history in happenings(120, 2_000)) {
        history.iter_mut().for_each(|it| it.delay = Span(0));
        let (profile, model, now) = run(&history, &wide());
        for days in [1_u16, 7, 90] {
            let value: i64 = model
                .orders
                .values()
                .filter(|(_, _, day)| in_days(*day, i32::from(days), now))
                .map(|(declared, lines, _)| declared.unwrap_or(*lines))
                .sum();
            prop_assert_eq!(profile.days().value(days, profile.today(now)), value, "{}", days);
        }
    }

    #[test]
    fn row_reads_as_it_was_written_and_goes_on_alike(history in happenings(120, 500), more in happenings(20, 500)) {
        let (mut profile, _, now) = run(&history, &ProfilePolicy::default());
        let row = postcard::to_allocvec(&profile).expect("encodes");
        let mut again: Profile = postcard::from_bytes(&row).expect("decodes");
        prop_assert_eq!(&again, &profile);
        let json = serde_json::to_string(&profile).expect("encodes");
        prop_assert_eq!(&serde_json::from_str::<Profile>(&json).expect("decodes"), &profile);
        let mut now = now;
        for it in &more {
            now = now + it.pause;
            let event = made(it, now - it.delay);
            let policy = ProfilePolicy::default();
            prop_assert_eq!(again.fold(&event.0, now, &policy), profile.fold(&event.0, now, &policy));
        }
        prop_assert_eq!(&again, &profile);
        let bytes = |profile: &Profile| postcard::to_allocvec(profile).expect("encodes");
        prop_assert_eq!(bytes(&again), bytes(&profile));
    }

    #[test]
    fn merged_profiles_count_as_one_that_saw_everything(
        history in happenings(150, 2_000),
        sides in prop::collection::vec(any::<bool>(), 150),
    ) {
        let mut now = NOON;
        let (mut whole, mut left, mut right) = (Profile::default(), Profile::default(), Profile::default());
        let mut messages = std::collections::BTreeSet::new();
        for (it, side) in history.iter().zip(sides) {
            now = now + it.pause;
            // Events of two sides are disjoint, and a cancellation or completion that both see is not "the same event".
            if !messages.insert(it.message) || it.name == "Order Completed" {
                continue;
            }
            let event = made(it, now - it.delay).0;
            whole.fold(&event, now, &wide());
            if side { &mut left } else { &mut right }.fold(&event, now, &wide());
        }
        left.merge(right);
        for name in NAMES.into_iter().filter(|name| *name != "Order Cancelled") {
            prop_assert_eq!(left.total(name), whole.total(name), "{}", name);
            let (ours, theirs) = (left.count(name, Span::hours(24), now), whole.count(name, Span::hours(24), now));
            prop_assert_eq!(ours, theirs, "{}", name);
        }
        for kind in [DayKind::ProductViews, DayKind::CartAdds, DayKind::OrderLines] {
            let today = whole.today(now);
            prop_assert_eq!(left.days().count(kind, 90, today), whole.days().count(kind, 90, today));
        }
        prop_assert_eq!(left.orders().count(), whole.orders().count());
        prop_assert_eq!(left.orders().value(), whole.orders().value());
        prop_assert_eq!(left.orders().cancellations(), whole.orders().cancellations());
        prop_assert_eq!((left.first_seen(), left.last_seen()), (whole.first_seen(), whole.last_seen()));
    }

    #[test]
    fn counts_do_not_depend_on_the_order_of_events(history in happenings(100, 2_000), seed in any::<u64>()) {
        let now = NOON + Span::days(1);
        let mut events: Vec<_> = history
            .iter()
            .filter(|it| it.name != "Order Completed" && it.name != "Order Cancelled")
            .enumerate()
            .map(|(n, it)| made(it, now - it.delay).message(&n.to_string()).0)
            .collect();
        let fold = |events: &[crate::event::Event]| {
            let mut profile = Profile::default();
            events.iter().for_each(|event| {
                profile.fold(event, now, &wide());
            });
            profile
        };
        let straight = fold(&events);
        events.sort_by_key(|event| xxhash_rust::xxh3::xxh3_64(&(event.message.0 ^ seed).to_le_bytes()));
        let shuffled = fold(&events);
        for name in NAMES {
            prop_assert_eq!(shuffled.total(name), straight.total(name));
            for hours in [1, 6, 24] {
                let within = Span::hours(hours);
                prop_assert_eq!(shuffled.count(name, within, now), straight.count(name, within, now));
            }
        }
        prop_assert_eq!(shuffled.orders().count(), straight.orders().count());
        prop_assert_eq!(shuffled.orders().value(), straight.orders().value());
        let today = straight.today(now);
        prop_assert_eq!(
            shuffled.days().count(DayKind::ProductViews, 90, today),
            straight.days().count(DayKind::ProductViews, 90, today)
        );
    }

    #[test]
    fn any_stamp_is_folded_and_read_without_panic(
        stamps in prop::collection::vec((any::<i64>(), any::<i64>(), select(&NAMES[..])), 1..40),
        edge in select(&[i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX][..]),
        within in any::<i64>(),
    ) {
        let mut profile = Profile::default();
        let all = stamps.iter().copied().chain([(edge, edge, NAMES[0]), (edge, 0, NAMES[1]), (0, edge, NAMES[5])]);
        for (n, (at, now, name)) in all.enumerate() {
            let mut event = track(name, Timestamp(at)).message(&n.to_string()).text("order_id", "o").0;
            if n % 3 == 0 {
                event.timeliness = Timeliness::Late;
            }
            profile.fold(&event, Timestamp(now), &wide());
            for now in [Timestamp(at), Timestamp(now), Timestamp(edge)] {
                profile.count(name, Span(within), now);
                profile.next_change(name, Span(within), now);
                prop_assert!(feature::extract(&profile, now).iter().all(|value| value.is_finite()));
                for field in crate::profile::field::TABLE {
                    (field.read)(&profile, now);
                    (field.partial)(&profile, now);
                    (field.next_change)(&profile, now);
                }
            }
            if let Some(due) = profile.next_due() {
                profile.fire(due, &event.customer);
                prop_assert!(profile.next_due().is_none_or(|next| next > due), "a timer that fired stands again");
            }
        }
        profile.merge(profile.clone());
    }
}
