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

#[test]
fn rates_lie_where_shops_report_them() {
    let mut shop = Shop::new(ShopSettings { days: 60, ..settings(2, 8_000) });
    let mut counts = rates::Counts::default();
    for event in shop.by_ref() {
        counts.note(event.name);
    }
    for rate in rates::RATES {
        let found = rate.of(&shop, &counts).expect("enough happened");
        assert!((rate.from..=rate.to).contains(&found), "{} is {found:.4}: {counts:?}", rate.name);
    }
}

/// Plays a shop to its end and contacts shopper `of` at each silence of a cart; returns the events of all others, and of that one.
fn with_outreach(settings: ShopSettings, of: Option<u32>) -> (Vec<Event>, Vec<Event>) {
    let mut shop = Shop::new(settings);
    let mut events = Vec::new();
    while let Some(moment) = shop.moment() {
        match moment {
            Moment::Event(event) => events.push(event),
            Moment::Silence { at, shopper } if Some(shopper) == of => {
                let key = shop.shopper_truth(shopper).expect("a shopper").customer;
                shop.contact(&key, at).expect("a known customer");
            }
            Moment::Silence { .. } => {}
        }
    }
    events.into_iter().partition(|event| Some(event.shopper) != of)
}

#[test]
fn outreach_to_one_shopper_changes_nothing_for_the_others() {
    let settings = settings(11, 80);
    let (untouched, _) = with_outreach(settings, None);
    let mut changed = 0;
    for shopper in 0..80 {
        let (others, own) = with_outreach(settings, Some(shopper));
        let (before_own, before): (Vec<Event>, Vec<Event>) =
            untouched.iter().cloned().partition(|event| event.shopper == shopper);
        assert_eq!(others, before, "shopper {shopper}");
        changed += usize::from(own != before_own);
    }
    assert!(changed > 0, "outreach changed nobody");
}

#[test]
fn a_contacted_shopper_does_what_the_truth_said() {
    let (mut persuaded, mut put_off, mut ignored) = (0, 0, 0);
    for seed in 0..6 {
        let mut shop = Shop::new(settings(seed, 1_500));
        let mut promises: Vec<(u32, String, Timestamp, bool)> = Vec::new();
        let mut orders: Vec<(u32, String, Timestamp)> = Vec::new();
        while let Some(moment) = shop.moment() {
            match moment {
                Moment::Event(event) if event.name == "Order Completed" => {
                    orders.push((event.shopper, event.line, event.at));
                }
                Moment::Event(_) => {}
                Moment::Silence { at, shopper } => {
                    let truth = shop.cart_truth(shopper, at).expect("a silent cart");
                    if truth.contacts > 0 || at > shop.ends() - Span::days(1) {
                        continue;
                    }
                    let reaction = shop.contact(&truth.customer, at).expect("a known customer");
                    let expected = match (truth.would_buy, truth.would_buy_contacted) {
                        (false, true) => Reaction::Persuaded,
                        (true, false) => Reaction::PutOff,
                        (true, true) | (false, false) => Reaction::Ignored,
                    };
                    assert_eq!(reaction, expected, "{truth:?}");
                    match reaction {
                        Reaction::Persuaded => persuaded += 1,
                        Reaction::PutOff => put_off += 1,
                        Reaction::Ignored | Reaction::BroughtBack => ignored += 1,
                    }
                    promises.push((shopper, truth.cart, at, truth.would_buy_contacted));
                }
            }
        }
        for (shopper, cart, at, buys) in promises {
            let cart = format!("\"cart_id\":\"{cart}\"");
            let bought = orders.iter().any(|(of, line, when)| {
                *of == shopper && line.contains(&cart) && (at..=at + Span::days(1)).contains(when)
            });
            assert_eq!(bought, buys, "{cart} at {at}");
        }
    }
    assert!(persuaded > 20 && put_off > 0 && ignored > 100, "{persuaded} {put_off} {ignored}");
}

#[test]
fn who_left_for_good_never_comes_back() {
    let mut shop = Shop::new(ShopSettings { days: 90, ..settings(4, 1_500) });
    let mut last = vec![STARTS; 1_500];
    for event in shop.by_ref() {
        if matches!(event.name, "page" | "Product Viewed" | "Product Added" | "Order Completed") {
            last[event.shopper as usize] = event.at;
        }
    }
    let gone: Vec<Timestamp> = shop
        .truth()
        .zip(&last)
        .filter_map(|(truth, last)| truth.gone_at.inspect(|gone| assert!(last <= gone, "{truth:?}")))
        .collect();
    assert!(gone.len() > 100, "{}", gone.len());
}

#[test]
fn both_languages_are_written() {
    let texts: Vec<String> = events(settings(3, 1_500))
        .into_iter()
        .filter(|event| matches!(event.name, "Message Sent" | "Product Reviewed"))
        .map(|event| event.line)
        .collect();
    let chinese = texts.iter().filter(|line| line.contains("zh-CN")).count();
    assert!(chinese > 10 && texts.len() - chinese > 10, "{chinese} of {}", texts.len());
}

#[test]
fn a_policy_writes_down_whom_it_wrote_to_and_whom_not() {
    let policy = Policy::Random { share: 0.5 };
    let mut counts = rates::Counts::default();
    events(ShopSettings { policy, ..settings(6, 3_000) }).iter().for_each(|event| counts.note(event.name));
    let [sent, withheld] = ["Outreach Sent", "Outreach Withheld"].map(|name| counts.of(name));
    assert!(sent > 40 && withheld > 40 && sent.abs_diff(withheld) < 4 * 15, "{sent} {withheld}");
}
