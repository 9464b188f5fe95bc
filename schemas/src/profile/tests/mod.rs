//! What the profile does, by example; [`against_model`] does the same for any sequence of events.

mod against_model;
mod fuzz;
mod rhythm;
pub(crate) mod shop;

use smol_str::SmolStr;

use super::day::DayKind;
use super::{Consent, Counted, Origin, Profile, ProfilePolicy, SessionChange, Standing, field};
use crate::customer::LinkKind;
use crate::decision::Category;
use crate::feature;
use crate::money::Currency;
use crate::score::{Head, Score, ScoreSource};
use crate::time::{Span, Timestamp};
use crate::value::{Properties, Value};
use shop::{NOON, after, fold, fold_at, identify, track};

fn read(profile: &Profile, path: &str, now: Timestamp) -> Option<Value> {
    field::lookup(path).expect("a field of the table").read(profile, now)
}

fn number(profile: &Profile, path: &str, now: Timestamp) -> f64 {
    match read(profile, path, now) {
        Some(Value::Number(number)) => number,
        other => panic!("{path} is {other:?}"),
    }
}

fn exactly(n: u64) -> Counted {
    Counted { n, partial: false }
}

#[test]
fn repeated_message_changes_nothing_for_a_day() {
    let mut profile = Profile::default();
    let event = track("Product Viewed", NOON);
    fold(&mut profile, &event);
    let before = profile.clone();
    let repeated = fold_at(&mut profile, &event, NOON + Span(Span::hours(24).0 - 1));
    assert_eq!(repeated.standing, Standing::Duplicate);
    assert_eq!(profile.total("Product Viewed"), before.total("Product Viewed"));
    assert_eq!(profile.orders(), before.orders());
    let later = fold_at(&mut profile, &event, NOON + Span::hours(24));
    assert_eq!(later.standing, Standing::Applied);
}

#[test]
fn evicted_young_message_id_marks_counts_partial_until_a_day_later() {
    let mut profile = Profile::default();
    for second in 0..65 {
        fold(&mut profile, &track("Page Viewed", after(Span::seconds(second))));
    }
    assert_eq!(profile.ring().lost(), 1);
    assert!(profile.total("Page Viewed").partial);
    assert!(profile.count("Page Viewed", Span::hours(1), after(Span::minutes(5))).partial);
    let cleared = NOON + Span::hours(25);
    assert!(!profile.count("Page Viewed", Span::hours(1), cleared).partial);
}

#[test]
fn window_is_open_at_its_start_and_closed_at_its_end() {
    let mut profile = Profile::default();
    fold(&mut profile, &track("Product Viewed", NOON));
    let hour = Span::hours(1);
    let count = |now| profile.count("Product Viewed", hour, now);
    assert_eq!(count(NOON), exactly(1));
    assert_eq!(count(NOON + Span(hour.0 - 1)), exactly(1));
    assert_eq!(count(NOON + hour), exactly(0));
    assert_eq!(profile.next_change("Product Viewed", hour, NOON), Some(NOON + hour));
    assert_eq!(profile.next_change("Product Viewed", hour, NOON + hour), None);
}

#[test]
fn flood_of_one_name_leaves_the_windows_of_others_exact() {
    let mut profile = Profile::default();
    fold(&mut profile, &track("Payment Failed", NOON));
    let policy = ProfilePolicy { message_ring: 4_096, ..ProfilePolicy::default() };
    for second in 1..1_000 {
        profile.fold(
            &track("Page Viewed", after(Span::seconds(second))).0,
            after(Span::seconds(second)),
            &policy,
        );
    }
    let now = after(Span::seconds(1_000));
    assert_eq!(profile.count("Payment Failed", Span::hours(1), now), exactly(1));
    assert!(profile.count("Page Viewed", Span::hours(1), now).partial);
    assert_eq!(profile.count("Page Viewed", Span::minutes(1), now), exactly(59));
    assert_eq!(profile.total("Page Viewed"), exactly(999));
}

#[test]
fn unknown_names_are_counted_one_by_one_up_to_a_bound() {
    let mut profile = Profile::default();
    for n in 0..40 {
        fold(&mut profile, &track(&format!("Custom {n}"), after(Span::seconds(n))));
    }
    assert_eq!(profile.total("Custom 0"), exactly(1));
    assert_eq!(profile.total("Custom 39"), Counted { n: 0, partial: true });
    assert_eq!(profile.counters().all(), 40);
    fold(&mut profile, &track("Order Completed", after(Span::seconds(50))));
    assert_eq!(profile.total("Order Completed"), exactly(1), "known names always have a place");
}

