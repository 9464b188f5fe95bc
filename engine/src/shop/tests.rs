//! What the shop promises: the same for the same seed, in order, understood by the engine, and true to its own truth.

use schemas::event::{Border, customer_of, decode};

use super::*;

fn settings(seed: u64, shoppers: u32) -> ShopSettings {
    ShopSettings { seed, shoppers, days: 30, ..ShopSettings::default() }
}

fn events(settings: ShopSettings) -> Vec<Event> {
    Shop::new(settings).collect()
}

#[test]
fn the_same_seed_makes_the_same_events_and_another_seed_others() {
    let first = events(settings(7, 60));
    assert_eq!(first, events(settings(7, 60)));
    assert_ne!(first, events(settings(8, 60)));
}

#[test]
fn more_shoppers_change_nothing_for_those_who_are_there() {
    let few = events(settings(7, 40));
    let many: Vec<Event> = events(settings(7, 90)).into_iter().filter(|event| event.shopper < 40).collect();
    assert_eq!(few, many);
}

#[test]
fn events_come_in_order_and_each_is_understood() {
    let border = Border::default();
    let mut now = STARTS;
    for event in events(settings(3, 400)) {
        assert!(event.at >= now, "{}", event.line);
        now = event.at;
        let customer = customer_of(event.line.as_bytes(), &border).expect("somebody");
        let read = decode(customer.as_str(), event.line.as_bytes(), event.at, &border);
        let read = read.unwrap_or_else(|rejection| panic!("{rejection:?} {}", event.line));
        assert_eq!(read.at, event.at, "{}", event.line);
    }
}

/// Sums of probabilities and of what came true.
#[derive(Debug, Default)]
struct Tally {
    expected: f64,
    variance: f64,
    happened: f64,
}

impl Tally {
    fn note(&mut self, probability: f64, happened: bool) {
        assert!((0.0..=1.0).contains(&probability), "{probability}");
        self.expected += probability;
        self.variance += probability * (1.0 - probability);
        self.happened += f64::from(u8::from(happened));
    }

    /// Holds what happened against what was expected, four standard deviations wide.
    fn check(&self, what: &str) {
        let off = (self.happened - self.expected).abs();
        assert!(self.variance > 10.0, "{what}: too few to tell, {self:?}");
        assert!(off <= 4.0 * self.variance.sqrt(), "{what}: {self:?}");
    }
}

#[test]
fn what_would_be_bought_agrees_with_its_probability_without_and_with_outreach() {
    let mut shop = Shop::new(settings(5, 4_000));
    let [mut without, mut with, mut likely] = [Tally::default(), Tally::default(), Tally::default()];
    while let Some(moment) = shop.moment() {
        // One look per cart, so that the looks are independent: at its opening, or after a quarter of an hour of silence.
        let (at, shopper) = match moment {
            Moment::Silence { at, shopper } => (at, shopper),
            Moment::Event(event) if event.name == "Cart Viewed" => (event.at, event.shopper),
            Moment::Event(_) => continue,
        };
        let Some(truth) = shop.cart_truth(shopper, at) else { continue };
        without.note(truth.p_without, truth.would_buy);
        with.note(truth.p_with, truth.would_buy_contacted);
        if truth.p_without > 0.3 {
            likely.note(truth.p_without, truth.would_buy);
        }
    }
    without.check("without");
    with.check("with");
    likely.check("likely ones");
}
