//! A simulated shop in front of the running binary, as the demonstration has it.

use std::path::Path;

use super::Shop;
use super::chat::SIGNED;
use crate::care;

/// Opens a shop in front of an engine for some seconds, with its settings.
fn visit(shop: &Shop, key: &str, more: &[&str]) -> care::Finished {
    let url = format!("http://{}", shop.address());
    let words = ["shop", "--url", &url, "--key", key, "--shoppers", "100000", "--seed", "7", "--json"];
    care::run_with([&words[..], more].concat(), &SIGNED.map(|(name, value)| (name, value.to_owned())))
}

#[test]
fn every_event_of_the_shop_is_applied_and_whoever_asks_there_is_answered() {
    let articles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/demo-data/knowledge");
    let articles = articles.display().to_string();
    let shop = Shop::open(&[&SIGNED[..], &[("CARE__KNOWLEDGE__DIR", articles.as_str())]].concat());
    let metrics = format!("{}/metrics", shop.served.started["endpoint"].as_str().expect("an address"));
    let more = ["--open-for", "1", "--for", "20", "--asks", "1", "--metrics", &metrics];
    let told = visit(&shop, &shop.key, &more).summary();
    let number = |name: &str| told[name].as_u64().unwrap_or_else(|| panic!("{name}: {told}"));
    assert!(number("events") > 100 && number("accepted") == number("events"), "{told}");
    assert!(number("questions") > 0 && number("answered") == number("questions"), "{told}");
    assert_eq!([number("lost"), number("rejected"), number("pages_failed")], [0; 3], "{told}");
    assert_eq!(shop.served.metric("care_collector_events_accepted_total"), number("events") as f64);
}

#[test]
fn a_key_that_sends_no_events_ends_the_shop_with_what_the_collector_says() {
    let shop = Shop::open(&[]);
    let wrong = format!("care_ingest_00000000_{}", "0".repeat(64));
    let finished = visit(&shop, &wrong, &["--open-for", "1", "--for", "5"]);
    assert!(!finished.success, "{}", finished.out);
    assert!(finished.err.contains("the collector refuses events with 401"), "{}", finished.err);
}