#[test]
fn every_name_of_the_vocabulary_always_has_a_counter() {
    let known = super::counter::KNOWN_NAMES;
    for name in crate::event::vocabulary::names() {
        assert!(known.contains(&name), "{name} is missing at the end of KNOWN_NAMES");
    }
}

#[test]
fn days_are_those_of_the_customers_zone() {
    let mut profile = Profile::default();
    let mut event = track("Product Viewed", Timestamp(1_710_518_400_000)); // 16:00Z, midnight in Shanghai
    event.0.zone = Some(SmolStr::new("Asia/Shanghai"));
    fold(&mut profile, &track("Product Viewed", event.0.at - Span(1)).text("country", "China"));
    fold(&mut profile, &event);
    let today = profile.today(event.0.at);
    assert_eq!(profile.days().count(DayKind::ProductViews, 1, today), 1);
    assert_eq!(profile.days().count(DayKind::ProductViews, 2, today), 2);
    assert_eq!(profile.zone().from, Origin::Context);
    let leaves = profile.next_change("Product Viewed", Span::days(2), event.0.at).expect("a day leaves");
    assert_eq!(leaves, event.0.at + Span::hours(24));
    assert_eq!(profile.count("Product Viewed", Span::days(2), leaves), exactly(1));
    assert_eq!(profile.count("Product Viewed", Span::days(2), leaves - Span(1)), exactly(2));
}

#[test]
fn session_ends_thirty_minutes_after_its_last_activity() {
    let mut profile = Profile::default();
    let first = fold(&mut profile, &track("Product Viewed", NOON));
    assert_eq!(first.session, SessionChange::Started);
    let ends = NOON + Span::minutes(30);
    let same_instant = fold(&mut profile, &track("Page Viewed", ends));
    assert_eq!(same_instant.session, SessionChange::Continued, "the event comes before the timer");
    let due = profile.next_due().expect("the session ends");
    assert_eq!(due, ends + Span::minutes(30));
    let ended = profile.fire(due, &track("", NOON).0.customer);
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].name.as_str(), ended[0].at), ("Session Ended", due));
    assert_eq!(ended[0].properties.get("duration_s"), Some(&Value::Number(1_800.0)));
    assert_eq!(profile.next_due(), None);
    assert_eq!(profile.count("Session Ended", Span::hours(1), due), exactly(1));
    assert!(profile.fire(due, &ended[0].customer).is_empty());
}

#[test]
fn back_office_events_open_no_session() {
    let mut profile = Profile::default();
    for name in ["Order Refunded", "Order Cancelled", "Case Opened", "Consent Granted"] {
        let folded = fold(&mut profile, &track(name, NOON));
        assert_eq!(folded.session, SessionChange::Untouched, "{name}");
    }
    fold(&mut profile, &identify(NOON));
    assert_eq!(profile.sessions().count(), 0);
    assert_eq!(profile.last_active(), None);
}

#[test]
fn order_inherits_the_cart_of_its_checkout() {
    let mut profile = Profile::default();
    let add = |cart: &str, minute| {
        track("Product Added", after(Span::minutes(minute)))
            .text("cart_id", cart)
            .text("product_id", "p1")
            .number("price", 12.5)
            .number("quantity", 2.0)
    };
    fold(&mut profile, &add("c1", 0));
    let checkout =
        track("Checkout Started", after(Span::minutes(1))).text("cart_id", "c1").text("order_id", "o1");
    assert_eq!(fold(&mut profile, &checkout).cart.as_deref(), Some("c1"));
    fold(&mut profile, &add("c2", 2));
    let ordered = fold(
        &mut profile,
        &track("Order Completed", after(Span::minutes(3))).text("order_id", "o1").number("total", 25.0),
    );
    assert_eq!((ordered.cart.as_deref(), ordered.order.as_deref()), (Some("c1"), Some("o1")));
    assert_eq!(ordered.links.len(), 1);
    assert_eq!(ordered.links[0].kind, LinkKind::Order);
    let now = after(Span::minutes(3));
    assert_eq!(profile.cart_key(now).map(SmolStr::as_str), Some("c2"), "the other cart stays open");
    let refund = fold(&mut profile, &track("Order Refunded", after(Span::days(2))).text("order_id", "o1"));
    assert_eq!(refund.cart.as_deref(), Some("c1"));
}

#[test]
fn carts_without_id_have_different_keys() {
    let mut profile = Profile::default();
    let add = |minute| {
        track("Product Added", after(Span::minutes(minute))).text("product_id", "p").number("price", 3.0)
    };
    let first = fold(&mut profile, &add(0)).cart.expect("a made key");
    assert_eq!(fold(&mut profile, &add(1)).cart.as_ref(), Some(&first));
    assert_eq!(number(&profile, "cart.value", after(Span::minutes(1))), 6.0);
    let bought = fold(&mut profile, &track("Order Completed", after(Span::minutes(2))).text("order_id", "o"));
    assert_eq!(bought.cart.as_ref(), Some(&first));
    let second = fold(&mut profile, &add(3)).cart.expect("a made key");
    assert_ne!(first, second);
}

#[test]
fn addition_older_than_the_order_does_not_reopen_its_cart() {
    let mut profile = Profile::default();
    let add = track("Product Added", NOON).text("cart_id", "c1").text("product_id", "p");
    let buy = track("Order Completed", after(Span::minutes(5))).text("cart_id", "c1").text("order_id", "o");
    fold(&mut profile, &buy);
    let folded = fold_at(&mut profile, &add, after(Span::minutes(6)));
    assert_eq!(folded.cart.as_deref(), Some("c1"));
    assert_eq!(profile.cart_key(after(Span::minutes(6))), None);
}

#[test]
fn removed_lines_leave_the_cart() {
    let mut profile = Profile::default();
    let line = |name: &str, second, quantity| {
        track(name, after(Span::seconds(second)))
            .text("product_id", "p")
            .number("price", 4.0)
            .number("quantity", quantity)
    };
    fold(&mut profile, &line("Product Added", 0, 3.0));
    fold(&mut profile, &line("Product Removed", 1, 1.0));
    assert_eq!(number(&profile, "cart.value", NOON), 8.0);
    fold(&mut profile, &line("Product Removed", 2, 9.0));
    assert_eq!(number(&profile, "cart.items", NOON), 0.0);
    fold(&mut profile, &track("Cart Cleared", after(Span::seconds(3))));
    assert_eq!(read(&profile, "cart.value", NOON), None);
}

#[test]
fn untouched_cart_expires() {
    let mut profile = Profile::default();
    fold(&mut profile, &track("Product Added", NOON).text("product_id", "p").number("price", 4.0));
    let cart = field::lookup("cart.value").expect("a field");
    let expiry = NOON + Span::days(30);
    assert_eq!(cart.next_change(&profile, NOON), Some(expiry));
    assert!(cart.read(&profile, expiry - Span(1)).is_some());
    assert_eq!(cart.read(&profile, expiry), None);
}

#[test]
fn lines_of_one_order_are_one_order() {
    let mut profile = Profile::default();
    for n in 0..5 {
        let line = track("Order Item Added", after(Span::seconds(n)))
            .text("order_id", "536365")
            .text("product_id", &format!("p{n}"))
            .number("price", 2.0)
            .number("quantity", 3.0);
        let folded = fold(&mut profile, &line);
        assert_eq!(folded.links.len(), usize::from(n == 0));
    }
    assert_eq!(profile.orders().count(), 1);
    assert_eq!(number(&profile, "orders.value", NOON), 30.0);
    assert_eq!(number(&profile, "orders.items", NOON), 15.0);
    assert_eq!(profile.total("Order Item Added"), exactly(5));
    let today = profile.today(NOON);
    assert_eq!(profile.days().count(DayKind::Orders, 1, today), 1);
    assert_eq!(profile.days().value(1, today), 3_000);
}

#[test]
fn evicted_order_is_not_counted_again() {
    let mut profile = Profile::default();
    let line = |order: i64, second| {
        track("Order Item Added", after(Span::seconds(second)))
            .text("order_id", &format!("o{order}"))
            .text("product_id", "p")
            .number("price", 1.0)
    };
    for n in 0..40 {
        fold(&mut profile, &line(n, n));
    }
    fold(&mut profile, &line(0, 100));
    assert_eq!(profile.orders().count(), 40);
    assert_eq!(number(&profile, "orders.value", NOON), 41.0);
    assert!(!profile.orders().partial());
}

#[test]
fn lines_of_one_cancellation_are_one_cancellation() {
    let mut profile = Profile::default();
    for (n, cancellation) in ["C1", "C1", "C2"].into_iter().enumerate() {
        let line = track("Order Cancelled", after(Span::seconds(n as i64)))
            .text("order_id", cancellation)
            .text("product_id", &format!("p{n}"))
            .number("price", 2.0)
            .number("quantity", 5.0);
        fold(&mut profile, &line);
    }
    assert_eq!(number(&profile, "cancellations.count", NOON), 2.0);
    assert_eq!(number(&profile, "cancellations.value", NOON), 30.0);
    assert_eq!(profile.count("Order Cancelled", Span::hours(1), after(Span::minutes(1))), exactly(2));
}

#[test]
fn sums_never_mix_currencies() {
    let mut profile = Profile::default();
    for (n, currency) in ["EUR", "usd", "EUR"].into_iter().enumerate() {
        let order = track("Order Completed", after(Span::seconds(n as i64)))
            .text("order_id", &format!("o{n}"))
            .number("total", 10.0)
            .text("currency", currency);
        fold(&mut profile, &order);
    }
    assert_eq!(number(&profile, "orders.value", NOON), 20.0);
    assert!(field::lookup("orders.value").expect("a field").partial(&profile, NOON));
    assert_eq!(profile.orders().value().of(Currency(*b"USD")), 1_000);
}

#[test]
fn newest_word_about_consent_holds_and_refusal_wins_a_tie() {
    let mut profile = Profile::default();
    assert_eq!(profile.consent("marketing", "email"), Consent::Unknown);
    let consent = Value::Map(Properties(vec![(SmolStr::new("marketing"), Value::Bool(true))]));
    assert!(fold(&mut profile, &identify(NOON).value("consent", consent)).consent_changed);
    assert_eq!(profile.consent("marketing", "email"), Consent::Granted);
    fold(&mut profile, &track("Consent Denied", after(Span::days(1))).text("channel", "email"));
    assert_eq!(profile.consent("marketing", "email"), Consent::Denied);
    assert_eq!(profile.consent("marketing", "sms"), Consent::Granted);
    let late = track("Consent Granted", NOON).message("late").late().text("channel", "email");
    assert!(!fold_at(&mut profile, &late, after(Span::days(9))).consent_changed);
    fold(&mut profile, &track("Consent Denied", after(Span::days(10))));
    fold(&mut profile, &track("Consent Granted", after(Span::days(10))));
    assert_eq!(profile.consent("marketing", "sms"), Consent::Denied);
}

#[test]
fn identified_customers_word_stands_above_an_anonymous_one() {
    let mut known = Profile::default();
    fold(&mut known, &track("Consent Denied", NOON).text("channel", "email"));
    let mut anonymous = Profile::default();
    fold(&mut anonymous, &track("Consent Granted", after(Span::days(1))));
    known.merge(anonymous);
    assert_eq!(known.consent("marketing", "email"), Consent::Denied);
    assert_eq!(known.consent("marketing", "sms"), Consent::Granted);
}

#[test]
fn zone_and_locale_follow_the_chain() {
    let mut profile = Profile::default();
    fold(&mut profile, &track("Page Viewed", NOON));
    assert_eq!((profile.zone().value, profile.zone().from), ("UTC", Origin::Default));
    fold(&mut profile, &track("Order Completed", after(Span::seconds(1))).text("country", "United Kingdom"));
    assert_eq!((profile.zone().value, profile.zone().from), ("Europe/London", Origin::Country));
    assert_eq!(profile.locale().value, "en-GB");
    fold(&mut profile, &identify(after(Span::seconds(2))).text("timezone", "Europe/Berlin"));
    assert_eq!((profile.zone().value, profile.zone().from), ("Europe/Berlin", Origin::Traits));
    let mut page = track("Page Viewed", after(Span::seconds(3)));
    page.0.zone = Some(SmolStr::new("Not/AZone"));
    page.0.locale = Some(SmolStr::new("de-CH"));
    fold(&mut profile, &page);
    assert_eq!(profile.zone().value, "Europe/Berlin", "a zone that does not exist is not taken");
    assert_eq!((profile.locale().value, profile.locale().from), ("de-CH", Origin::Context));
}

#[test]
fn late_event_moves_totals_and_nothing_that_could_fire() {
    let mut profile = Profile::default();
    let now = after(Span::days(20));
    fold(&mut profile, &track("Page Viewed", now));
    let late = track("Order Completed", NOON).late().text("order_id", "o").number("total", 9.0);
    let folded = fold_at(&mut profile, &late, now + Span(1));
    assert_eq!(folded.standing, Standing::Late);
    assert!(folded.moved.is_empty());
    assert_eq!(folded.session, SessionChange::Untouched);
    assert_eq!(profile.orders().count(), 1);
    assert_eq!(profile.days().count(DayKind::Orders, 30, profile.today(now)), 1);
    assert_eq!(profile.count("Order Completed", Span::hours(24), now), exactly(0));
    assert_eq!(profile.first_seen(), Some(NOON));
    let add = track("Product Added", NOON).late().text("product_id", "p");
    fold_at(&mut profile, &add, now + Span(2));
    assert_eq!(profile.cart_key(now), None);
}

#[test]
fn contact_values_are_linked_once_and_not_kept() {
    let mut profile = Profile::default();
    let call = |second| {
        identify(after(Span::seconds(second))).text("email", " Ann@Example.org ").text("first_name", "Ann")
    };
    assert_eq!(fold(&mut profile, &call(0)).links.len(), 1);
    assert!(fold(&mut profile, &call(1)).links.is_empty());
    assert_eq!(read(&profile, "traits.email", NOON), Some(Value::Bool(true)));
    assert_eq!(read(&profile, "traits.first_name", NOON), Some(Value::Text("Ann".into())));
    let row = postcard::to_allocvec(&profile).expect("encodes");
    assert!(!row.windows(7).any(|bytes| bytes.eq_ignore_ascii_case(b"example")));
}

#[test]
fn case_is_open_until_it_is_closed() {
    let mut profile = Profile::default();
    let case = |name: &str, id: &str, second| track(name, after(Span::seconds(second))).text("case_id", id);
    fold(&mut profile, &case("Case Opened", "1", 0));
    fold(&mut profile, &case("Case Opened", "2", 1));
    fold(&mut profile, &case("Case Closed", "1", 2));
    assert!(profile.open_case());
    fold(&mut profile, &track("Case Closed", after(Span::seconds(3))));
    assert!(!profile.open_case());
}

#[test]
fn merge_unites_and_erase_forgets() {
    let (mut known, mut anonymous) = (Profile::default(), Profile::default());
    let line = |second: i64, order: &str| {
        track("Order Item Added", after(Span::seconds(second)))
            .text("order_id", order)
            .text("product_id", "p")
            .number("price", 1.0)
    };
    fold(&mut known, &line(0, "o1"));
    fold(&mut anonymous, &line(1, "o1"));
    fold(&mut anonymous, &line(2, "o2"));
    let add = track("Product Added", after(Span::seconds(3))).text("cart_id", "c").text("product_id", "p");
    fold(&mut anonymous, &add);
    anonymous.note_outreach(Category::Marketing, NOON);
    known.merge(anonymous);
    assert_eq!(known.orders().count(), 2);
    assert_eq!(number(&known, "orders.value", NOON), 3.0);
    assert_eq!(known.total("Order Item Added"), exactly(3));
    assert_eq!(known.cart_key(NOON).map(SmolStr::as_str), Some("c"));
    assert_eq!(known.last_outreach(Category::Marketing), Some(NOON));
    known.erase();
    assert_eq!(known, Profile::default());
}

#[test]
fn cart_ordered_on_the_other_side_closes_in_a_merge() {
    let (mut known, mut anonymous) = (Profile::default(), Profile::default());
    fold(&mut anonymous, &track("Product Added", NOON).text("cart_id", "c").text("product_id", "p"));
    fold(
        &mut known,
        &track("Order Completed", after(Span::minutes(1))).text("cart_id", "c").text("order_id", "o"),
    );
    known.merge(anonymous);
    assert_eq!(known.cart_key(after(Span::minutes(1))), None);
}

#[test]
fn every_field_has_a_name_of_its_own_and_keeps_its_kind() {
    let mut profile = Profile::default();
    fold(&mut profile, &track("Product Added", NOON).text("product_id", "p").number("price", 4.0));
    fold(&mut profile, &track("Order Completed", NOON).text("order_id", "o").number("total", 4.0));
    for (place, entry) in field::TABLE.iter().enumerate() {
        assert!(field::TABLE[..place].iter().all(|other| other.name != entry.name), "{}", entry.name);
        assert!(!entry.doc.is_empty() && entry.doc.ends_with('.'), "{}", entry.name);
        let fits = match ((entry.read)(&profile, NOON), entry.kind) {
            (None, _) => true,
            (Some(Value::Number(number)), field::FieldKind::Number) => number.is_finite(),
            (Some(Value::Text(_)), field::FieldKind::Text) => true,
            (Some(Value::Bool(_)), field::FieldKind::Bool) => true,
            (Some(_), _) => false,
        };
        assert!(fits, "{}", entry.name);
    }
}

#[test]
fn unknown_field_names_the_nearest() {
    let unknown = field::lookup("cart.valeu").expect_err("no such field");
    assert_eq!(unknown.nearest, "cart.value");
    assert!(field::lookup("traits.").is_err());
}

#[test]
fn field_of_time_changes_when_it_says() {
    let mut profile = Profile::default();
    fold(&mut profile, &track("Order Completed", NOON).text("order_id", "o"));
    let field = field::lookup("orders.days_since_last").expect("a field");
    let next = field.next_change(&profile, NOON + Span::hours(30)).expect("a day passes");
    assert_eq!(next, NOON + Span::days(2));
    assert_eq!(number(&profile, "orders.days_since_last", next - Span(1)), 1.0);
    assert_eq!(number(&profile, "orders.days_since_last", next), 2.0);
}

#[test]
fn features_have_names_of_their_own() {
    for (place, entry) in feature::TABLE.iter().enumerate() {
        assert_eq!(feature::place(entry.name), Some(place), "{}", entry.name);
        assert!(!entry.heads.is_empty(), "{}", entry.name);
    }
    assert_eq!(feature::extract(&Profile::default(), NOON).len(), feature::TABLE.len());
}

#[test]
fn score_that_is_no_probability_becomes_one() {
    let mut profile = Profile::default();
    for (given, kept) in [(f32::NAN, 0.0), (f32::INFINITY, 1.0), (-3.0, 0.0), (0.4, 0.4)] {
        let score = Score { value: given, model: "m".into(), source: ScoreSource::Model, at: NOON };
        profile.set_score(Head::Churn, score);
        assert_eq!(profile.score(Head::Churn).map(|score| score.value), Some(kept));
    }
}

/// Three months of a shopper who is known well: eight visits, three orders, one of them refunded.
pub(super) fn typical_shopper() -> Profile {
    let mut profile = Profile::default();
    let mut clock = NOON;
    let mut send = |made: shop::Made, step: Span| {
        clock = clock + step;
        let mut made = made;
        made.0.at = clock;
        made.0.message = crate::ids::MessageId(xxhash_rust::xxh3::xxh3_64(&clock.0.to_le_bytes()));
        fold_at(&mut profile, &made, clock);
    };
    send(
        identify(NOON)
            .text("email", "ann@example.org")
            .text("first_name", "Ann")
            .text("timezone", "Europe/Berlin")
            .value("marketing_consent", Value::Bool(true)),
        Span(0),
    );
    for visit in 0..8 {
        send(track("Page Viewed", NOON), Span::days(11));
        for product in 0..5 {
            let view = track("Product Viewed", NOON).text("product_id", &format!("sku-{product}"));
            send(view, Span::seconds(47));
        }
        send(track("Products Searched", NOON).text("query", "shoes"), Span::seconds(13));
        let cart = format!("cart-{visit:05}");
        for product in 0..3 {
            let sku = format!("sku-{product}");
            let add = track("Product Added", NOON).text("cart_id", &cart).text("product_id", &sku);
            send(add.number("price", 19.99), Span::seconds(71));
        }
        if visit % 3 == 0 {
            let order = format!("order-{visit:06}");
            let checkout = track("Checkout Started", NOON).text("cart_id", &cart).text("order_id", &order);
            send(checkout, Span::seconds(80));
            let buy = track("Order Completed", NOON).text("order_id", &order).number("total", 59.97);
            send(buy, Span::seconds(30));
        }
    }
    send(track("Order Refunded", NOON).text("order_id", "order-000003").number("total", 20.0), Span::days(2));
    for head in Head::ALL {
        let score = Score { value: 0.25, model: "prior-1".into(), source: ScoreSource::Model, at: clock };
        profile.set_score(head, score);
    }
    profile
}

#[test]
fn typical_shopper_fits_into_nine_hundred_bytes() {
    let profile = typical_shopper();
    let row = postcard::to_allocvec(&profile).expect("encodes");
    println!("row {} bytes, memory {} bytes, struct {}", row.len(), profile.weight(), size_of::<Profile>());
    assert!(row.len() <= 900, "{} bytes", row.len());
    assert_eq!(postcard::from_bytes::<Profile>(&row).expect("decodes"), profile);
}
